"""A prompt file, checked as a whole before anything is queued. Pure: knows no HTTP and no store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, TypeVar

from versequeue.errors import (
    MOST_ERRORS,
    BatchInvalid,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)
from versequeue.intake.given_lines import Lines, read_given
from versequeue.intake.raw_rows import (
    Fault,
    FaultCode,
    RawRow,
    csv_rows,
    decode,
    json_rows,
    text_rows,
)
from versequeue.intake.terms_body import ReadTerms
from versequeue.intake.texts import clean_prompt, normalized
from versequeue.intake.validation import as_sentence
from versequeue.records import to_json
from versequeue.rules.batch import MAX_FILE_BYTES, MAX_ROWS, MAX_ROWS_BYTES, Row
from versequeue.rules.job import MAX_PROMPT_CHARACTERS
from versequeue.rules.options import OPTION_NAMES, ResolvedOptions
from versequeue.rules.terms import AT_ONCE, Terms

T = TypeVar("T")
MAX_CUSTOM_ID_CHARACTERS = 128

#: From a row's own options to all of them. Raises ValidationFailed that names the bad ones.
ReadOptions = Callable[[Mapping[str, Any]], ResolvedOptions]


def at_once(_: Mapping[str, Any]) -> Terms:
    """The terms of rows in a file that says nothing of them."""
    return AT_ONCE


class FileFormat(StrEnum):
    """How a prompt file is written."""

    JSONL = "jsonl"
    CSV = "csv"
    TEXT = "txt"


#: What a prompt file is sent as: itself, or within a form.
FILE_TYPES = ("application/jsonl", "application/x-ndjson", "text/csv", "text/plain")
FORM_TYPE = "multipart/form-data"
_BY_TYPE = {
    "application/jsonl": FileFormat.JSONL,
    "application/x-ndjson": FileFormat.JSONL,
    "application/x-jsonlines": FileFormat.JSONL,
    "text/csv": FileFormat.CSV,
    "text/plain": FileFormat.TEXT,
}
_BY_SUFFIX = {"ndjson": FileFormat.JSONL} | {each.value: each for each in FileFormat}


def format_of(content_type: str, file_name: str = "") -> FileFormat:
    """By media type, then by the file's name. Raises UnsupportedMediaType if neither tells."""
    media_type = content_type.partition(";")[0].strip().lower()
    suffix = file_name.rpartition(".")[2].lower()
    if found := _BY_TYPE.get(media_type) or _BY_SUFFIX.get(suffix):
        return found
    taken = ", ".join((*FILE_TYPES, FORM_TYPE))
    raise UnsupportedMediaType(
        f"A prompt file is taken as {taken}, not as {content_type or 'nothing named'}.",
        headers={"Accept": taken},
    )


@dataclass(frozen=True)
class Checked:
    """A file's good rows, how many rows it has, and what is wrong: the first `MOST_ERRORS`."""

    rows: tuple[Row, ...] = ()
    row_count: int = 0
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0

    @property
    def errors(self) -> tuple[dict[str, Any], ...]:
        """The faults by line, as a caller is told them."""
        return tuple(asdict(each) for each in sorted(self.faults, key=lambda fault: fault.line))

    @property
    def verdict(self) -> str:
        """One sentence on the whole file."""
        if not self.fault_count:
            return f"{'1 row' if self.row_count == 1 else f'{self.row_count} rows'}, no fault."
        found = "One fault was" if self.fault_count == 1 else f"{self.fault_count} faults were"
        left_out = self.fault_count > len(self.faults)
        listed = f", the first {len(self.faults)} of them are listed" if left_out else ""
        # Of a file that is no list of prompts, nobody knows how many rows it has.
        among = f" in {self.row_count} rows" if self.row_count > 1 else ""
        return f"{found} found{among}{listed}; nothing was queued."


def parse(
    data: bytes,
    file_format: FileFormat,
    read_options: ReadOptions,
    read_terms: ReadTerms = at_once,
) -> tuple[Row, ...]:
    """All rows of the file. Raises BatchInvalid with every fault, or PayloadTooLarge."""
    checked = check(data, file_format, read_options, read_terms)
    if checked.fault_count:
        raise BatchInvalid(checked.verdict, errors=list(checked.errors))
    return checked.rows


def check(
    data: bytes,
    file_format: FileFormat,
    read_options: ReadOptions,
    read_terms: ReadTerms = at_once,
) -> Checked:
    """All rows of the file and all its faults. Raises PayloadTooLarge."""
    if len(data) > MAX_FILE_BYTES:
        mib = MAX_FILE_BYTES / 2**20
        raise PayloadTooLarge(f"A prompt file has at most {MAX_FILE_BYTES} bytes ({mib:g} MiB).")
    text = decode(data)
    if isinstance(text, Fault):
        return Checked(faults=(text,), fault_count=1)
    checker = _Checker(read_options, read_terms)
    rows = _raw_rows(text, file_format)
    for raw in islice(rows, MAX_ROWS):
        checker.take(raw)
    beyond = next(rows, None)
    if beyond:
        checker.taken = MAX_ROWS + 1 + sum(1 for _ in rows)
        detail = f"The file has {checker.taken} rows; at most {MAX_ROWS} are taken."
        checker.refuse(Fault(beyond.line, FaultCode.TOO_MANY_ROWS, detail))
    if not checker.taken:
        checker.refuse(Fault(1, FaultCode.EMPTY_FILE, "There is no prompt in the file."))
    _check_size(checker.rows)
    return Checked(tuple(checker.rows), checker.taken, tuple(checker.faults), checker.fault_count)


