"""Batches under test: made over HTTP, worked on without a worker."""

import json
from typing import Any

from werkzeug.test import TestResponse

from tests.support.api import ApiUnderTest
from tests.support.samples import song_of
from versequeue.errors import WorkerLost
from versequeue.rules.job import Job, Metrics, Stage, Status
from versequeue.rules.transitions import claim, give_up, succeed
from versequeue.service.sweep import sweep

LINES = b'{"prompt":"a"}\n{"prompt":"b","custom_id":"two","options":{"lines":8}}\n{"prompt":"c"}\n'


def upload(
    api: ApiUnderTest,
    data: bytes = LINES,
    kind: str = "application/jsonl",
    query: str = "",
    **headers: str,
) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.post(f"/v1/batches{query}", data=data, content_type=kind, headers=named)


def a_batch(
    api: ApiUnderTest, data: bytes = LINES, kind: str = "application/jsonl", query: str = ""
) -> str:
    made = upload(api, data, kind, query)
    assert made.status_code == 202, made.get_json()
    batch_id: str = made.get_json()["id"]
    return batch_id


def jobs_of(api: ApiUnderTest, batch_id: str) -> list[Job]:
    return api.store.batch_jobs(batch_id, limit=5000)


def end(api: ApiUnderTest, job: Job, status: Status) -> None:
    """Let a worker write the job, or fail for good, and die before it can look at the batch."""
    now = api.clock()

    def change(current: Job) -> Job:
        running = claim(current, now, "w", lease_s=30, attempt_limit_s=60, stage=Stage.WRITING)
        if status is Status.SUCCEEDED:
            return succeed(running, running.attempt, now, song_of("one"), Metrics())
        broken = WorkerLost("It broke.")
        return give_up(running, running.attempt, now, broken, retry=False)

    assert api.store.update_job(job.id, change)


def end_all(api: ApiUnderTest, batch_id: str, *statuses: Status) -> None:
    """End every job of a batch, in their order, and let the sweep of a minute later see it."""
    for job, status in zip(jobs_of(api, batch_id), statuses, strict=True):
        end(api, job, status)
    api.clock.pass_s(61)
    sweep(api.store, api.queue, api.clock)


def rows_of(api: ApiUnderTest, batch_id: str) -> list[dict[str, Any]]:
    answer = api.client.get(f"/v1/batches/{batch_id}/results")
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.data.splitlines()]


def look(api: ApiUnderTest, batch_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.client.get(f"/v1/batches/{batch_id}").get_json()
    return found
