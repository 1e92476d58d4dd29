"""`versequeue batch`: progress on stderr, results in a file or on stdout, and picking up again."""

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from tests.support.command_line import Run
from tests.support.fake_api import FakeApi


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text("rain\nsun\nwind\nsnow\n")
    return file


def test_batch_prints_its_progress_on_stderr_and_writes_the_results(
    run: Run, prompts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "songs.jsonl"

    result = run("batch", str(prompts), "--out", str(out), "--lines", "4")

    assert result.exit_code == 0
    assert result.stdout == ""
    assert "4 rows accepted as batch_0" in result.stderr
    assert "2 of 4 rows" in result.stderr
    assert "4 of 4 rows" in result.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["prompt"] for row in rows] == ["rain", "sun", "wind", "snow"]
    assert sorted(tmp_path.iterdir()) == [prompts, out]


@pytest.mark.parametrize(
    ("name", "asked"), [("a.csv", "csv"), ("a.TXT", "txt"), ("a", "txt"), ("a.ndjson", "jsonl")]
)
def test_the_results_have_the_format_of_the_files_name(
    run: Run, api: FakeApi, prompts: Path, name: str, asked: str
) -> None:
    run("batch", str(prompts), "--out", str(prompts.with_name(name)))
    assert api.requests[-1].query == {"format": asked}


def test_results_in_a_format_that_there_is_not_are_refused_before_any_work(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    result = run("batch", str(prompts), "--out", str(prompts.with_name("songs.xlsx")))
    assert result.exit_code == 2
    assert result.stderr == "Error: songs.xlsx: results are written as .jsonl, .csv or .txt.\n"
    assert api.requests == []


def test_batch_without_a_file_for_the_results_prints_them(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    result = run("batch", str(prompts), "--json")
    assert len(result.stdout.splitlines()) == 4
    assert api.requests[-1].query == {"format": "jsonl"}
    run("batch", str(prompts))
    assert api.requests[-1].query == {"format": "txt"}


def test_a_batch_with_failed_rows_names_them_and_ends_with_status_one(
    run: Run, api: FakeApi, prompts: Path, tmp_path: Path
) -> None:
    api.row_ends = ["succeeded", "failed"]
    out = tmp_path / "songs.txt"

    result = run("batch", str(prompts), "--out", str(out))

    assert result.exit_code == 1
    assert "line 2: failed: It got lost." in result.stderr
    assert "line 4: failed: It got lost." in result.stderr
    assert "2 of 4 rows have no song." in result.stderr
    assert out.exists()


def test_a_batch_run_again_picks_the_first_one_up(run: Run, api: FakeApi, prompts: Path) -> None:
    first = run("batch", str(prompts), "--no-wait")
    again = run("batch", str(prompts), "--json")

    assert first.stdout == "batch_0\n"
    assert "Sent before as batch_0: 0 of 4 rows are done." in again.stderr
    keys = {call.headers["Idempotency-Key"] for call in api.calls("POST", "/v1/batches")}
    assert len(keys) == 1
    run("batch", str(prompts), "--no-wait", "--again")
    assert api.calls("POST")[-1].headers["Idempotency-Key"] not in keys


def test_a_batch_run_again_can_try_its_failed_rows_again(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    api.row_ends = ["succeeded", "failed"]
    run("batch", str(prompts))
    run("batch", str(prompts), "--retry-failed")
    assert api.calls("POST")[-1].path == "/v1/batches/batch_0/retry-failed"


def test_a_refused_file_names_every_bad_line(run: Run, api: FakeApi, prompts: Path) -> None:
    errors = [
        {"line": 1, "custom_id": None, "code": "missing-prompt", "detail": "No prompt."},
        {"line": 3, "custom_id": "x", "code": "invalid-option", "detail": "Too many lines."},
    ]
    body = {"type": "/problems/batch-invalid", "detail": "Two bad rows.", "errors": errors}
    api.faults = [lambda: Response(json.dumps(body), 422, content_type="application/problem+json")]

    result = run("batch", str(prompts))

    assert result.exit_code == 2
    assert result.stderr == (
        "Error: Two bad rows.\n  line 1: No prompt.\n  line 3: Too many lines.\n"
    )


def test_a_check_sends_nothing_but_the_file_and_says_that_all_is_fine(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    result = run("batch", str(prompts), "--check", "--lines", "8")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "All is fine.\n")
    (call,) = api.calls("POST")
    assert (call.path, call.query["lines"]) == ("/v1/file-checks", "8")


def test_a_check_tells_what_the_file_is_going_to_cost_and_by_when_it_is_written(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    found = {"object": "file_check", "detail": "3 rows, no fault.", "cost_usd": 0.0123}
    found["ready_by"] = "2026-11-29T14:05:00.000Z"
    api.faults = [lambda: Response(json.dumps(found), 200, content_type="application/json")]
    told = run("batch", str(prompts), "--check").stderr
    assert told == "3 rows, no fault. About 1.2 ¢, written by 14:05 UTC if sent now.\n"


def test_a_check_names_every_bad_line_as_a_refusal_does(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    fault = {"line": 3, "custom_id": "x", "code": "invalid-option", "detail": "Too many lines."}
    found = {"object": "file_check", "fault_count": 1, "detail": "One bad row.", "errors": [fault]}
    api.faults = [lambda: Response(json.dumps(found), 200, content_type="application/json")]
    result = run("batch", str(prompts), "--check")
    assert result.exit_code == 2
    assert result.stderr == "Error: One bad row.\n  line 3: Too many lines.\n"


def test_a_result_file_that_cannot_be_written_is_refused_before_anything_is_sent(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    result = run("batch", str(prompts), "--out", "/nowhere/at/all.jsonl")
    assert result.exit_code == 2
    assert api.requests == []


def test_results_that_break_off_leave_no_file_behind(run: Run, api: FakeApi, prompts: Path) -> None:
    api.results_break = True
    old = prompts.with_name("songs.txt")
    old.write_text("the songs of yesterday")

    result = run("batch", str(prompts), "--out", str(old))

    assert result.exit_code == 3
    assert "broke off" in result.stderr
    assert old.read_text() == "the songs of yesterday"
    assert sorted(prompts.parent.iterdir()) == [prompts, old]


def test_an_interrupted_batch_says_how_to_come_back(
    run: Run, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("versequeue.client.client.follow", interrupt)
    result = run("batch", str(prompts))
    assert result.exit_code == 130
    assert "same command again" in result.stderr
    assert "versequeue cancel batch_0" in result.stderr


def test_get_and_cancel_know_batches(run: Run, api: FakeApi, prompts: Path) -> None:
    run("batch", str(prompts), "--no-wait")
    assert "4: 2 queued, 2 succeeded" in run("get", "batch_0").stdout
    assert "asked to end" in run("cancel", "batch_0").stderr
    waited = run("get", "batch_0", "--wait")
    assert waited.exit_code == 0
    assert "4 succeeded" in waited.stdout
    assert run("get", "batch_0", "--lyrics").exit_code == 0
    assert api.requests[-1].query == {"format": "txt"}
    assert json.loads(run("get", "batch_0", "--json").stdout)["done"] is True
