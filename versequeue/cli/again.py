"""The commands that have a song written again: `rewrite` some of it, `verify` all of it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from os.path import isfile
from pathlib import Path
from typing import Any, Self, cast

import click

from versequeue.cli.failures import NoSong, Refused
from versequeue.cli.jobs import (
    follow_job,
    id_argument,
    queued,
    read_id,
    read_stdin,
    say,
    sung_lines,
)
from versequeue.cli.options import connect, json_option, server_option
from versequeue.client.client import Client
from versequeue.client.types import Job
from versequeue.contract.views import Receipt
from versequeue.records import CANNOT_READ, from_record
from versequeue.rules.options import SongOptions

#: So many lines that differ are shown.
SHOWN = 10
_SPAN = re.compile("([0-9]+)(?:-([0-9]+))?")
#: No song has a line of more digits.
_MOST_DIGITS = 3


def _read_numbers(_: click.Context, _parameter: click.Parameter, value: str) -> list[int]:
    """The numbers in `3,5-7`."""
    numbers: list[int] = []
    for span in value.replace(" ", "").split(","):
        ends = _SPAN.fullmatch(span)
        if ends is None or max(map(len, ends.groups(""))) > _MOST_DIGITS:
            raise click.BadParameter("lines are numbers and spans of them, such as 3,5-7.")
        first, last = int(ends[1]), int(ends[2] or ends[1])
        if last < first:
            raise click.BadParameter(f"{span} runs backwards: write {last}-{first}.")
        numbers += range(first, last + 1)
    return numbers


@click.command()
@id_argument
@click.option(
    "--lines",
    required=True,
    callback=_read_numbers,
    metavar="NUMBERS",
    help="Such as 3,5-7; the first line is 1.",
)
@click.option("--seed", type=int, help="The same seed gives the same lines (random).")
@click.option("--wait/--no-wait", default=True, help="Wait for the lyrics, or only queue the job.")
@json_option
@server_option
def rewrite(
    target_id: str,
    lines: list[int],
    seed: int | None,
    wait: bool,
    as_json: bool,
    server: str | None,
) -> None:
    """Have some lines of the song of job ID written anew: a new job. All else stays."""
    more: SongOptions = {} if seed is None else {"seed": seed}
    with connect(server) as client:
        try:
            job = client.rewrite(target_id, lines, **more)
        except ValueError as error:
            raise Refused(str(error)) from error
    queued(job, wait=wait, as_json=as_json, server=server)


@click.command()
@click.argument("source", metavar="RECEIPT")
@server_option
def verify(source: str, server: str | None) -> None:
    """Have the song of RECEIPT written again, and say whether it is the same.

    RECEIPT is a job's id, a file with the job, its output or its receipt as JSON, that JSON itself,
    or - for stdin. It takes one song of the server's. Exit status: 0 the same, 1 not the same, 2 it
    cannot be told.
    """
    with connect(server) as client:
        known = Known.of(_document(source, client))
        asked = known.receipt.asked
        options = {**asked["options"], "seed": known.receipt.seed}
        options.pop("model", None)  # as the server called it that wrote the song
        if name := _name_of(known.receipt, client):
            options["model"] = name
        try:
            job = client.submit(
                asked["prompt"], cast(SongOptions, options), given=asked.get("given")
            )
        except ValueError as error:
            raise Refused(
                f"What that receipt says was asked for cannot be sent: {error}."
            ) from error
    _compare(known, follow_job(job.id, server))


@dataclass(frozen=True)
class Known:
    """What is known of a song that was written: its receipt, and its lines where they are told."""

    receipt: Receipt
    lines: Sequence[str] | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Out of a job, an output or a receipt. Raises Refused."""
        output = document.get("output", document)
        if not isinstance(output, dict):
            status = document.get("status")
            if status in ("queued", "running"):
                raise Refused(f"That job is {status}: its song can be compared when it is written.")
            raise Refused("That job has no song, so there is nothing to compare with.")
        told = output.get("receipt", output)
        try:
            receipt = from_record(Receipt, told)
        except CANNOT_READ as error:
            raise Refused("There is no receipt in that.") from error
        if not receipt.model_digest or receipt.seed is None:
            raise Refused("There is no receipt in that.")
        if not receipt.asked:
            # Older ones held no more of it than a digest; the job beside them knows it.
            asked = {name: document.get(name) for name in ("prompt", "options")}
            receipt = replace(receipt, asked=asked)
        if not isinstance(receipt.asked.get("prompt"), str) or not isinstance(
            receipt.asked.get("options"), dict
        ):
            raise Refused(
                f"A receipt of version {receipt.version} does not say what was asked for: "
                "give the job's id, or the whole job as JSON."
            )
        given = receipt.asked.get("given") or []
        if not isinstance(given, list) or any(not isinstance(one, str | None) for one in given):
            raise Refused("What that receipt says of given lines cannot be read.")
        lyrics = output.get("lyrics")
        return cls(receipt, sung_lines(lyrics) if isinstance(lyrics, str) else None)


