"""The rules of a job: what each change does, and what no change may do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.support.samples import NOW, at, queued_job
from versequeue.errors import GenerationFailed, LeaseLost, ModelUnavailable, NotAllowed, WorkerLost
from versequeue.records import from_record, to_record
from versequeue.rules import transitions as jobs
from versequeue.rules.job import Job, Metrics, Stage, Status
from versequeue.rules.webhook import Webhook

ERROR = GenerationFailed("it broke")
OUTPUT: dict[str, Any] = {"sections": [{"lines": ["a", "b"]}]}


@pytest.fixture
def queued() -> Job:
    return queued_job()


def claimed(job: Job, at: datetime = NOW, *, lease_s: float = 30, limit_s: float = 100) -> Job:
    return jobs.claim(
        job, at, "w", lease_s=lease_s, attempt_limit_s=limit_s, stage=Stage.LOADING_MODEL
    )


def test_a_claim_raises_the_attempt_and_sets_the_lease(queued: Job) -> None:
    running = claimed(queued, at(2))
    assert (running.status, running.stage) == (Status.RUNNING, Stage.LOADING_MODEL)
    assert running.attempt == 1
    assert running.lease_expires_at == at(32)
    assert running.metrics.queue_s == 2.0
    assert running.due_at == at(32)


def test_a_second_claim_is_refused_until_the_lease_lapses(queued: Job) -> None:
    running = claimed(queued)
    with pytest.raises(NotAllowed):
        claimed(running, at(29.9))
    again = claimed(running, at(30))
    assert again.attempt == 2
    assert [event.event for event in again.events] == ["claimed", "lease_lapsed", "claimed"]


def test_a_renewal_never_reaches_beyond_the_attempts_own_limit(queued: Job) -> None:
    running = claimed(queued, limit_s=40)
    renewed = jobs.renew(running, 1, at(20), lease_s=30, lines=("a",), stage=Stage.WRITING)
    assert renewed.lease_expires_at == at(40)
    assert renewed.preview == ("a",)
    with pytest.raises(LeaseLost):
        jobs.renew(renewed, 1, at(40), lease_s=30, lines=("a", "b"), stage=Stage.WRITING)


def test_a_renewal_notes_when_lines_came_and_the_next_attempt_begins_without_any(
    queued: Job,
) -> None:
    def renew(job: Job, seconds: float, *lines: str) -> Job:
        return jobs.renew(job, 1, at(seconds), lease_s=30, lines=lines, stage=Stage.WRITING)

    one = renew(claimed(queued), 2, "a")
    silent = renew(one, 5, "a")
    two = renew(silent, 7, "a", "b")
    assert [job.shown_at for job in (one, silent, two)] == [at(2), at(2), at(7)]
    assert claimed(two, at(90)).shown_at is None


def test_an_attempt_never_outlasts_the_time_of_its_job() -> None:
    running = claimed(queued_job(deadline_at=at(45)), at(20))
    renewed = jobs.renew(running, 1, at(40), lease_s=30, lines=(), stage=Stage.WRITING)
    assert (renewed.lease_expires_at, renewed.attempt_ends_at) == (at(45), at(45))
    assert jobs.settle(renewed, at(45)).status is Status.EXPIRED


@pytest.mark.parametrize("at_s", [30, 31])
def test_a_worker_whose_lease_has_lapsed_can_change_nothing(queued: Job, at_s: float) -> None:
    running, late = claimed(queued), at(at_s)
    changes: list[Callable[[], Job]] = [
        lambda: jobs.renew(running, 1, late, lease_s=30, lines=(), stage=Stage.WRITING),
        lambda: jobs.succeed(running, 1, late, OUTPUT, Metrics()),
        lambda: jobs.give_up(running, 1, late, ERROR, retry=True),
        lambda: jobs.hand_back(running, 1, late, "stop"),
        lambda: jobs.end_canceled(running, 1, late),
    ]
    for change in changes:
        with pytest.raises(LeaseLost):
            change()


def test_an_earlier_attempt_can_change_nothing(queued: Job) -> None:
    second = claimed(claimed(queued), at(30))
    with pytest.raises(LeaseLost, match="attempt 2 runs now"):
        jobs.succeed(second, 1, at(31), OUTPUT, Metrics())


def test_a_job_is_tried_five_times_and_fails_with_the_last_error(queued: Job) -> None:
    job = queued
    for number in range(1, 6):
        job = claimed(job, at(number))
        assert job.attempt == number
        job = jobs.give_up(job, number, at(number), WorkerLost("it broke"), retry=True)
    assert job.status is Status.FAILED
    assert job.error == {
        "type": "/problems/worker-lost",
        "title": "Worker lost",
        "status": 500,
        "detail": "it broke",
    }
    assert [event.event for event in job.events].count("attempt_failed") == 5


def test_an_error_that_would_come_again_ends_the_job_at_once(queued: Job) -> None:
    job = jobs.give_up(claimed(queued, at(1)), 1, at(2), ERROR, retry=True)
    assert (job.status, job.attempt) == (Status.FAILED, 1)
    assert job.error is not None
    assert job.error["retryable"] is False


def test_what_failed_in_company_is_tried_once_more_alone(queued: Job) -> None:
    job = replace(claimed(queued, at(1)), together=8)
    job = jobs.give_up(job, 1, at(2), ERROR, retry=True)
    assert job.status is Status.QUEUED
    job = replace(claimed(job, at(3)), together=1)
    assert jobs.give_up(job, 2, at(4), ERROR, retry=True).status is Status.FAILED


def test_an_attempt_that_is_put_off_does_not_count_and_the_next_one_waits_longer_each_time(
    queued: Job,
) -> None:
    waits, job = [], queued
    for number in range(1, 8):
        now = job.publish_at
        running = claimed(job, now)
        job = jobs.put_off(running, number, now, ModelUnavailable("away"))
        assert (job.status, job.attempt, job.tries) == (Status.QUEUED, number, 0)
        assert job.due_at == job.publish_at
        waits.append((job.publish_at - now).total_seconds())
    assert waits == [15, 30, 60, 120, 240, 300, 300]


def test_lapsed_leases_count_as_attempts_too(queued: Job) -> None:
    job = queued
    for number in range(5):
        job = claimed(job, at(40 * number))
    ended = jobs.settle(job, at(40 * 5))
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error["type"] == "/problems/worker-lost"


def test_an_error_that_would_only_repeat_ends_the_job(queued: Job) -> None:
    job = jobs.give_up(claimed(queued), 1, at(1), ERROR, retry=False)
    assert job.status is Status.FAILED


def test_handing_back_queues_the_job_at_once(queued: Job) -> None:
    job = jobs.hand_back(claimed(queued), 1, at(5), "stopping")
    assert (job.status, job.stage, job.publish_at) == (Status.QUEUED, Stage.WAITING, at(5))
    assert job.preview == ()


def test_a_queued_job_is_canceled_at_once(queued: Job) -> None:
    job = jobs.request_cancel(queued, at(1))
    assert job.status is Status.CANCELED
    assert jobs.request_cancel(job, at(2)) is job


def test_a_running_job_is_asked_to_stop_and_a_finish_that_races_loses(queued: Job) -> None:
    asked = jobs.request_cancel(claimed(queued), at(1))
    assert asked.status is Status.RUNNING
    assert asked.cancel_requested_at == at(1)
    assert jobs.request_cancel(asked, at(2)) is asked
    assert jobs.succeed(asked, 1, at(3), OUTPUT, Metrics()).status is Status.CANCELED
    assert jobs.end_canceled(asked, 1, at(3)).status is Status.CANCELED


def test_a_cancel_that_comes_after_the_finish_changes_nothing(queued: Job) -> None:
    done = jobs.succeed(claimed(queued), 1, at(3), OUTPUT, Metrics())
    assert jobs.request_cancel(done, at(4)) is done


def test_a_canceled_job_whose_worker_died_is_settled_as_canceled(queued: Job) -> None:
    asked = jobs.request_cancel(claimed(queued), at(1))
    assert jobs.settle(asked, at(30)).status is Status.CANCELED


def test_an_unfinished_job_expires_at_its_deadline(queued: Job) -> None:
    assert jobs.settle(queued, at(86399)) is queued
    assert jobs.settle(queued, at(86400)).status is Status.EXPIRED


@pytest.mark.parametrize("status", [status for status in Status if status.is_terminal])
def test_nothing_changes_a_finished_job(queued: Job, status: Status) -> None:
    done = replace(queued, status=status, stage=None, attempt=1)
    assert jobs.settle(done, at(10**8)) is done
    assert jobs.request_cancel(done, at(1)) is done
    assert jobs.abandon(done, "w", at(1)) is done
    with pytest.raises(NotAllowed):
        claimed(done)
    with pytest.raises(LeaseLost):
        jobs.succeed(done, 1, at(1), OUTPUT, Metrics())


def test_a_worker_known_to_be_dead_is_given_up_on_at_once(queued: Job) -> None:
    running = claimed(queued)
    assert jobs.abandon(running, "somebody else", at(1)) is running
    assert jobs.abandon(running, "w", at(1)).status is Status.QUEUED


def test_republishing_waits_twice_as_long_each_time(queued: Job) -> None:
    job, waits = queued, []
    for _ in range(7):
        job = jobs.republish(job, NOW)
        waits.append((job.publish_at - NOW).total_seconds())
    assert waits == [120, 240, 480, 960, 1800, 1800, 1800]


def test_a_long_timeline_keeps_its_beginning_and_its_latest_part(queued: Job) -> None:
    job = queued
    for number in range(100):
        job = jobs.note(job, at(number), f"event {number}")
    names = [event.event for event in job.events]
    assert len(names) == jobs.MAX_EVENTS
    assert names[0] == "event 0"
    assert names[-1] == "event 99"


def test_the_end_announces_the_event_that_was_asked_for(queued: Job) -> None:
    hooked = replace(queued, webhook=Webhook("https://a.example", ("job.canceled",)))
    canceled = jobs.request_cancel(hooked, at(1))
    assert canceled.webhook is not None
    assert canceled.webhook.pending is not None
    assert canceled.webhook.pending.event == "job.canceled"
    assert canceled.due_at is None
    assert canceled.webhook.pending.due_at == at(1)
    assert canceled.notify_at == at(61), "whoever ended it has hinted at it"
    finished = jobs.succeed(claimed(hooked), 1, at(1), OUTPUT, Metrics())
    assert finished.webhook is not None
    assert finished.webhook.pending is None


def test_a_job_comes_back_from_its_record_whole_and_unknown_fields_are_ignored(queued: Job) -> None:
    job = jobs.request_cancel(replace(queued, webhook=Webhook("https://a.example")), at(1))
    record = to_record(job)
    assert from_record(Job, {**record, "from_the_future": 1}) == job
    del record["custom_id"]
    assert from_record(Job, record) == job


def test_the_workers_time_of_every_attempt_is_added_up(queued: Job) -> None:
    first = jobs.give_up(claimed(queued), 1, at(4), WorkerLost("it died"), retry=True)
    assert first.metrics.worker_s == 4.0
    second = jobs.settle(claimed(first, at(10)), at(95))
    assert second.metrics.worker_s == 4.0 + 30  # until its lease lapsed, not until that was seen
    took = Metrics(generate_s=8.0, worker_s=2.5, starts=1)
    done = jobs.succeed(claimed(second, at(100)), 3, at(108), OUTPUT, took)
    assert (done.metrics.worker_s, done.metrics.starts) == (36.5, 1)
    assert done.metrics.generate_s == 8.0


def test_a_song_without_a_measured_part_has_its_part_of_the_time_since_the_claim(
    queued: Job,
) -> None:
    shared = replace(claimed(queued), together=4)
    assert jobs.succeed(shared, 1, at(8), OUTPUT, Metrics()).metrics.worker_s == 2.0


@pytest.mark.parametrize("end", [jobs.settle, lambda job, now: jobs.end_canceled(job, 1, now)])
def test_what_is_canceled_half_way_has_used_the_worker(
    queued: Job, end: Callable[[Job, datetime], Job]
) -> None:
    asked = jobs.request_cancel(claimed(queued), at(3))
    lapsed = replace(asked, lease_expires_at=at(6 if end is jobs.settle else 60))
    ended = end(lapsed, at(6))
    assert (ended.status, ended.metrics.worker_s) == (Status.CANCELED, 6.0)
