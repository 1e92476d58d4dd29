"""Waiting for a job: each change told once, few questions, and an end in every case."""

import json

import pytest
from werkzeug.wrappers import Response

from tests.support.clients import FakeTime
from tests.support.fake_api import FakeApi
from versequeue.client.client import Client
from versequeue.client.errors import (
    WaitTimeout,
)
from versequeue.client.types import Job


def test_waiting_tells_every_change_once(api: FakeApi, client: Client) -> None:
    seen: list[tuple[str, str | None]] = []

    job = client.wait(client.submit("rain"), on_update=lambda one: seen.append(step_of(one)))

    assert seen == [
        ("queued", "waiting"),
        ("running", "loading_model"),
        ("running", "writing"),
        ("succeeded", None),
    ]
    assert job.output is not None
    assert job.created_at is not None
    assert job.created_at.tzinfo is not None
    assert job.raw["a_field_of_tomorrow"] == {"nested": True}


def step_of(job: Job) -> tuple[str, str | None]:
    return job.status, job.stage


def test_waiting_asks_with_the_etag_and_lets_the_server_hold_the_request(
    api: FakeApi, client: Client
) -> None:
    client.wait(client.submit("rain"))

    first, *others = api.calls("GET", "/v1/jobs/")
    assert "If-None-Match" not in first.headers
    assert "Prefer" not in first.headers
    assert others
    assert all(call.headers["If-None-Match"].startswith('"job_0') for call in others)
    assert all(call.headers["Prefer"] == "wait=20" for call in others)


def test_waiting_comes_back_when_retry_after_says_so(
    api: FakeApi, client: Client, time: FakeTime
) -> None:
    api.steps = [{"status": "queued", "stage": "waiting"}]
    job = client.submit("rain")

    with pytest.raises(WaitTimeout, match="still queued") as caught:
        client.wait(job, timeout_s=9)

    assert caught.value.last.id == job.id
    assert time.slept == [2.0, 2.0, 2.0, 2.0, 1.0]
    assert api.calls("GET")[-1].headers["Prefer"] == "wait=1"


def test_waiting_without_retry_after_asks_less_and_less_often(
    api: FakeApi, client: Client, time: FakeTime
) -> None:
    api.steps = [{"status": "queued"}]
    job = client.submit("rain")
    document = json.dumps(job.raw)
    api.faults = [lambda: Response(document, content_type="application/json")]
    api.faults += [lambda: Response(status=304)] * 12

    with pytest.raises(WaitTimeout):
        client.wait(job, timeout_s=60)

    assert time.slept[:5] == [1.0, 2.0, 4.0, 8.0, 10.0]


def test_the_same_answer_again_is_no_change(api: FakeApi, client: Client) -> None:
    job = client.submit("rain")
    same = json.dumps(job.raw)
    api.faults = [lambda: Response(same, content_type="application/json")] * 4
    seen: list[Job] = []

    client.wait(job, on_update=seen.append)

    assert len(seen) == len({one.stage for one in seen}) == 4


def test_waiting_ends_on_done_even_for_a_status_that_nobody_knows(
    api: FakeApi, client: Client
) -> None:
    api.steps = [
        {"status": "queued", "stage": "waiting"},
        {"status": "pondering", "stage": "humming", "done": False},
        {"status": "archived", "stage": None, "done": True},
    ]
    job = client.wait(client.submit("rain"), timeout_s=60)

    assert (job.status, job.done) == ("archived", True)