def _document(source: str, client: Client) -> Mapping[str, Any]:
    """The JSON object that is meant. Raises Refused if there is none."""
    text = read_stdin() if source == "-" else source
    if source.lstrip().startswith("{"):
        pass  # the JSON itself, in which a whole job has links to itself
    elif isfile(source):
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Refused(f"{source} is no text that can be read.") from error
    elif re.fullmatch(r"job_\w+", read_id(source)):
        return client.get(read_id(source)).raw
    with suppress(ValueError, RecursionError):
        document = json.loads(text)
        if isinstance(document, dict):
            return document
    raise Refused("That is no job's id, and no file or text with a receipt in it.")


def _name_of(receipt: Receipt, client: Client) -> str:
    """What this server calls the model; empty: its first. Raises Refused where it has another."""
    models = client.models()
    found = next((each for each in models if each.model == receipt.model), None)
    # One that no worker has read yet may be the one.
    unread = next((each for each in models if each.model is None), None)
    if models and found is None and unread is None:
        have = ", ".join(each.model or each.name for each in models)
        raise Refused(
            f"The song is by the model {receipt.model}, and this server has {have}: "
            "it cannot be written again here."
        )
    chosen = found or unread
    return chosen.name if chosen and len(models) > 1 else ""


def _compare(known: Known, job: Job) -> None:
    """Say that it is the same. Raises NoSong where it is not, Refused where it cannot be told."""
    if job.status != "succeeded" or job.output is None or job.output.receipt is None:
        raise Refused(f"It was not written again: {job.id} ended as {job.status}.")
    before, now = known.receipt, job.output.receipt
    if now.model_digest != before.model_digest:
        raise Refused(
            f"The song is by other weights ({before.model_digest:.20}…) than this server has "
            f"({now.model_digest:.20}…): it cannot be written again here."
        )
    digest = hashlib.sha256(job.output.lyrics.encode()).hexdigest()
    lines = sung_lines(job.output.lyrics)
    # Lines that are told are what is compared: the digest beside them may be of others.
    if known.lines == lines if known.lines is not None else digest == before.lyrics_digest:
        say(f"The same: {len(lines)} lines, word for word ({job.id}).")
        return
    if known.lines is None and not before.lyrics_digest:
        raise Refused("That receipt does not say what was written, so nothing can be compared.")
    raise NoSong(
        "\n".join(["It is not the same.", *_differences(known, lines), *_reasons(before, now)])
    )


def _differences(known: Known, lines: Sequence[str]) -> Iterator[str]:
    if known.lines is None:
        return
    pairs = enumerate(zip_longest(known.lines, lines, fillvalue=""), start=1)
    differ = [(number, one, two) for number, (one, two) in pairs if one != two]
    for number, one, two in differ[:SHOWN]:
        yield f"  line {number}: {one}\n  {'now':>{len(f'line {number}')}}: {two}"
    if len(differ) > SHOWN:
        yield f"  and {len(differ) - SHOWN} more lines"


def _reasons(before: Receipt, now: Receipt) -> Iterator[str]:
    """What was otherwise when it was written."""
    for noun, then, today in (
        ("version", before.version, now.version),
        ("processor", before.kernels, now.kernels),
        ("effort", before.effort, now.effort),
    ):
        if then != today:
            yield f"The {noun} was {then or 'not noted'} and is {today or 'not noted'}."
