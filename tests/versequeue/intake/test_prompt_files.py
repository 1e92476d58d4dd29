"""Prompt files: what is taken, what is refused, and that every fault names its line."""

import csv
import io
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.paths import ROOT
from versequeue.errors import BatchInvalid, PayloadTooLarge, UnsupportedMediaType
from versequeue.intake.options_body import FormOptions, OptionsBody
from versequeue.intake.prompt_files import FileFormat, format_of, parse
from versequeue.intake.raw_rows import FaultCode
from versequeue.intake.validation import validate
from versequeue.rules.batch import MAX_FILE_BYTES, Row
from versequeue.rules.options import ResolvedOptions

SEED = 7


def read_json(options: Mapping[str, Any]) -> ResolvedOptions:
    body: OptionsBody = validate(OptionsBody, dict(options))
    return body.resolved(SEED)


def read_cells(options: Mapping[str, Any]) -> ResolvedOptions:
    body: FormOptions = validate(FormOptions, dict(options))
    return body.resolved(SEED)


def rows_of(data: bytes, kind: FileFormat) -> tuple[Row, ...]:
    return parse(data, kind, read_json if kind is FileFormat.JSONL else read_cells)


def faults_of(data: bytes, kind: FileFormat) -> list[tuple[Any, ...]]:
    with pytest.raises(BatchInvalid) as caught:
        rows_of(data, kind)
    found = [dict(error) for error in caught.value.errors if isinstance(error, Mapping)]
    assert all(set(error) == {"line", "custom_id", "code", "detail"} for error in found)
    assert all(str(error["detail"]).endswith(".") for error in found), found
    return [(error["line"], error["custom_id"], error["code"]) for error in found]


def jsonl(*rows: object) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def test_a_json_line_has_a_prompt_and_optionally_an_id_and_options() -> None:
    data = jsonl({"prompt": "the sea"}, {"custom_id": "b", "prompt": "x", "options": {"lines": 8}})
    assert rows_of(data, FileFormat.JSONL) == (
        Row(1, "1", "the sea", ResolvedOptions(seed=SEED)),
        Row(2, "b", "x", ResolvedOptions(seed=SEED, lines=8)),
    )


def test_csv_cells_are_read_as_options_and_empty_ones_as_left_out() -> None:
    data = b"custom_id,prompt,lines,explicit,temperature\na,the sea,8,true,\n,the hill,,,1.5\n"
    assert rows_of(data, FileFormat.CSV) == (
        Row(2, "a", "the sea", ResolvedOptions(seed=SEED, lines=8, explicit=True)),
        Row(3, "2", "the hill", ResolvedOptions(seed=SEED, temperature=1.5)),
    )


