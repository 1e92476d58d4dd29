"""The results of a batch as JSON lines, a table or text, a row for each input row. No HTTP."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator

from versequeue.contract.wire import json_bytes
from versequeue.rules.job import Job, Status
from versequeue.service.views import lyrics_of, row_view

#: A spreadsheet takes a cell that begins with one of these for a formula, in every width of theirs.
FORMULA_STARTS = ("=", "+", "-", "@", *"＝＋－＠﹦﹢﹣﹫⁼⁺₌₊⩵⩶﬩")
#: Where a cell begins if the file is cut at another sign than the comma, as some countries do.
_CUTS = re.compile(r"([;\t\r\n])")
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
        yield _record(safe_cell(value(job)) for value in CSV_COLUMNS.values())


def as_text(jobs: Iterable[Job]) -> Iterator[bytes]:
    """For each row its number, its prompt and its lyrics, or why there are none."""
    for number, job in enumerate(jobs, start=1):
        name = "" if job.custom_id in (None, str(number)) else f"{job.custom_id}: "
        yield f"{number}. {name}{job.prompt}\n\n{lyrics_of(job) or _excuse(job)}\n\n\n".encode(
            errors="replace"
        )


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


def _record(cells: Iterable[str]) -> bytes:
    record = io.StringIO(newline="")
    csv.writer(record).writerow(cells)
    return record.getvalue().encode(errors="replace")


def _part(job: Job, name: str) -> object:
    return (row_view(job)["output"] or {}).get(name)


def _rhyme_score(job: Job) -> object:
    rhyme = _part(job, "rhyme")
    return rhyme.get("score") if isinstance(rhyme, dict) else None


def _fault(job: Job) -> str:
    return str(job.error.get("detail", "")) if job.status is Status.FAILED and job.error else ""


def _excuse(job: Job) -> str:
    return f"({job.status.value}: {_fault(job)})" if _fault(job) else f"({job.status.value})"


#: The names of a table's columns, and what stands in each.
CSV_COLUMNS: dict[str, Callable[[Job], object]] = {
    "custom_id": lambda job: job.custom_id,
    "line": lambda job: job.line,
    "id": lambda job: job.id,
    "status": lambda job: job.status.value,
    "prompt": lambda job: job.prompt,
    "title": lambda job: _part(job, "title"),
    "lyrics": lyrics_of,
    "rhyme_score": _rhyme_score,
    "seed": lambda job: job.options.seed,
    "error": _fault,
}
