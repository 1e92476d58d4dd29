"""What a worker may write of a job: of which jobs, how often, and what is learned from it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.support.api import ApiUnderTest, ManualClock, make_api
from tests.support.memory import MemoryQueue, MemoryStore
from tests.support.samples import NOW, at, queued_job, song_of
from versequeue.config import Settings
from versequeue.errors import Unreadable
from versequeue.ports.queue import Topic
from versequeue.ports.store import JobChange
from versequeue.rules.job import Job, Metrics, Stage, Status
from versequeue.rules.transitions import request_cancel, settle
from versequeue.service.attempt import Attempt
from versequeue.service.worker import WorkerSide


def test_songs_that_shared_a_pass_count_as_no_single_one_but_show_the_worker(
    app: ApiUnderTest,
) -> None:
    ids = [app.submit(), app.submit()]
    for attempt in app.worker_side.claim_all(ids, Stage.WRITING):
        attempt.succeed(song_of("a"), Metrics(generate_s=99.0, cold_start=False))
    state = app.store.get_state("worker")
    assert "line_s" not in state["pace"]
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


def test_a_worker_for_batches_only_says_nothing_of_the_one_that_visitors_meet() -> None:
    app = make_api(Settings(hash_key="test", bulk_only=True))
    app.write(app.submit())
    assert app.store.get_state("worker") == {}


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


def a_clocked_attempt(
    job: Job, settings: Settings
) -> tuple[MemoryStore, ManualClock, WorkerSide, Attempt]:
    """A claimed job on a clock that is moved by hand."""
    clock, store = ManualClock(NOW), MemoryStore()
    store.create([job], now=NOW)
    side = WorkerSide(store, MemoryQueue(clock), settings, "worker", clock)
    attempt = side.claim(job.id, Stage.WRITING)
    assert attempt is not None
    return store, clock, side, attempt


def test_a_heartbeat_renews_the_lease_and_leaves_the_lines_that_were_stored() -> None:
    store, clock, _, attempt = a_clocked_attempt(queued_job(), Settings(lease_s=30))
    clock.pass_s(5)
    attempt.lines(["one"])
    clock.pass_s(9)
    attempt.beat()
    assert store.jobs["job_1"].lease_expires_at == at(35), "it was renewed a moment ago"
    clock.pass_s(2)
    attempt.beat()
    job = store.jobs["job_1"]
    assert (job.lease_expires_at, job.preview) == (at(46), ("one",))


def test_a_clock_that_is_set_back_does_not_stop_the_lines() -> None:
    store, clock, _, attempt = a_clocked_attempt(queued_job(), Settings())
    clock.pass_s(-3600)
    assert attempt.lines(["one"])
    assert store.jobs["job_1"].preview == ("one",)


def test_of_several_jobs_those_that_were_tried_before_are_sent_on_alone(
    app: ApiUnderTest,
) -> None:
    single, new = app.submit("rain"), app.submit("snow")
    rows = app.client.post("/v1/batches", data="sun", content_type="text/plain").get_json()
    (row,) = app.store.batch_jobs(rows["id"])
    for job_id in (single, row.id):
        attempt = app.worker_side.claim(job_id, Stage.WRITING)
        assert attempt is not None
        attempt.hand_back("The worker was asked to stop.")
    for topic in Topic:
        app.messages(topic)

    taken = app.worker_side.claim_all([single, new, row.id], Stage.WRITING)

    assert [attempt.job.id for attempt in taken] == [new]
    assert app.messages(Topic.JOBS) == [{"job_ids": [single], "again": True}]
    assert app.messages(Topic.BULK) == [{"job_ids": [row.id], "again": True}]
    (alone,) = app.worker_side.claim_all([single], Stage.WRITING)
    assert alone.job.attempt == 2


def test_a_job_that_ends_while_it_is_claimed_is_not_sent_on_alone() -> None:
    class Contested(MemoryStore):
        """Each claim has to be made again: a cancel was written before the first was."""

        def update_jobs(self, changes: Mapping[str, JobChange]) -> Mapping[str, Job | None]:
            for job_id, change in changes.items():
                change(self.jobs[job_id])
                self.update_job(job_id, lambda job: request_cancel(job, NOW))
            return super().update_jobs(changes)

    clock, store = ManualClock(NOW), Contested()
    store.create([queued_job("tried", attempt=1), queued_job("new")], now=NOW)
    queue = MemoryQueue(clock)
    side = WorkerSide(store, queue, Settings(), "worker", clock)
    assert side.claim_all(["tried", "new"], Stage.WRITING) == []
    assert queue.lease([Topic.JOBS], NOW, ack_deadline_s=600) is None


def test_a_worker_has_said_something_only_if_it_did_so_itself() -> None:
    settings = Settings(progress_interval_s=0)
    store, clock, side, attempt = a_clocked_attempt(queued_job(), settings)
    claimed = side.reports_of(["job_1", "job_unknown"], "worker")
    assert claimed == {"job_1": at(30)}
    assert side.reports_of(["job_1"], "another") == {}
    clock.pass_s(1)
    store.update_job("job_1", lambda job: request_cancel(job, clock()))
    assert side.reports_of(["job_1"], "worker") == claimed
    attempt.lines(["one"])
    assert side.reports_of(["job_1"], "worker") == {"job_1": at(31)}
    clock.pass_s(60)
    store.update_job("job_1", lambda job: settle(job, clock()))
    assert side.reports_of(["job_1"], "worker") == {}


def test_a_job_that_cannot_be_read_hides_no_others_report(monkeypatch: pytest.MonkeyPatch) -> None:
    store, _, side, _ = a_clocked_attempt(queued_job(), Settings())
    get_job = store.get_job

    def partly_readable(job_id: str) -> Job | None:
        if job_id == "job_newer":
            raise Unreadable("A newer version wrote it.")
        return get_job(job_id)

    monkeypatch.setattr(store, "get_job", partly_readable)
    assert side.reports_of(["job_newer", "job_1"], "worker") == {"job_1": at(30)}
    assert side.reports_of(["job_newer"], "worker") == {}
