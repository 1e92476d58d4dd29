"""What a worker may write of a job: of which jobs, how often, and what is learned from it."""

from datetime import datetime, timedelta
from itertools import pairwise

from tests.support.api import ApiUnderTest
from tests.support.memory import MemoryQueue, MemoryStore
from tests.support.samples import NOW, queued_job, song_of
from versequeue.config import Settings
from versequeue.rules.job import Metrics, Stage, Status
from versequeue.service.worker import WorkerSide


def test_songs_that_shared_a_pass_do_not_count_as_single_ones_but_show_the_worker(
    app: ApiUnderTest,
) -> None:
    ids = [app.submit(), app.submit()]
    for attempt in app.worker_side.claim_all(ids, Stage.WRITING):
        attempt.succeed(song_of("a"), Metrics(generate_s=99.0, cold_start=False))
    state = app.store.get_state("worker")
    assert "warm_s" not in state
    assert state["seen_at"]


def test_of_jobs_that_are_claimed_together_those_that_have_ended_are_left_out(
    app: ApiUnderTest,
) -> None:
    ended, waiting, canceled = app.submit(), app.submit(), app.submit()
    app.write(ended)
    app.jobs.cancel(canceled)
    attempts = app.worker_side.claim_all([ended, "job_unknown", waiting, canceled], Stage.WRITING)
    assert [attempt.job.id for attempt in attempts] == [waiting]
    assert app.jobs.get(ended).status is Status.SUCCEEDED


def test_the_rows_of_a_batch_do_not_count_as_a_single_songs_time(app: ApiUnderTest) -> None:
    app.write(app.submit())
    assert app.store.get_state("worker")["warm_s"] == [1.0]
    rows = "rain\nsun\n"
    batch = app.client.post("/v1/batches", data=rows, content_type="text/plain").get_json()
    for job in app.store.batch_jobs(batch["id"]):
        attempt = app.worker_side.claim(job.id, Stage.WRITING)
        assert attempt
        attempt.succeed(song_of("a"), Metrics(generate_s=99.0, cold_start=False))
    assert app.store.get_state("worker")["warm_s"] == [1.0]


def test_lines_that_come_quickly_are_written_once_a_second() -> None:
    now = NOW
    store = MemoryStore()
    store.create([queued_job()], now=NOW)
    worker_side = WorkerSide(store, MemoryQueue(lambda: now), Settings(), "worker", lambda: now)
    attempt = worker_side.claim("job_1", Stage.WRITING)
    assert attempt is not None
    written_at: list[datetime] = [now]
    seen = store.get_job("job_1")

    for count in range(1, 65):  # sixty-four lines, eight a second
        now += timedelta(seconds=0.125)
        assert attempt.lines([f"line {n}" for n in range(count)])
        if store.get_job("job_1") != seen:
            seen = store.get_job("job_1")
            written_at.append(now)

    gaps_s = [(b - a).total_seconds() for a, b in pairwise(written_at)]
    assert gaps_s == [1.0] * 8
    assert seen is not None
    assert len(seen.preview) == 64