def test_a_text_file_has_one_prompt_on_every_line_that_is_not_blank() -> None:
    rows = rows_of(b"\nthe sea\n   \n the hill \n", FileFormat.TEXT)
    assert [(row.line, row.custom_id, row.prompt) for row in rows] == [
        (2, "1", "the sea"),
        (4, "2", "the hill"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_every_line_end_will_do_with_and_without_a_byte_order_mark(end: str, mark: bytes) -> None:
    csv_file = f"prompt,lines{end}café,8{end}the hill,{end}".encode()
    assert [row.prompt for row in rows_of(mark + csv_file, FileFormat.CSV)] == ["café", "the hill"]
    json_file = f'{{"prompt":"café"}}{end}{end}{{"prompt":"the hill"}}{end}'.encode()
    assert [row.line for row in rows_of(mark + json_file, FileFormat.JSONL)] == [1, 3]
    text_file = f"café{end}the hill".encode()
    assert [row.line for row in rows_of(mark + text_file, FileFormat.TEXT)] == [1, 2]


def test_line_separators_inside_a_json_string_do_not_end_the_line() -> None:
    data = jsonl({"prompt": "a\u2028b"}, {"prompt": "c"})
    assert [row.line for row in rows_of(data, FileFormat.JSONL)] == [1, 2]


def test_line_ends_inside_quotes_keep_the_numbers_of_the_lines_that_follow_right() -> None:
    data = b'prompt,mood\n"the sea",""\n"an open\nquote and\r\nmore",glad\n"x","bad\nmood"\nz,\n'
    assert faults_of(data, FileFormat.CSV) == [
        (3, "2", "invalid-text"),
        (6, "3", "invalid-option"),
    ]
    fixed = b'prompt,custom_id\n"say ""hey"", twice\n",a\nz,b\n'
    rows = rows_of(fixed, FileFormat.CSV)
    assert [(row.line, row.prompt) for row in rows] == [(2, 'say "hey", twice'), (4, "z")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_of_every_country_are_read(delimiter: str) -> None:
    data = f"prompt{delimiter}lines\nthe sea{delimiter}8\n{delimiter}\n".encode()
    assert [row.options.lines for row in rows_of(data, FileFormat.CSV)] == [8]


def test_every_bad_row_is_named_with_its_line_its_id_and_a_code() -> None:
    data = b"\n".join(
        [
            b'{"prompt": "fine"}',
            b'{"prompt": ',
            b'{"custom_id": "c", "prompt": " "}',
            b"[1]",
            b'{"custom_id": "e", "prompt": "x", "options": {"lines": 3, "style": "polka"}}',
            b'{"custom_id": "1", "prompt": "the id of the first row"}',
            jsonl({"custom_id": "g", "prompt": "x" * 501}),
            b'{"prompt": "a bell \\u0007"}',
            b'{"prompt": "half a pair \\ud800"}',
            b'{"prompt": "x", "lines": 8}',
            b'{"prompt": "x", "prompt": "y"}',
            b'{"prompt": "x", "options": {"temperature": NaN}}',
            b'{"prompt": 5}',
            b'{"custom_id": "", "prompt": "x"}',
            b'{"custom_id": 5, "prompt": "x"}',
            b"[" * 100_000,
        ]
    )
    assert faults_of(data, FileFormat.JSONL) == [
        (2, None, "invalid-json-line"),
        (3, "c", "missing-prompt"),
        (4, None, "invalid-json-line"),
        (5, "e", "invalid-option"),
        (5, "e", "invalid-option"),
        (6, "1", "duplicate-custom-id"),
        (7, "g", "prompt-too-long"),
        (8, "8", "invalid-text"),
        (9, "9", "invalid-text"),
        (10, None, "invalid-option"),
        (11, None, "invalid-json-line"),
        (12, None, "invalid-json-line"),
        (13, "13", "missing-prompt"),
        (14, None, "invalid-text"),
        (15, None, "invalid-json-line"),
        (16, None, "invalid-json-line"),
    ]


def test_at_most_a_hundred_faults_are_listed_and_all_are_counted() -> None:
    with pytest.raises(
        BatchInvalid, match="150 faults were found in 150 rows, the first 100 of"
    ) as info:
        rows_of(b'{"prompt": ""}\n' * 150, FileFormat.JSONL)
    assert len(info.value.errors) == 100


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \r\n\n", b"\n"])
@pytest.mark.parametrize("kind", list(FileFormat))
def test_a_file_without_a_prompt_is_refused(data: bytes, kind: FileFormat) -> None:
    assert faults_of(data, kind) == [(1, None, "empty-file")]


def test_a_header_alone_is_an_empty_file() -> None:
    assert faults_of(b"prompt,lines\n", FileFormat.CSV) == [(1, None, "empty-file")]


def test_a_thousand_rows_are_taken_and_one_more_is_refused_at_its_line() -> None:
    assert len(rows_of(b"x\n" * 1000, FileFormat.TEXT)) == 1000
    assert faults_of(b"x\n" * 1001, FileFormat.TEXT) == [(1001, None, "too-many-rows")]
    assert faults_of(b"prompt\n" + b"x\n" * 1001, FileFormat.CSV) == [(1002, None, "too-many-rows")]


def test_one_mebibyte_is_taken_and_one_byte_more_is_refused() -> None:
    data = b"x" + b" " * (MAX_FILE_BYTES - 1)
    assert len(rows_of(data, FileFormat.TEXT)) == 1
    with pytest.raises(PayloadTooLarge, match="1 MiB"):
        rows_of(data + b" ", FileFormat.TEXT)


def test_rows_that_share_a_long_tune_are_refused_where_one_write_cannot_hold_them() -> None:
    tune = "\n".join(["\u1ebf" * 199] * 20)

    def with_tune(_: Mapping[str, Any]) -> ResolvedOptions:
        return ResolvedOptions(SEED, lines=20, tune=tune)

    assert len(parse(b"rain\n" * 160, FileFormat.TEXT, with_tune)) == 160
    with pytest.raises(PayloadTooLarge, match="more than 2 MiB together: send them in several"):
        parse(b"rain\n" * 1000, FileFormat.TEXT, with_tune)


@pytest.mark.parametrize("kind", list(FileFormat))
@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        ("prompt\nthe sea\ncafé\n".encode("latin-1"), 3, "Byte 0xE9 here is not UTF-8"),
        (b"prompt\r\nthe sea\r\na\0b\r\n", 3, "NUL byte"),
        ("prompt\nthe sea".encode("utf-16"), 1, "UTF-16"),
        (b"PK\x03\x04\x14\0\x06\0", 1, "zip archive or a spreadsheet"),
        (b"\x1f\x8b\x08\0", 1, "gzip"),
        (b"%PDF-1.7\n", 1, "PDF"),
    ],
    ids=["latin-1", "nul", "utf-16", "zip", "gzip", "pdf"],
)
def test_what_is_no_utf8_text_is_refused_with_the_line_and_a_way_out(
    data: bytes, line: int, words: str, kind: FileFormat
) -> None:
    with pytest.raises(BatchInvalid) as caught:
        rows_of(data, kind)
    (error,) = caught.value.errors
    assert isinstance(error, Mapping)
    assert (error["line"], error["code"]) == (line, "invalid-text")
    assert words in str(error["detail"])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"text\nthe sea\n", [(1, None, "missing-prompt")]),
        (b"\nprompt,lines,prompt\na,8,b\n", [(2, None, "invalid-csv-line")]),
        (b"prompt,author\na,me\n", [(1, None, "invalid-option")]),
        (b"prompt,lines\na,8,9\nb\n", [(2, None, "invalid-csv-line")]),
        (b'prompt\na\n"never closed\nb\n', [(3, None, "invalid-csv-line")]),
        (b'prompt\n"a"b\n', [(2, None, "invalid-csv-line")]),
        (b"prompt,\na,b\n", [(2, None, "invalid-csv-line")]),
        (b"prompt,lines\na,many\n", [(2, "1", "invalid-option")]),
        (b'prompt\n"' + b"x" * 200_000 + b'"\n', [(2, None, "invalid-csv-line")]),
        (b"prompt,custom_id\na,same\nb,same\n", [(3, "same", "duplicate-custom-id")]),
    ],
    ids=[
        "no prompt column",
        "duplicate header",
        "unknown column",
        "too many cells",
        "open quote",
        "text after quote",
        "nameless column",
        "no number",
        "huge cell",
        "same id",
    ],
)
def test_a_faulty_csv_file_is_refused_where_it_is_at_fault(
    data: bytes, expected: list[tuple[Any, ...]]
) -> None:
    assert faults_of(data, FileFormat.CSV) == expected


