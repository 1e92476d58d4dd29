"""Exit statuses, and the sentences that go with them on stderr. Imports no HTTP library."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import IO, Any

import click

from versequeue.client.errors import ApiError, JobNotSuccessful, ServerUnreachable, UnexpectedAnswer
from versequeue.client.plain_text import plain
from versequeue.errors import VerseQueueError

#: What a write to stdout meets where there is no room, or no device any more.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Exit(IntEnum):
    """What a program that calls the command line can tell apart."""

    DONE = 0
    JOB_FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    #: Ctrl-C, as the shell reports it
    INTERRUPTED = 130


class _Ending(click.ClickException):
    """An end that is told in one sentence, some of whose words may be a server's."""

    def format_message(self) -> str:
        """The sentence, as a terminal may be shown it."""
        return plain(self.message)


class NoSong(_Ending):
    """A job ended without a song, or has none yet."""

    exit_code = Exit.JOB_FAILED


class Refused(_Ending):
    """What was asked for cannot be done as it was asked."""

    exit_code = Exit.USAGE


class Unreachable(_Ending):
    """The server could not be reached, or cannot take the request now."""

    exit_code = Exit.UNREACHABLE


class Interrupted(_Ending):
    """Ctrl-C: the work goes on without us, and the message says how to come back."""

    exit_code = Exit.INTERRUPTED

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message alone: an interruption is no error."""
        click.echo(self.format_message(), file=file, err=True)


@contextmanager
def coming_back(message: str) -> Iterator[None]:
    """Ctrl-C within says how to come back to what goes on without us."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(message) from error


def failure_of(error: VerseQueueError) -> click.ClickException:
    """What to print and how to exit for `error`."""
    if isinstance(error, ServerUnreachable):
        hint = "Start one with `versequeue up`, or name another with --server or VERSEQUEUE_URL."
        return Unreachable(f"{error}\n{hint}")
    if isinstance(error, UnexpectedAnswer):
        return Unreachable(str(error))
    if isinstance(error, JobNotSuccessful):
        return NoSong(str(error))
    if isinstance(error, ApiError):
        again = (
            "" if error.retry_after_s is None else f" Try again in {duration(error.retry_after_s)}."
        )
        summary, *faults = str(error).splitlines()
        text = "\n".join([summary + again, *faults])
        return Unreachable(text) if error.is_temporary else Refused(text)
    return Refused(str(error))


@contextmanager
def room_may_be_missing() -> Iterator[None]:
    """What finds no room within, on stdout or elsewhere, is one sentence and an exit status."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        # Python would try again to print the rest when it ends, and say so with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Only a file's name says what was written to; stdout has none.
        where = f"{error.filename} cannot be written to" if error.filename else "No room to write"
        click.echo(f"Error: {where}: {error.strerror}.", err=True)
        sys.exit(Exit.USAGE)


def duration(seconds: float) -> str:
    """`seconds` as a person says it: 3.2 s, 45 s, 2 min 5 s, 3 h 20 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
