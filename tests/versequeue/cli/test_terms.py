"""`--later`, `--ready-by` and `--deadline`: what is sent, and what is said while one waits."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import Run
from tests.support.fake_api import FakeApi
from versequeue.cli.live import job_line
from versequeue.cli.texts import batch_text, job_text
from versequeue.client.reading import read_answer
from versequeue.client.types import Batch, Job

BY = "2026-03-01T18:00:00.000Z"


def test_what_is_said_of_when_goes_beside_the_prompt(run: Run, api: FakeApi) -> None:
    run("submit", "rain", "--no-wait", "--later", "--deadline", "600")
    run("submit", "rain", "--no-wait", "--ready-by", "2026-03-01T18:00Z")
    later, by = [json.loads(call.body) for call in api.calls("POST")]
    assert later == {"prompt": "rain", "when": "later", "deadline_s": 600}
    assert by == {"prompt": "rain", "when": "later", "ready_by": "2026-03-01T18:00Z"}


def test_a_file_and_its_check_say_when_in_the_query(run: Run, api: FakeApi, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("rain\n")
    run("batch", str(prompts), "--no-wait", "--later", "--lines", "4")
    run("batch", str(prompts), "--check", "--deadline", "60")
    sent, checked = [call.query for call in api.calls("POST")]
    assert sent == {"lines": "4", "when": "later"}
    assert checked == {"deadline_s": "60.0"}


@pytest.mark.parametrize("seconds", ["nan", "inf", "soon"])
def test_a_deadline_that_is_no_number_is_not_sent(run: Run, api: FakeApi, seconds: str) -> None:
    result = run("submit", "rain", "--deadline", seconds)
    assert result.exit_code == 2
    assert api.requests == []


def test_a_deadline_of_nothing_is_left_to_the_server_to_refuse(run: Run, api: FakeApi) -> None:
    run("submit", "rain", "--no-wait", "--deadline", "0")
    assert json.loads(api.calls("POST")[0].body)["deadline_s"] == 0


def test_a_later_job_says_by_when_it_is_ready() -> None:
    told = {"id": "job_1", "status": "queued", "stage": "waiting", "when": "later", "ready_by": BY}
    job = read_answer(Job, {**told, "eta_seconds": 3300})
    assert job_line(job) == "In no hurry · ready by 18:00 UTC · about 55 min 0 s to go"
    assert "Ready     by 2026-03-01 18:00:00 UTC" in job_text(job)
    placed = read_answer(Job, {**told, "queue_position": 3})
    assert job_line(placed) == "In the queue · place 3"


def test_a_later_batch_says_by_when_it_is_ready() -> None:
    batch = read_answer(Batch, {"id": "batch_1", "status": "running", "ready_by": BY})
    assert "Ready     by 2026-03-01 18:00:00 UTC" in batch_text(batch)
