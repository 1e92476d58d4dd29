"""The commands of one job: submit, get, cancel, status. Results on stdout, the rest on stderr."""

import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import click

from versequeue.cli.failures import Exit, NoSong, Refused, coming_back
from versequeue.cli.live import BatchProgress, LiveLine, job_line, tenths
from versequeue.cli.options import (
    address_of,
    command_again,
    connect,
    json_option,
    server_option,
    song_options,
    term_options,
)
from versequeue.cli.texts import batch_text, finish_line, job_text, server_text
from versequeue.client.plain_text import plain, plain_pieces
from versequeue.client.types import Batch, Job
from versequeue.rules.batch import BATCH_PREFIX
from versequeue.rules.job import Status
from versequeue.rules.options import SongOptions
from versequeue.rules.terms import JobTerms

#: What stands for a line that is to be written; an editor makes the others of the first.
DASHES = ("-", "–", "—")
#: What lyrics have above each part.
_HEADING = re.compile(r"\[[^\[\]]*\]")


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="PROMPT")
@song_options
@term_options
@click.option(
    "--given",
    "given_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Lines that stay, one on each line; - stands for one to be written.",
)
@click.option("--wait/--no-wait", default=True, help="Wait for the lyrics, or only queue the job.")
@json_option
@server_option
def submit(
    words: tuple[str, ...],
    options: SongOptions,
    terms: JobTerms,
    given_file: Path | None,
    wait: bool,
    as_json: bool,
    server: str | None,
) -> None:
    """Have one song written about PROMPT (- reads it from stdin).

    The lyrics go to stdout, the live status to stderr.
    """
    prompt = words[0]
    if len(words) > 1:
        quoted = shlex.quote(" ".join(words))
        raise click.UsageError(f"A prompt is in quotes: versequeue submit {quoted}")
    if prompt == "-":
        prompt = read_stdin()
    given = read_given(given_file) if given_file else None
    if given and "structure" not in options:
        options = {"lines": len(given), **options}
    with connect(server) as client:
        job = client.submit(prompt, options, terms=terms, given=given)
    queued(job, wait=wait, as_json=as_json, server=server)


def queued(job: Job, *, wait: bool, as_json: bool, server: str | None) -> None:
    """Say where a new job is, and follow it and print what comes of it if that is waited for."""
    if wait:
        # First of all: who loses the connection, or the terminal, finds it again by that.
        say(f"{job.id} is at {urljoin(address_of(server), job.urls.get('self', ''))}", err=True)
        job = follow_job(job.id, server)
    elif not as_json:
        say(job.id)
        say(f"Queued. See it with: {command_again('get', job.id, server)}", err=True)
        return
    print_result(job, as_json)


