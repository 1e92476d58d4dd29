"""Lists of jobs by time, asked of every store."""

from datetime import datetime
from typing import Any

import pytest

from tests.support.samples import NOW, at, queued_job
from versequeue.ports.store import Place, Store
from versequeue.rules.job import Job, Status


def made(name: str, created_at: datetime, client: str = "c1", **fields: Any) -> Job:
    return queued_job(name, created_at=created_at, client=client, **fields)


JOBS = [
    made("job_a", at(0)),
    made("job_b", at(1)),
    made("job_c", at(1), "c2"),
    made("job_d", at(1)),
    made("job_e", at(2), batch_id="batch_1"),
]


def names(jobs: list[Job]) -> str:
    return "".join(job.id[-1] for job in jobs)


def test_a_clients_jobs_come_with_the_newest_first_and_nobody_elses(store: Store) -> None:
    store.create(JOBS, now=NOW)
    assert names(store.newest_jobs("c1", None, 10)) == "edba"
    assert names(store.newest_jobs("c2", None, 10)) == "c"
    assert names(store.newest_jobs("c3", None, 10)) == ""
    assert names(store.newest_jobs(None, None, 10)) == "edcba"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_a_list_follow_each_other_also_between_jobs_of_one_moment(
    store: Store, limit: int
) -> None:
    store.create(JOBS, now=NOW)
    seen, before = "", None
    while page := store.newest_jobs("c1", before, limit):
        assert len(page) <= limit
        seen += names(page)
        before = Place(page[-1].created_at, page[-1].id)
    assert seen == "edba"


def test_the_oldest_jobs_of_a_status_and_those_that_run_are_found(store: Store) -> None:
    running = [made(f"job_{n}", at(n), status=Status.RUNNING) for n in (7, 6)]
    store.create([*JOBS, *running], now=NOW)
    assert names(store.oldest_jobs(Status.QUEUED, 1)) == "a"
    assert names(store.oldest_jobs(Status.RUNNING, 5)) == "67"
    assert store.count_running() == 2
    assert store.oldest_jobs(Status.FAILED, 5) == []