def test_empty_rows_and_empty_columns_of_a_spreadsheet_are_passed_over() -> None:
    rows = rows_of(b"prompt,lines,,\na,8,,\n,,,\n\nb\n", FileFormat.CSV)
    assert [(row.line, row.custom_id, row.prompt) for row in rows] == [(2, "1", "a"), (5, "2", "b")]


@pytest.mark.parametrize(
    ("content_type", "name", "expected"),
    [
        ("application/jsonl", "", FileFormat.JSONL),
        ("application/x-ndjson; charset=utf-8", "", FileFormat.JSONL),
        ("Text/CSV;header=present", "", FileFormat.CSV),
        ("text/plain", "prompts.csv", FileFormat.TEXT),
        ("application/octet-stream", "Prompts.JSONL", FileFormat.JSONL),
        ("application/vnd.ms-excel", "prompts.csv", FileFormat.CSV),
        ("", "prompts.txt", FileFormat.TEXT),
    ],
)
def test_the_type_tells_the_format_and_then_the_name(
    content_type: str, name: str, expected: FileFormat
) -> None:
    assert format_of(content_type, name) is expected


@pytest.mark.parametrize(
    ("content_type", "name"), [("application/json", ""), ("application/octet-stream", "csv.xlsx")]
)
def test_a_file_of_another_format_is_refused(content_type: str, name: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        format_of(content_type, name)
    assert caught.value.headers["Accept"].startswith("application/jsonl, ")


@pytest.mark.parametrize("code", list(FaultCode))
def test_the_docs_say_what_every_code_means(code: FaultCode) -> None:
    docs = ROOT / "docs"
    assert f"| `{code}` |" in (docs / "prompt-files.md").read_text()
    assert f"`{code}`" in (docs / "api.md").read_text()


def _is_printable(text: str) -> bool:
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


PROMPTS = (
    st.text(min_size=1, max_size=60)
    .map(lambda text: unicodedata.normalize("NFC", text).strip())
    .filter(lambda text: bool(text) and _is_printable(text))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PROMPTS, min_size=1, max_size=8))
def test_what_is_written_as_json_or_csv_is_read_back_the_same(prompts: list[str]) -> None:
    as_json = jsonl(*({"prompt": prompt} for prompt in prompts))
    assert [row.prompt for row in rows_of(as_json, FileFormat.JSONL)] == prompts
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerows([["prompt", "custom_id"], *([p, f"row {i}"] for i, p in enumerate(prompts))])
    rows = rows_of(sheet.getvalue().encode(), FileFormat.CSV)
    assert [row.prompt for row in rows] == prompts
    assert [row.custom_id for row in rows] == [f"row {i}" for i in range(len(prompts))]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(list(FileFormat)))
def test_any_bytes_are_either_rows_or_faults_with_lines(data: bytes, kind: FileFormat) -> None:
    lines = max(1, len(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")))
    refused: list[Any] = []
    rows: tuple[Row, ...] = ()
    try:
        rows = rows_of(data, kind)
    except BatchInvalid as error:
        refused = [fault for fault in error.errors if isinstance(fault, Mapping)]
    assert bool(rows) != bool(refused)
    assert all(1 <= int(fault["line"]) <= lines for fault in refused)
    json.dumps([row.prompt for row in rows], ensure_ascii=False).encode()
