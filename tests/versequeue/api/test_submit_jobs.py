"""Submitting jobs over HTTP: accepted forms, idempotency keys, limits; canceling; warming up."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time

from tests.support.api import ApiUnderTest, api_on_disk, is_problem
from tests.support.waiting import wait_until
from versequeue.config import Settings
from versequeue.ports.queue import Topic
from versequeue.rules.job import Stage
from versequeue.rules.outlook import About


def test_json_that_says_it_is_a_form_is_told_what_is_missing(app: ApiUnderTest) -> None:
    form = "application/x-www-form-urlencoded"
    answer = app.client.post("/v1/jobs", data='{"prompt": "rain"}', content_type=form)
    told = is_problem(answer, 415, "unsupported-media-type")["detail"]
    assert told == "This looks like JSON: add the header Content-Type: application/json."


def test_an_option_beside_the_prompt_is_told_where_it_belongs(app: ApiUnderTest) -> None:
    document = is_problem(app.post_job({"prompt": "rain", "lines": 4, "x": 1}), 422, "validation")
    told = {error["pointer"]: error["detail"] for error in document["errors"]}
    assert told == {"/lines": "This belongs in options.", "/x": "This field is not known."}


def test_a_job_is_accepted_as_json(app: ApiUnderTest) -> None:
    answer = app.post_job({"prompt": "  rain\u0301  ", "metadata": {"a": "b"}})
    job = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert re.fullmatch(r"job_[0-9a-f]{40}", job["id"])
    assert job["prompt"] == "raiń"
    assert (job["status"], job["stage"], job["done"]) == ("queued", "waiting", False)
    assert job["options"]["lines"] == 16
    assert 0 <= job["options"]["seed"] < 2**32
    assert job["metadata"] == {"a": "b"}
    assert job["queue_position"] == 1
    assert app.queue.depth(Topic.JOBS) == 1


def test_a_job_is_accepted_as_a_form_whose_empty_fields_count_as_left_out(
    app: ApiUnderTest,
) -> None:
    form = {"prompt": "rain", "lines": "8", "explicit": "true", "seed": "", "temperature": "0.5"}
    job = app.client.post("/v1/jobs", data=form).get_json()
    assert job["options"]["lines"] == 8
    assert job["options"]["explicit"] is True
    assert job["options"]["temperature"] == 0.5


def test_a_job_is_accepted_as_plain_text(app: ApiUnderTest) -> None:
    answer = app.client.post("/v1/jobs", data="rain, rain\n", content_type="text/plain")
    assert answer.status_code == 202
    assert answer.get_json()["prompt"] == "rain, rain"


def test_waiting_answers_200_when_the_job_ends_in_time(app: ApiUnderTest) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            app.post_job, {"prompt": "rain"}, headers={"Prefer": "wait=20", "X": "y"}
        )
        due = wait_until(lambda: app.queue.lease((Topic.JOBS,), app.jobs.clock(), 600), 10)
        assert due
        app.write(due.message["job_ids"][0])
        answer = waiting.result(timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.get_json()["done"] is True


@pytest.mark.parametrize("prefer", ["wait=", "wait=-1", "wait=x", "respond-async", ""])
def test_a_preference_that_makes_no_sense_is_ignored(app: ApiUnderTest, prefer: str) -> None:
    answer = app.post_job({"prompt": "rain"}, headers={"Prefer": prefer})
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


def test_one_key_and_body_are_one_job_also_after_its_end(app: ApiUnderTest) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = app.post_job({"prompt": "rain"}, headers=headers)
    assert "Idempotent-Replayed" not in first.headers
    app.write(first.get_json()["id"])
    again = app.post_job({"prompt": "rain"}, headers=headers)
    assert again.status_code == 202
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.get_json()["done"] is True
    assert app.queue.depth(Topic.JOBS) == 1


def test_one_key_with_another_body_is_a_422(app: ApiUnderTest) -> None:
    headers = {"Idempotency-Key": "k1"}
    app.post_job({"prompt": "rain"}, headers=headers)
    answer = app.post_job({"prompt": "sun"}, headers=headers)
    is_problem(answer, 422, "idempotency-key-reused")


def test_a_key_is_free_again_after_a_day(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T12:00:00Z") as frozen:
        app = api_on_disk(tmp_path)
        headers = {"Idempotency-Key": "k1"}
        first = app.post_job({"prompt": "rain"}, headers=headers).get_json()["id"]
        frozen.tick(timedelta(hours=24, seconds=1))
        assert app.post_job({"prompt": "rain"}, headers=headers).get_json()["id"] != first


def test_many_submits_at_once_with_one_key_are_one_job(app: ApiUnderTest) -> None:
    def submit(_: int) -> str:
        answer = app.post_job({"prompt": "rain"}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 202, answer.text
        return str(answer.get_json()["id"])

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(submit, range(64)))
    assert len(ids) == 1
    assert app.store.count_queued() == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\xe9"])
def test_a_key_that_is_not_visible_ascii_is_refused(app: ApiUnderTest, key: str) -> None:
    answer = app.post_job({"prompt": "rain"}, headers={"Idempotency-Key": key})
    is_problem(answer, 422, "validation")


def test_warming_up_sends_one_message_while_one_is_on_its_way(app: ApiUnderTest) -> None:
    for _ in range(3):
        assert app.client.post("/v1/warmup").status_code == 202
    assert app.queue.depth(Topic.JOBS) == 1
    delivery = app.queue.lease((Topic.JOBS,), app.jobs.clock(), 600)
    assert delivery is not None
    assert delivery.message == {"warmup": True}


def test_warming_up_a_warm_worker_sends_nothing(app: ApiUnderTest) -> None:
    app.worker_side.show_model(About("SmolLM2"))
    answer = app.client.post("/v1/warmup")
    assert (answer.status_code, answer.get_json()["worker"]) == (202, "warm")
    assert app.queue.depth(Topic.JOBS) == 0


def test_a_warm_up_that_another_version_noted_in_another_form_keeps_nobody_from_one(
    app: ApiUnderTest,
) -> None:
    noted = {"warmup_at": "2026-03-01T12:00:00", "day": ["2026-03-01"], "warmups": 2}
    app.store.update_state("warmup", lambda _: noted)
    assert app.client.post("/v1/warmup").status_code == 202
    assert app.queue.depth(Topic.JOBS) == 1


def test_a_client_over_its_rate_is_told_when_to_come_back(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T12:00:00Z") as frozen:
        app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, rate_per_minute=2))
        first = app.post_job({"prompt": "x"})
        assert first.headers["RateLimit-Policy"] == '"jobs";q=2;w=60'
        assert first.headers["RateLimit"].startswith('"jobs";r=1;')
        frozen.tick(timedelta(seconds=20))
        app.submit()
        refused = app.post_job({"prompt": "x"})
        is_problem(refused, 429, "rate-limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 41
        frozen.tick(timedelta(seconds=int(refused.headers["Retry-After"])))
        assert app.post_job({"prompt": "x"}).status_code == 202


def test_a_client_is_stored_as_a_keyed_hash_only(tmp_path: Path) -> None:
    clients = set()
    for secret in ("a", "b"):
        folder = tmp_path / secret
        folder.mkdir()
        app = api_on_disk(folder, Settings(data_dir=folder, hash_key=secret))
        job = app.store.get_job(app.submit())
        assert job is not None
        assert re.fullmatch(r"[0-9a-f]{32}", job.client)
        clients.add(job.client)
    assert len(clients) == 2


def test_the_daily_budget_counts_everybody_and_ends_at_midnight(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T23:00:00Z") as frozen:
        app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, daily_budget=2, client_share=0))
        app.submit()
        app.submit()
        refused = app.post_job({"prompt": "x"})
        is_problem(refused, 429, "budget-exhausted")
        assert 3600 <= int(refused.headers["Retry-After"]) <= 3601
        frozen.tick(timedelta(hours=1))
        assert app.post_job({"prompt": "x"}).status_code == 202


def test_canceling_an_unknown_job_is_a_404(app: ApiUnderTest) -> None:
    is_problem(app.client.post("/v1/jobs/job_1/cancel"), 404, "not-found")


def test_a_running_job_is_canceled_at_its_next_line(app: ApiUnderTest) -> None:
    job_id = app.submit()
    attempt = app.worker_side.claim(job_id, Stage.WRITING)
    assert attempt
    job = app.client.post(f"/v1/jobs/{job_id}/cancel").get_json()
    assert job["status"] == "running"
    assert job["cancel_requested_at"]
    assert not attempt.lines(["one"])
    attempt.cancel()
    for _ in range(2):
        answer = app.client.post(f"/v1/jobs/{job_id}/cancel")
        assert (answer.status_code, answer.get_json()["status"]) == (200, "canceled")
