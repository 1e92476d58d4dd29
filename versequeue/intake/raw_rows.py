"""The bytes of a prompt file to rows with line numbers, before anything in them is judged.

Knows nothing of prompts or options beyond the names of the columns. A fault that spoils one row
stands in its place; one that spoils the file from some line on ends the rows.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from versequeue.intake.strict_json import quoted, repeated, strict_json
from versequeue.rules.batch import MAX_ROWS
from versequeue.rules.terms import TERM_NAMES

_LINE_END = re.compile(r"\r\n|\n|\r")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: First bytes of what people send instead of text, and what to tell them.
_NOT_TEXT = {
    b"PK\x03\x04": "This is a zip archive or a spreadsheet; export it as CSV and send that.",
    b"PK\x05\x06": "This is an empty zip archive, not a text file.",
    b"\x1f\x8b": "This is a gzip archive; send the file inside it.",
    b"%PDF": "This is a PDF; send the prompts as plain text.",
}
#: A heading or a fence, as Markdown has them, and the beginning of a page.
_MARKDOWN = re.compile(r"#{1,6} |```|~~~")
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
#: What a row of JSON has beside its terms.
ROW_NAMES = ("custom_id", "prompt", "options", "given")
#: Spreadsheets write one of these between cells, depending on the country.
_DELIMITERS = (",", ";", "\t")


class FaultCode(StrEnum):
    """What kind of fault a line has; docs/prompt-files.md says what each means."""

    EMPTY_FILE = "empty-file"
    TOO_MANY_ROWS = "too-many-rows"
    INVALID_TEXT = "invalid-text"
    INVALID_JSON_LINE = "invalid-json-line"
    INVALID_CSV_LINE = "invalid-csv-line"
    NO_LIST = "no-list"
    MISSING_PROMPT = "missing-prompt"
    PROMPT_TOO_LONG = "prompt-too-long"
    DUPLICATE_CUSTOM_ID = "duplicate-custom-id"
    INVALID_OPTION = "invalid-option"
    INVALID_GIVEN = "invalid-given"


@dataclass(frozen=True)
class Fault:
    """What is wrong with one line, as a refused caller is told."""

    line: int
    custom_id: str | None = field(default=None, kw_only=True)
    code: FaultCode
    detail: str


@dataclass(frozen=True)
class RawRow:
    """One row as it stands in the file."""

    line: int
    prompt: Any = None
    custom_id: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    given: Any = field(default_factory=list)
    #: when it is to be written
    terms: Mapping[str, Any] = field(default_factory=dict)


def decode(data: bytes) -> str | Fault:
    """The text of a file in UTF-8, without its byte order mark, or why it is none and where."""
    for magic, detail in _NOT_TEXT.items():
        if data.startswith(magic):
            return Fault(1, FaultCode.INVALID_TEXT, detail)
    if data.startswith(_UTF16):
        return Fault(1, FaultCode.INVALID_TEXT, "This is UTF-16 text; save the file as UTF-8.")
    if (at := data.find(b"\0")) >= 0:
        detail = "There is a NUL byte here, so this is no text file."
        return Fault(_line_at(data, at), FaultCode.INVALID_TEXT, detail)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte, line = error.object[error.start], _line_at(error.object, error.start)
        detail = f"Byte 0x{byte:02X} here is not UTF-8; save the file as UTF-8."
        return Fault(line, FaultCode.INVALID_TEXT, detail)


def json_rows(text: str) -> Iterator[RawRow | Fault]:
    """One row for every line that is not blank; what goes beyond MAX_ROWS is counted, not read."""
    for count, (number, line) in enumerate(_numbered(text)):
        yield _json_row(number, line) if count < MAX_ROWS else RawRow(number)


def text_rows(text: str) -> Iterator[RawRow | Fault]:
    """One prompt for every line that is not blank; a fault where that is plainly not what it is."""
    if fault := _other_text(text):
        yield fault
        return
    for number, line in _numbered(text):
        yield RawRow(number, line)


def _other_text(text: str) -> Fault | None:
    """What a text is that is no list of prompts; None if it may be one."""
    if _is_json(text):
        detail = (
            "This is JSON, not a prompt on each line. JSON is taken as one object a line, "
            'such as {"prompt": "…"}, in a file that ends in .jsonl.'
        )
        return Fault(next(_numbered(text))[0], FaultCode.NO_LIST, detail)
    if _MARKUP.match(text):
        detail = "This is a page of HTML or XML, not a prompt on each line."
        return Fault(next(_numbered(text))[0], FaultCode.NO_LIST, detail)
    for number, line in _numbered(text):
        if _MARKDOWN.match(line):
            detail = (
                "This is Markdown (a heading or a fence is here), not a prompt on each line. A "
                "prompt that begins so is taken in CSV or JSON lines."
            )
            return Fault(number, FaultCode.NO_LIST, detail)
    return None


def _is_json(text: str) -> bool:
    # As a whole, or as JSON lines, of which the first one tells.
    if not text.lstrip().startswith(("{", "[")):
        return False
    first = next(_numbered(text))[1]
    return any(_reads_as_json(part) for part in (first, text))


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def csv_rows(text: str, option_names: frozenset[str]) -> Iterator[RawRow | Fault]:
    """One row for every record below the header that has anything in it.

    A cell may hold line ends inside quotes; a row's line is the one on which it begins. What goes
    beyond MAX_ROWS is counted, not read.
    """
    records = _csv_records(text)
    header: list[str] = []
    count = 0
    for line, cells in records:
        if isinstance(cells, Fault):
            yield cells
            return
        if not any(cell.strip() for cell in cells):
            continue
        if header:
            yield _csv_row(line, header, cells) if count < MAX_ROWS else RawRow(line)
            count += 1
            continue
        header = [cell.strip().lower() for cell in cells]
        faults = list(_header_faults(line, header, option_names))
        if faults:
            yield from faults
            return


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    # Not str.splitlines: it also splits at U+2028 and others, which JSON allows inside a string.
    lines = enumerate(_LINE_END.split(text), start=1)
    return ((number, line) for number, line in lines if line.strip())


def _line_at(data: bytes, offset: int) -> int:
    return len(re.findall(rb"\r\n|\n|\r", data[:offset])) + 1


def _json_row(number: int, line: str) -> RawRow | Fault:
    try:
        row = strict_json(line)
    except json.JSONDecodeError as error:
        return _bad_json(number, f"Not valid JSON at column {error.colno}: {error.msg}.")
    except ValueError as error:
        return _bad_json(number, f"Not valid JSON: {error}.")
    if not isinstance(row, dict):
        return _bad_json(number, 'A row is a JSON object such as {"prompt": "…"}.')
    custom_id, options = row.get("custom_id"), row.get("options")
    named = custom_id if isinstance(custom_id, str) else None
    if unknown := sorted(set(row) - {*ROW_NAMES, *TERM_NAMES}):
        *known, last = (*ROW_NAMES, *TERM_NAMES)
        detail = f"A row has {', '.join(known)} and {last}, but no {quoted(unknown)}."
        return Fault(number, FaultCode.INVALID_OPTION, detail, custom_id=named)
    if not isinstance(options, dict | None):
        detail = "“options” is to be a JSON object."
        return Fault(number, FaultCode.INVALID_OPTION, detail, custom_id=named)
    if not isinstance(custom_id, str | None):
        return _bad_json(number, "“custom_id” is to be text.")
    given = row.get("given")
    return RawRow(
        number,
        row.get("prompt"),
        custom_id,
        options or {},
        [] if given is None else given,
        {name: row[name] for name in TERM_NAMES if name in row},
    )


def _bad_json(number: int, detail: str) -> Fault:
    return Fault(number, FaultCode.INVALID_JSON_LINE, detail)


def _csv_records(text: str) -> Iterator[tuple[int, list[str] | Fault]]:
    # newline="" leaves line ends alone, so that the reader sees those inside quotes.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            detail = f"The row that begins here is not valid CSV: {_csv_reason(error)}."
            yield line, Fault(line, FaultCode.INVALID_CSV_LINE, detail)
            return


def _csv_reason(error: csv.Error) -> str:
    return {
        "unexpected end of data": "its quotation mark is never closed",
        "'\"' expected after '\"'": "text follows a closing quotation mark",
        "',' expected after '\"'": "text follows a closing quotation mark",
        "';' expected after '\"'": "text follows a closing quotation mark",
    }.get(str(error), str(error))


def _delimiter(text: str) -> str:
    first = next((line for _, line in _numbered(text)), "")
    for delimiter in _DELIMITERS:
        if "prompt" in (cell.strip().strip('"').lower() for cell in first.split(delimiter)):
            return delimiter
    return ","


def _header_faults(line: int, header: list[str], option_names: frozenset[str]) -> Iterator[Fault]:
    if "prompt" not in header:
        detail = "The first line of a CSV file names its columns, and one of them is “prompt”."
        yield Fault(line, FaultCode.MISSING_PROMPT, detail)
        return
    if twice := repeated(filter(None, header)):
        detail = f"The column {quoted(twice)} is there twice."
        yield Fault(line, FaultCode.INVALID_CSV_LINE, detail)
    if unknown := sorted(set(header) - option_names - {"prompt", "custom_id", "", *TERM_NAMES}):
        detail = f"There is no option {quoted(unknown)}; the options are "
        yield Fault(line, FaultCode.INVALID_OPTION, detail + ", ".join(sorted(option_names)) + ".")


def _csv_row(line: int, header: list[str], cells: list[str]) -> RawRow | Fault:
    if any(cell.strip() for cell in cells[len(header) :]):
        detail = f"This row has {len(cells)} cells, but the header has {len(header)}."
        return Fault(line, FaultCode.INVALID_CSV_LINE, detail)
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    if named.pop("", ""):
        detail = "This row has a cell in a column that has no name."
        return Fault(line, FaultCode.INVALID_CSV_LINE, detail)
    prompt, custom_id = named.pop("prompt", ""), named.pop("custom_id", "")
    given = {name: cell for name, cell in named.items() if cell}
    terms = {name: given.pop(name) for name in TERM_NAMES if name in given}
    return RawRow(line, prompt, custom_id or None, given, terms=terms)