def _check_size(rows: Sequence[Row]) -> None:
    """Raise PayloadTooLarge where a long tune is in too many rows, or a chorus in many places."""
    if sum(len(to_json(row).encode()) for row in rows) > MAX_ROWS_BYTES:
        mib = MAX_ROWS_BYTES / 2**20
        raise PayloadTooLarge(
            f"The rows with their options and given lines have more than {mib:g} MiB together: "
            "send them in several files."
        )


def _raw_rows(text: str, file_format: FileFormat) -> Iterator[RawRow | Fault]:
    if file_format is FileFormat.JSONL:
        return json_rows(text)
    if file_format is FileFormat.CSV:
        return csv_rows(text, frozenset(OPTION_NAMES))
    return text_rows(text)


class _Checker:
    """Turns raw rows into rows, remembers what was wrong and which ids were taken."""

    def __init__(self, read_options: ReadOptions, read_terms: ReadTerms) -> None:
        self.rows: list[Row] = []
        self.faults: list[Fault] = []
        self.fault_count = 0
        self.taken = 0
        self._read_options, self._read_terms = read_options, read_terms
        self._line_of_id: dict[str, int] = {}

    def take(self, raw: RawRow | Fault) -> None:
        self.taken += 1
        if isinstance(raw, Fault):
            self.refuse(raw)
            return
        faults_before = self.fault_count
        custom_id = self._custom_id(raw)
        prompt = self._prompt(raw, custom_id)
        options = self._read(self._read_options, raw.options, raw, custom_id)
        given = self._given(raw, custom_id, options) if options else ()
        terms = self._read(self._read_terms, raw.terms, raw, custom_id)
        if options and terms and self.fault_count == faults_before:
            self.rows.append(Row(raw.line, custom_id, prompt, options, given, terms))

    def refuse(self, fault: Fault) -> None:
        self.fault_count += 1
        if len(self.faults) < MOST_ERRORS:
            self.faults.append(fault)

    def _custom_id(self, raw: RawRow) -> str:
        custom_id = str(self.taken) if raw.custom_id is None else raw.custom_id
        if not 1 <= len(custom_id) <= MAX_CUSTOM_ID_CHARACTERS or not custom_id.isprintable():
            detail = f"A custom_id has 1 to {MAX_CUSTOM_ID_CHARACTERS} printable characters."
            self.refuse(Fault(raw.line, FaultCode.INVALID_TEXT, detail))
            return ""
        first = self._line_of_id.setdefault(custom_id, raw.line)
        if first != raw.line:
            detail = f"This custom_id is that of line {first}, too."
            if raw.custom_id is None:
                detail = f"Without a custom_id this row is {custom_id}, and so is line {first}."
            self._refuse(raw, FaultCode.DUPLICATE_CUSTOM_ID, detail, custom_id)
        return custom_id

    def _prompt(self, raw: RawRow, custom_id: str) -> str:
        if not isinstance(raw.prompt, str):
            detail = "There is no prompt." if raw.prompt is None else "A prompt is text."
            self._refuse(raw, FaultCode.MISSING_PROMPT, detail, custom_id)
            return ""
        prompt = normalized(raw.prompt, MAX_PROMPT_CHARACTERS)
        try:
            return clean_prompt(prompt)
        except ValueError as error:
            self._refuse(raw, _prompt_code(prompt), as_sentence(str(error)), custom_id)
            return ""

    def _read(
        self,
        read: Callable[[Mapping[str, Any]], T],
        given: Mapping[str, Any],
        raw: RawRow,
        custom_id: str,
    ) -> T | None:
        try:
            return read(given)
        except ValidationFailed as error:
            for detail in [_option_detail(found) for found in error.errors] or [str(error)]:
                self._refuse(raw, FaultCode.INVALID_OPTION, detail, custom_id)
            return None

    def _given(self, raw: RawRow, custom_id: str, options: ResolvedOptions) -> Lines:
        try:
            return read_given(raw.given, options)
        except ValidationFailed as error:
            for found in error.errors:
                detail = _option_detail(found)
                self._refuse(raw, FaultCode.INVALID_GIVEN, detail, custom_id)
            return ()

    def _refuse(self, raw: RawRow, code: FaultCode, detail: str, custom_id: str) -> None:
        self.refuse(Fault(raw.line, code, detail, custom_id=custom_id or None))


def _prompt_code(prompt: str) -> FaultCode:
    # Which of its rules `clean_prompt` found broken.
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        return FaultCode.PROMPT_TOO_LONG
    return FaultCode.INVALID_TEXT if prompt else FaultCode.MISSING_PROMPT


def _option_detail(found: Any) -> str:
    name = found.pointer.strip("/").replace("/", ".")
    return f"{name}: {found.detail}" if name else str(found.detail)
