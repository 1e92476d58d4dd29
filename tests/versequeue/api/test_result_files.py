"""The results of a batch as files: JSON lines, a table that no spreadsheet runs, text."""

import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from versequeue.api.result_files import FORMULA_STARTS, as_csv, as_jsonl, as_text, safe_cell
from versequeue.rules.job import Job, Status
from versequeue.rules.options import ResolvedOptions

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def a_job(position: int, status: Status = Status.QUEUED, **changes: Any) -> Job:
    job = Job(
        id=f"job_{position}",
        prompt=f"prompt {position}",
        options=ResolvedOptions(seed=7),
        created_at=NOW,
        expires_at=NOW,
        deadline_at=NOW,
        publish_at=NOW,
        status=status,
        custom_id=str(position + 1),
        position=position,
        line=position + 2,
    )
    return replace(job, **changes)


def written(position: int, lyrics: str, **changes: Any) -> Job:
    output = {"lyrics": lyrics, "title": "T", "rhyme": {"scheme": "AABB", "score": 0.5}}
    return a_job(position, Status.SUCCEEDED, output=output, **changes)


FAILED = a_job(1, Status.FAILED, error={"type": "/problems/x", "detail": "It broke."})
JOBS = [written(0, "one\ntwo"), FAILED, a_job(2)]


def test_json_lines_have_one_row_per_input_row_in_their_order() -> None:
    rows = [json.loads(line) for line in b"".join(as_jsonl(JOBS)).splitlines()]
    assert [list(row) for row in rows] == [
        ["custom_id", "line", "id", "status", "prompt", "output", "error"]
    ] * 3
    assert [row["status"] for row in rows] == ["succeeded", "failed", "queued"]
    assert [row["line"] for row in rows] == [2, 3, 4]
    assert rows[0]["output"]["lyrics"] == "one\ntwo"
    assert rows[1]["error"]["detail"] == "It broke."


def test_an_error_of_an_attempt_that_is_tried_again_is_not_the_rows_error() -> None:
    running = a_job(0, Status.RUNNING, error={"detail": "the first attempt"})
    assert json.loads(b"".join(as_jsonl([running])))["error"] is None


def table(jobs: list[Job]) -> list[dict[str, str]]:
    text = b"".join(as_csv(jobs)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_table_has_the_lyrics_with_their_line_ends_in_one_cell() -> None:
    first, second, third = table(JOBS)
    assert (first["custom_id"], first["lyrics"], first["seed"]) == ("1", "one\ntwo", "7")
    assert (second["status"], second["error"], second["lyrics"]) == ("failed", "It broke.", "")
    assert (third["status"], third["error"]) == ("queued", "")


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_cell_of_the_table_is_a_formula(start: str) -> None:
    evil = f'{start}HYPERLINK("http://evil.example","click")'
    job = written(0, evil, prompt=evil, custom_id=evil)
    (row,) = table([job])
    assert row["prompt"] == row["lyrics"] == row["custom_id"] == f"'{evil}"


@pytest.mark.parametrize(
    "before", ["rain;", "rain;  ", "rain\t", "rain\n", "rain\r", '";"', "\u3000;\xa0"]
)
@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_no_part_of_a_cell_is_a_formula_where_the_file_is_cut_at_another_sign(
    before: str, start: str
) -> None:
    evil = f"{before}{start}cmd|' /C calc'!A0"
    (row,) = table([written(0, evil, prompt=evil, custom_id=evil)])
    for cell in (row["prompt"], row["lyrics"], row["custom_id"]):
        assert f"'{start}cmd" in cell.replace(" ", "").replace('"', "").replace("\xa0", "")
    raw = b"".join(as_csv([written(0, evil)])).decode("utf-8-sig")
    pieces = re.split("[;\t\r\n]", raw)
    assert not [piece for piece in pieces if piece.lstrip('" \xa0').startswith(FORMULA_STARTS)]


def test_every_width_of_the_signs_that_begin_a_formula_is_known() -> None:
    wide = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.normalize("NFKC", character)[:1] in tuple("=+-@")
    }
    assert wide == set(FORMULA_STARTS)


@given(st.text(st.sampled_from("a=+-@;\t\r\n\"' ＝,")))
def test_a_cell_is_never_more_than_marked(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.lstrip().startswith(FORMULA_STARTS)
    assert cell.replace("'", "") == text.replace("'", "")
    assert cell.count("'") <= text.count("'") + 1 + len(text)


def test_half_a_character_in_a_stored_row_spoils_no_file() -> None:
    odd = written(0, "a\ud800b", prompt="\udfff")
    (line,) = b"".join(as_jsonl([odd])).splitlines()
    assert json.loads(line)["output"]["lyrics"] == "a\ud800b"
    assert table([odd])[0]["lyrics"] == "a?b"
    assert "a?b" in b"".join(as_text([odd])).decode()


def test_the_text_names_every_row_and_says_why_there_are_no_lyrics() -> None:
    named = a_job(3, Status.CANCELED, custom_id="mine")
    assert b"".join(as_text([*JOBS, named])).decode() == (
        "1. prompt 0\n\none\ntwo\n\n\n"
        "2. prompt 1\n\n(failed: It broke.)\n\n\n"
        "3. prompt 2\n\n(queued)\n\n\n"
        "4. mine: prompt 3\n\n(canceled)\n\n\n"
    )


@pytest.mark.parametrize("write", [as_jsonl, as_csv, as_text])
def test_rows_are_written_as_they_come(write: Any) -> None:
    taken = 0

    def endless() -> Iterator[Job]:
        nonlocal taken
        while True:
            taken += 1
            yield written(taken, "x")

    pieces = write(endless())
    for _ in range(3):
        next(pieces)
    assert taken <= 3
