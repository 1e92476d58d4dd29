"""The results of a batch as a file: JSON lines, a table for spreadsheets, or text to read.

Generators from jobs to bytes, one row per input row in the order that is given, whether the row
has ended or not. Knows no store and no HTTP.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator

from versequeue.contract.wire import json_bytes
from versequeue.rules.job import Job, Status
from versequeue.service.views import row_view

#: A spreadsheet takes a cell that begins with one of these for a formula, in every width of theirs.
FORMULA_STARTS = ("=", "+", "-", "@", *"＝＋－＠﹦﹢﹣﹫⁼⁺₌₊⩵⩶﬩")
#: Where a cell begins if the file is cut at another sign than the comma, as some countries do.
_CUTS = re.compile(r"([;\t\r\n])")
CSV_COLUMNS = (
    "custom_id",
    "line",
    "id",
    "status",
    "prompt",
    "title",
    "lyrics",
    "rhyme_score",
    "seed",
    "error",
)

Writer = Callable[[Iterable[Job]], Iterator[bytes]]


def as_jsonl(jobs: Iterable[Job]) -> Iterator[bytes]:
    """One JSON object a line."""
    for job in jobs:
        yield json_bytes(row_view(job)) + b"\n"


def as_csv(jobs: Iterable[Job]) -> Iterator[bytes]:
    """A header and one record a row; what would be taken for a formula begins with a quote."""
    # Spreadsheets take a file for UTF-8 only if it begins with this mark.
    yield "\ufeff".encode() + _record(CSV_COLUMNS)
    for job in jobs:
        yield _record(_cells(job))


def as_text(jobs: Iterable[Job]) -> Iterator[bytes]:
    """For each row its number, its prompt and its lyrics, or why there are none."""
    for number, job in enumerate(jobs, start=1):
        name = (
            f"{number}. "
            if job.custom_id in (None, str(number))
            else f"{number}. {job.custom_id}: "
        )
        yield f"{name}{job.prompt}\n\n{_lyrics(job) or _excuse(job)}\n\n\n".encode(errors="replace")


#: By the word in `?format=`: the media type and what writes it.
FORMATS: dict[str, tuple[str, Writer]] = {
    "jsonl": ("application/jsonl", as_jsonl),
    "csv": ("text/csv; charset=utf-8", as_csv),
    "txt": ("text/plain; charset=utf-8", as_text),
}


def safe_cell(value: object) -> str:
    """`value` as a cell that no spreadsheet takes for a formula, nor any part of it."""
    text = "" if value is None else str(value)
    marked = "".join(_marked(piece) for piece in _CUTS.split(text))
    return f"'{marked}" if marked.startswith(("\t", "\r")) else marked


def _marked(piece: str) -> str:
    # A quotation mark before a formula may be taken for the one that opens the cell.
    begins = piece.replace('"', " ").lstrip()
    return f"'{piece}" if begins.startswith(FORMULA_STARTS) else piece


def _cells(job: Job) -> list[str]:
    output = job.output or {}
    values = (
        job.custom_id,
        job.line,
        job.id,
        job.status.value,
        job.prompt,
        output.get("title"),
        _lyrics(job),
        output.get("rhyme", {}).get("score"),
        job.options.seed,
        _fault(job),
    )
    return [safe_cell(value) for value in values]


def _record(cells: Iterable[str]) -> bytes:
    record = io.StringIO(newline="")
    csv.writer(record).writerow(cells)
    return record.getvalue().encode(errors="replace")


def _lyrics(job: Job) -> str:
    return str(job.output["lyrics"]) if job.output else ""


def _fault(job: Job) -> str:
    return str(job.error.get("detail", "")) if job.status is Status.FAILED and job.error else ""


def _excuse(job: Job) -> str:
    return f"({job.status.value}: {_fault(job)})" if _fault(job) else f"({job.status.value})"