def read_given(file: Path) -> list[str | None]:
    """The lines of a song in a file, None for a dash. Empty lines and `[Chorus]` are left out.

    Raises Refused where it cannot be read or has none.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise Refused(f"{file} is no text that can be read.") from error
    lines = sung_lines(text)
    if not lines:
        raise Refused(f"{file} has no lines.")
    return [None if line in DASHES else line for line in lines]


def sung_lines(lyrics: str) -> list[str]:
    """The lines of a lyric, without those that are empty or name a part."""
    lines = (line.strip() for line in lyrics.splitlines())
    return [line for line in lines if line and not _HEADING.fullmatch(line)]


def read_id(value: str) -> str:
    """The id as it is given, or out of a link to the job or batch; else what is given."""
    found = re.search(r"\b(?:job|batch)_\w+", value) if "/" in value else None
    return found[0] if found else value


def _read_id(_: click.Context, _parameter: click.Parameter, value: str) -> str:
    found = read_id(value)
    if "/" in found:
        raise click.BadParameter("no id of a job or batch is in it.")
    return found


id_argument = click.argument("target_id", metavar="ID", callback=_read_id)


@click.command()
@id_argument
@click.option("--lyrics", is_flag=True, help="Print the lyrics alone.")
@click.option("--wait/--no-wait", default=False, help="Wait until it is done.")
@json_option
@server_option
def get(target_id: str, lyrics: bool, wait: bool, as_json: bool, server: str | None) -> None:
    """Show the job or the batch ID as it is now; a link to it will do."""
    if target_id.startswith(BATCH_PREFIX):
        _get_batch(target_id, lyrics, wait, as_json, server)
        return
    if wait:
        job = follow_job(target_id, server)
    else:
        with connect(server) as client:
            job = client.get(target_id)
    if lyrics:
        print_result(job, as_json)
        return
    say(json_text(job.raw) if as_json else job_text(job))
    # Who only looks at what was canceled sees what was asked for; who waits for a song has none.
    as_asked = (Status.SUCCEEDED,) if wait else (Status.SUCCEEDED, Status.CANCELED)
    if job.done and job.status not in as_asked:
        sys.exit(Exit.JOB_FAILED)


@click.command()
@id_argument
@json_option
@server_option
def cancel(target_id: str, as_json: bool, server: str | None) -> None:
    """End the job or the batch ID, or the one that a link leads to; safe to repeat."""
    seen: Job | Batch
    with connect(server) as client:
        if target_id.startswith(BATCH_PREFIX):
            seen = client.cancel_batch(target_id)
        else:
            seen = client.cancel(target_id)
    if as_json:
        say(json_text(seen.raw))
    elif seen.done and seen.status != Status.CANCELED:
        say(f"{seen.id} had ended already, as {seen.status}: nothing was canceled.", err=True)
    else:
        say(f"{seen.id} is {seen.status if seen.done else 'asked to end'}.", err=True)


@click.command()
@json_option
@server_option
def status(as_json: bool, server: str | None) -> None:
    """Show whether a worker is awake and what a new job has to wait for."""
    with connect(server) as client:
        seen = client.status()
    say(json_text(seen.raw) if as_json else server_text(seen))


def follow_job(job_id: str, server: str | None) -> Job:
    """Wait for a job with its live status on stderr; Ctrl-C says how to come back."""

    def show(job: Job) -> None:
        if not job.done:
            live.show(job_line(job), tail=job.preview.rpartition("\n")[2])

    with (
        goes_on("job", job_id, server),
        connect(server, following=True) as client,
        LiveLine(sys.stderr) as live,
    ):
        return client.wait(job_id, on_update=show)


def follow_batch(batch_id: str, server: str | None) -> Batch:
    """Wait for a batch with its progress on stderr."""
    progress, told = BatchProgress(), -1

    def show(batch: Batch) -> None:
        nonlocal told
        text = progress.text(batch)
        if live.is_seen or tenths(batch) > told:
            told = tenths(batch)
            live.show(text)

    with connect(server, following=True) as client, LiveLine(sys.stderr) as live:
        return client.wait_batch(batch_id, on_update=show)


def goes_on(
    noun: str, target_id: str, server: str | None, come_back: str = ""
) -> AbstractContextManager[None]:
    """Ctrl-C within says that the job or batch goes on, how to see it and how to end it."""
    come_back = come_back or f"See it with: {command_again('get', target_id, server)}"
    end = command_again("cancel", target_id, server)
    return coming_back(f"The {noun} goes on without you. {come_back}\nEnd it with: {end}")


def print_result(job: Job, as_json: bool) -> None:
    """The lyrics on stdout, or why there are none; exit status 1 if there never will be."""
    if as_json:
        say(json_text(job.raw))
    if job.status == "succeeded" and job.output is not None:
        if not as_json:
            say(finish_line(job), err=True)
            if sys.stderr.isatty():
                click.echo(err=True)
            say(job.output.lyrics)
    elif job.done:
        reason = f": {job.error.detail}" if job.error else "."
        raise NoSong(f"{job.id} ended as {job.status}{reason}")
    elif not as_json:
        raise NoSong(f"{job.id} has no lyrics yet: {job_line(job)}.")


def read_stdin() -> str:
    """The text on stdin. Raises Refused if it is none."""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise Refused("The prompt on stdin is not UTF-8.") from error


def json_text(document: Mapping[str, Any]) -> str:
    """The server's own answer, for a program; with no control character but escaped ones."""
    text = json.dumps(document, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str, *, err: bool = False) -> None:
    """Print what a server may have written a part of."""
    click.echo(plain(text), err=err)


def print_results(pieces: Iterator[bytes]) -> None:
    """A file of results on stdout: as it is, or as a terminal may be shown it."""
    for piece in plain_pieces(pieces) if sys.stdout.isatty() else pieces:
        click.echo(piece, nl=False)


def _get_batch(batch_id: str, lyrics: bool, wait: bool, as_json: bool, server: str | None) -> None:
    if wait:
        with goes_on("batch", batch_id, server):
            batch = follow_batch(batch_id, server)
    else:
        with connect(server) as client:
            batch = client.get_batch(batch_id)
    if lyrics:
        with connect(server) as client:
            print_results(client.results_file(batch_id, "jsonl" if as_json else "txt"))
    else:
        say(json_text(batch.raw) if as_json else batch_text(batch))
        if batch.request_counts.succeeded:
            shown = command_again("get", batch_id, server)
            say(f"\nSee its songs with: {shown} --lyrics", err=True)
    if batch.done and batch.request_counts.succeeded < batch.request_counts.total:
        sys.exit(Exit.JOB_FAILED)
