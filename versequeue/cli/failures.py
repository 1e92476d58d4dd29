"""Exit statuses, and the sentences that go with them on stderr. Imports no HTTP library."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import IO, Any

import click

from versequeue.client.errors import ApiError, JobNotSuccessful, ServerUnreachable, UnexpectedAnswer
from versequeue.errors import VerseQueueError


class Exit(IntEnum):
    """What a program that calls the command line can tell apart."""

    DONE = 0
    JOB_FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    #: Ctrl-C, as the shell reports it
    INTERRUPTED = 130


class NoSong(click.ClickException):
    """A job ended without a song, or has none yet."""

    exit_code = Exit.JOB_FAILED


class Refused(click.ClickException):
    """What was asked for cannot be done as it was asked."""

    exit_code = Exit.USAGE


class Unreachable(click.ClickException):
    """The server could not be reached, or cannot take the request now."""

    exit_code = Exit.UNREACHABLE


class Interrupted(click.ClickException):
    """Ctrl-C: the work goes on without us, and the message says how to come back."""

    exit_code = Exit.INTERRUPTED

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message alone: an interruption is no error."""
        click.echo(self.message, file=file, err=True)


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
