"""Reading jobs over HTTP: their state and its ETag, lyrics, waiting, and the status."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from freezegun import freeze_time

from tests.support.api import ApiUnderTest, api_on_disk, is_problem
from versequeue.rules.job import Stage


def test_a_poller_gets_304_until_the_job_changes(app: ApiUnderTest) -> None:
    job_id = app.submit()
    first = app.client.get(f"/v1/jobs/{job_id}")
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Retry-After"] == "1"
    again = app.client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Retry-After"] == "1"
    app.write(job_id)
    changed = app.client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "Retry-After" not in changed.headers
    job = changed.get_json()
    assert (job["status"], job["done"], job["stage"]) == ("succeeded", True, None)
    assert job["output"]["lyrics"] == job["preview"] == "one\ntwo"
    assert job["eta_seconds"] is None
    assert [event["event"] for event in job["events"]] == ["queued", "claimed", "succeeded"]


def test_lyrics_are_a_409_until_the_job_has_succeeded(app: ApiUnderTest) -> None:
    job_id = app.submit()
    answer = app.client.get(f"/v1/jobs/{job_id}/lyrics")
    is_problem(answer, 409, "not-finished")
    assert answer.headers["Retry-After"] == "1"
    app.write(job_id)
    answer = app.client.get(f"/v1/jobs/{job_id}/lyrics")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == "one\ntwo\n"


def test_the_lyrics_of_a_canceled_job_stay_a_409(app: ApiUnderTest) -> None:
    job_id = app.submit()
    assert app.client.post(f"/v1/jobs/{job_id}/cancel").get_json()["status"] == "canceled"
    answer = app.client.get(f"/v1/jobs/{job_id}/lyrics")
    is_problem(answer, 409, "not-finished")
    assert "Retry-After" not in answer.headers


def test_lines_appear_as_they_are_written(app: ApiUnderTest) -> None:
    job_id = app.submit()
    attempt = app.worker_side.claim(job_id, Stage.LOADING_MODEL)
    assert attempt
    assert app.client.get(f"/v1/jobs/{job_id}").get_json()["stage"] == "loading_model"
    assert attempt.lines(["one"])
    job = app.client.get(f"/v1/jobs/{job_id}").get_json()
    assert (job["stage"], job["preview"]) == ("writing", "one")
    assert job["progress"] == {"completed": 1, "total": 16, "unit": "lines"}


def test_waiting_for_a_change_answers_at_once_when_there_is_one(app: ApiUnderTest) -> None:
    job_id = app.submit()
    old = app.client.get(f"/v1/jobs/{job_id}").headers["ETag"]
    app.write(job_id)
    answer = app.client.get(
        f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30", "If-None-Match": old}
    )
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=30"


def test_a_job_past_its_retention_is_gone_whether_deleted_or_not(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T12:00:00Z") as frozen:
        app = api_on_disk(tmp_path)
        job_id = app.submit()
        app.write(job_id)
        frozen.tick(timedelta(days=30))
        for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/lyrics"):
            is_problem(app.client.get(path), 410, "gone")
        is_problem(app.client.post(f"/v1/jobs/{job_id}/cancel"), 410, "gone")


def test_the_status_tells_the_queue_and_the_worker(app: ApiUnderTest) -> None:
    assert app.client.get("/v1/status").get_json() == {
        "worker": "unknown",
        "queue_depth": 0,
        "expected_wait_seconds": {"cold": None, "warm": None, "efforts": {}, "queue": None},
        "model": None,
        "models": [],
    }
    app.submit()
    assert app.client.get("/v1/status").get_json()["queue_depth"] == 1


def test_whoever_only_looks_does_not_wait_for_pydantic_to_be_imported() -> None:
    code = "import sys, versequeue.api.results_jobs; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
