"""The embedded dispatcher with workers that hang, stand still or die over one job."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest, api_on_disk
from tests.support.dispatching import dispatching
from tests.support.inspected_queue import InspectedQueue
from tests.support.rough_worker import source
from tests.support.waiting import wait_until
from versequeue.config import Settings
from versequeue.ports.queue import Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.job import Job, Status

pytestmark = pytest.mark.processes
LEASE_S = 2.0
LIMIT_S = 120


@pytest.fixture
def app(tmp_path: Path) -> ApiUnderTest:
    settings = Settings(data_dir=tmp_path, lease_s=LEASE_S, max_attempts=3)
    return api_on_disk(tmp_path, settings)


@pytest.fixture
def queue(
    app: ApiUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InspectedQueue]:
    """The queue of a dispatcher whose workers are rough; they publish there, too."""
    monkeypatch.setenv("VERSEQUEUE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VERSEQUEUE_LEASE_S", str(LEASE_S))
    with dispatching(app, tmp_path, source(tmp_path / "pids"), max_deliveries=20) as queue:
        yield queue


def ended(app: ApiUnderTest, *job_ids: str) -> list[Job]:
    """These jobs once all of them have ended."""
    wait_until(lambda: all(app.jobs.get(job_id).done for job_id in job_ids), LIMIT_S, poll_s=0.1)
    return [app.jobs.get(job_id) for job_id in job_ids]


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_hangs_is_killed_and_costs_the_others_nothing(
    app: ApiUnderTest, queue: InspectedQueue, tmp_path: Path
) -> None:
    bad, good = app.submit("hang"), app.submit("rain")
    queue.publish(Topic.JOBS, [{"job_ids": [bad], "again": True}, {"job_ids": [good]}])
    hanging, written = ended(app, bad, good)
    assert (written.status, written.attempt) == (Status.SUCCEEDED, 1)
    assert (hanging.status, hanging.attempt) == (Status.FAILED, 3)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) >= 3
    assert sum(is_there(pid) for pid in pids) <= 1, "but for the last one all are gone"


def test_a_worker_that_stands_still_is_killed_and_its_job_is_written_by_the_next(
    app: ApiUnderTest, queue: InspectedQueue
) -> None:
    job_id = app.submit("stand still")
    queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    (job,) = ended(app, job_id)
    assert (job.status, job.attempt) == (Status.SUCCEEDED, 2)


def test_a_row_that_kills_its_worker_costs_its_neighbours_one_attempt(
    app: ApiUnderTest, queue: InspectedQueue
) -> None:
    prompts = ["rain"] * (JOBS_PER_MESSAGE - 1) + ["die", "snow", "snow"]
    body = "\n".join(prompts).encode()
    app.client.post("/v1/batches", data=body, content_type="text/plain")
    queue.publish(Topic.BULK, list(app.messages(Topic.BULK)))
    batch = [job.id for job in app.store.due_jobs(app.clock().replace(year=9999))]
    rows = ended(app, *batch)
    assert [row.prompt for row in rows if row.status is not Status.SUCCEEDED] == ["die"]
    assert {row.prompt: row.attempt for row in rows} == {"rain": 2, "die": 3, "snow": 1}
