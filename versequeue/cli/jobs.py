"""The commands of one job: submit, get, cancel, status. Results on stdout, the rest on stderr."""

import json
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import click

from versequeue.cli.failures import Exit, NoSong, Refused, coming_back
from versequeue.cli.live import BatchProgress, LiveLine, job_line, tenths
from versequeue.cli.options import command_again, connect, json_option, server_option, song_options
from versequeue.cli.texts import batch_text, finish_line, job_text, server_text
from versequeue.client.types import Batch, Job
from versequeue.rules.batch import BATCH_PREFIX
from versequeue.rules.options import SongOptions


@click.command()
@click.argument("prompt")
@song_options
@click.option("--wait/--no-wait", default=True, help="Wait for the lyrics, or only queue the job.")
@json_option
@server_option
def submit(
    prompt: str, options: SongOptions, wait: bool, as_json: bool, server: str | None
) -> None:
    """Have one song written about PROMPT (- reads it from stdin).

    The lyrics go to stdout, the live status to stderr.
    """
    if prompt == "-":
        prompt = read_stdin()
    with connect(server) as client:
        job = client.submit(prompt, options)
    if wait:
        job = follow_job(job.id, server)
    elif not as_json:
        click.echo(job.id)
        click.echo(f"Queued. See it with: {command_again('get', job.id, server)}", err=True)
        return
    print_result(job, as_json)


@click.command()
@click.argument("target_id", metavar="ID")
@click.option("--lyrics", is_flag=True, help="Print the lyrics alone.")
@click.option("--wait/--no-wait", default=False, help="Wait until it is done.")
@json_option
@server_option
def get(target_id: str, lyrics: bool, wait: bool, as_json: bool, server: str | None) -> None:
    """Show the job or the batch ID as it is now."""
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
    click.echo(json_text(job.raw) if as_json else job_text(job))
    if job.done and job.status != "succeeded":
        sys.exit(Exit.JOB_FAILED)


@click.command()
@click.argument("target_id", metavar="ID")
@json_option
@server_option
def cancel(target_id: str, as_json: bool, server: str | None) -> None:
    """End the job or the batch ID; safe to repeat."""
    seen: Job | Batch
    with connect(server) as client:
        if target_id.startswith(BATCH_PREFIX):
            seen = client.cancel_batch(target_id)
        else:
            seen = client.cancel(target_id)
    if as_json:
        click.echo(json_text(seen.raw))
    else:
        click.echo(f"{seen.id} is {seen.status if seen.done else 'asked to end'}.", err=True)


@click.command()
@json_option
@server_option
def status(as_json: bool, server: str | None) -> None:
    """Show whether a worker is awake and what a new job has to wait for."""
    with connect(server) as client:
        seen = client.status()
    click.echo(json_text(seen.raw) if as_json else server_text(seen))


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
        click.echo(json_text(job.raw))
    if job.status == "succeeded" and job.output is not None:
        if not as_json:
            click.echo(finish_line(job), err=True)
            if sys.stderr.isatty():
                click.echo(err=True)
            click.echo(job.output.lyrics)
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
    """The server's own answer, for a program."""
    return json.dumps(document, ensure_ascii=False)


def _get_batch(batch_id: str, lyrics: bool, wait: bool, as_json: bool, server: str | None) -> None:
    if wait:
        with goes_on("batch", batch_id, server):
            batch = follow_batch(batch_id, server)
    else:
        with connect(server) as client:
            batch = client.get_batch(batch_id)
    if lyrics:
        with connect(server) as client:
            for piece in client.results_file(batch_id, "jsonl" if as_json else "txt"):
                click.echo(piece, nl=False)
    else:
        click.echo(json_text(batch.raw) if as_json else batch_text(batch))
    if batch.done and batch.request_counts.succeeded < batch.request_counts.total:
        sys.exit(Exit.JOB_FAILED)
