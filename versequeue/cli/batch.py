"""The command `versequeue batch`: a file of prompts in, a file of songs out.

Safe to stop and to run again: the file's digest is the idempotency key, so that a second run finds
the first one's batch. Results are written whole or not at all.
"""

import os
import sys
import uuid
from pathlib import Path

import click

from versequeue.cli.failures import Exit, Refused
from versequeue.cli.jobs import follow_batch, goes_on, json_text, print_results, say
from versequeue.cli.options import connect, json_option, server_option, song_options, term_options
from versequeue.cli.texts import estimate_text
from versequeue.client.errors import with_faults
from versequeue.client.files import PromptFile
from versequeue.client.types import Batch
from versequeue.rules.options import SongOptions
from versequeue.rules.terms import JobTerms

#: by the end of the result file's name; one without an end is text
RESULT_FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".txt": "txt", "": "txt"}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the results here (.jsonl, .csv or .txt) instead of to stdout.",
)
@song_options
@term_options
@click.option("--check", is_flag=True, help="Only say what is wrong with FILE; queue nothing.")
@click.option("--retry-failed", is_flag=True, help="Queue the rows of an earlier run that failed.")
@click.option("--again", is_flag=True, help="A new batch, even if this file was sent before.")
@click.option("--wait/--no-wait", default=True, help="Wait for the results, or only queue them.")
@json_option
@server_option
def batch(
    file: Path,
    out: Path | None,
    options: SongOptions,
    terms: JobTerms,
    check: bool,
    retry_failed: bool,
    again: bool,
    wait: bool,
    as_json: bool,
    server: str | None,
) -> None:
    """Have every prompt of FILE written: .jsonl, .csv, or text with one prompt a line.

    Stopped and run again within a day, the same FILE with the same options is picked up where it
    is. Options are for all rows; a row's own win. Exit status 1 if any row has no song.
    """
    if out:  # found out before any work is done
        _check_out(out)
    if check:
        _check(file, options, terms, as_json, server)
        return
    sent = _send(file, options, terms, again, server)
    with goes_on("batch", sent.id, server, "Run the same command again to pick it up."):
        _announce(sent)
        if retry_failed and sent.request_counts.failed:
            with connect(server) as client:
                sent = client.retry_failed(sent.id)
        if not wait:
            say(json_text(sent.raw) if as_json else sent.id)
            return
        done = follow_batch(sent.id, server)
        missing = _report_failures(done, server)
        _write_results(done, out, as_json, server)
    if missing:
        sys.exit(Exit.JOB_FAILED)


def _check(
    file: Path, options: SongOptions, terms: JobTerms, as_json: bool, server: str | None
) -> None:
    with connect(server) as client:
        checked = client.check_file(_read(file), options, terms=terms)
    if as_json:
        say(json_text(checked.raw))
    if checked.fault_count:
        raise Refused(with_faults(checked.detail, checked.errors))
    say(" ".join(filter(None, (checked.detail, estimate_text(checked)))), err=True)


def _check_out(out: Path) -> None:
    if out.suffix.lower() not in RESULT_FORMATS:
        raise Refused(f"{out.name}: results are written as .jsonl, .csv or .txt.")
    if not os.access(out.parent, os.W_OK):
        raise Refused(f"{out.parent} is not a folder that can be written to.")


def _send(
    file: Path, options: SongOptions, terms: JobTerms, again: bool, server: str | None
) -> Batch:
    key = f"again-{uuid.uuid4().hex}" if again else None
    with connect(server) as client:
        return client.submit_batch(_read(file), options, terms=terms, idempotency_key=key)


def _read(file: Path) -> PromptFile:
    try:
        return PromptFile.read(file)
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.") from error


def _announce(sent: Batch) -> None:
    counts = sent.request_counts
    if sent.replayed:
        done = f"{counts.ended} of {counts.total} rows are done"
        say(f"Sent before as {sent.id}: {done}.", err=True)
    else:
        by = f", to be ready by {sent.ready_by:%H:%M} UTC" if sent.ready_by else ""
        say(f"{counts.total} rows accepted as {sent.id}{by}.", err=True)


def _report_failures(done: Batch, server: str | None) -> int:
    """Name each row without a song on stderr; how many there are."""
    counts = done.request_counts
    if counts.succeeded == counts.total:
        click.echo(f"All {counts.total} rows have a song.", err=True)
        return 0
    missing = 0
    with connect(server, following=True) as client:
        for row in client.results(done.id):
            if row.status != "succeeded":
                missing += 1
                reason = f": {row.error.detail}" if row.error else ""
                name = "" if row.custom_id == str(row.line) else f" ({row.custom_id})"
                say(f"line {row.line}{name}: {row.status}{reason}", err=True)
    click.echo(f"{missing} of {counts.total} rows have no song.", err=True)
    return missing


def _write_results(done: Batch, out: Path | None, as_json: bool, server: str | None) -> None:
    file_format = "jsonl" if as_json else "txt"
    if out:
        file_format = RESULT_FORMATS[out.suffix.lower()]
    with connect(server, following=True) as client:
        pieces = client.results_file(done.id, file_format)
        if out is None:
            print_results(pieces)
            return
        unfinished = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            with unfinished.open("wb") as stream:
                stream.writelines(pieces)
            unfinished.replace(out)
        except OSError as error:
            raise Refused(f"{out} cannot be written: {error.strerror}.") from error
        finally:
            unfinished.unlink(missing_ok=True)
    if as_json:
        say(json_text(done.raw))
    click.echo(f"Results are in {out}.", err=True)
