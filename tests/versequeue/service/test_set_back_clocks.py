"""The clock is set back by an hour: what was to come in a minute does not come an hour later."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.api import ManualClock
from tests.support.memory import MemoryQueue, MemoryStore
from tests.support.samples import NOW, at, queued_job
from versequeue.config import Settings
from versequeue.ports.queue import Topic
from versequeue.rules.batch import MAX_ROWS
from versequeue.rules.job import Status
from versequeue.rules.transitions import FURTHEST_S, LAST_LEASE_S, REPUBLISH_LONGEST_S, claim
from versequeue.rules.webhook import (
    LOOK_EVERY_S,
    RETRY_SCHEDULE_S,
    Webhook,
    announce,
    hinted,
    record_delivery,
    take_delivery,
)
from versequeue.service.batches import ROW_PACE_S
from versequeue.service.jobs import Jobs
from versequeue.service.sweep import sweep

#: The clock now says so much less than when the job was written.
BEFORE = at(3600)
URL = "https://example.org/hook"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue(lambda: NOW)


def announced() -> Webhook:
    webhook = announce(Webhook(URL), "job_1", "job.failed", BEFORE)
    assert webhook
    return webhook


def failed_once() -> Webhook:
    taken = take_delivery(announced(), BEFORE)
    assert taken.pending
    return record_delivery(taken, taken.pending, BEFORE, status_code=500, error="500")


@pytest.mark.parametrize(
    "webhook", [announced(), failed_once(), take_delivery(announced(), BEFORE)]
)
def test_whoever_was_to_be_told_is_told_now(
    store: MemoryStore, queue: MemoryQueue, webhook: Webhook
) -> None:
    store.create([queued_job(status=Status.FAILED, finished_at=BEFORE, webhook=webhook)], now=NOW)
    assert sweep(store, queue, lambda: NOW).notified == 1
    job = store.get_job("job_1")
    assert job
    assert job.webhook
    assert take_delivery(job.webhook, NOW) is not job.webhook, "the message finds it due"
    assert sweep(store, queue, lambda: at(1)).notified == 0


def test_whoever_waits_waits_no_longer_than_was_asked_for(store: MemoryStore) -> None:
    clock, passed = ManualClock(NOW), 0.0

    def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds
        clock.pass_s(-600)

    store.create([queued_job()], now=NOW)
    times: dict[str, Any] = {"clock": clock, "monotonic": lambda: passed, "sleep": sleep}
    jobs = Jobs(store, MemoryQueue(clock), Settings(hash_key="test"), **times)
    jobs.wait_for(jobs.get("job_1"), 30, lambda job: job.done)
    assert passed == 30


def test_a_lost_message_is_sent_again_now(store: MemoryStore, queue: MemoryQueue) -> None:
    store.create([queued_job(publish_at=BEFORE)], now=NOW)
    assert sweep(store, queue, lambda: NOW).republished == 1
    assert sweep(store, queue, lambda: at(1)).republished == 0


def test_a_dead_workers_lease_ends_soon_and_a_living_one_may_renew_it(
    store: MemoryStore, queue: MemoryQueue
) -> None:
    job = queued_job(deadline_at=at(10**6))
    limits = {"lease_s": 30, "attempt_limit_s": 500}
    stage = job.stage
    assert stage
    store.create([claim(job, BEFORE, "w1", stage=stage, **limits)], now=NOW)
    assert sweep(store, queue, lambda: NOW).ended == 0
    cut = store.get_job("job_1")
    assert cut
    assert cut.status is Status.RUNNING
    assert cut.lease_expires_at == at(LAST_LEASE_S)
    assert sweep(store, queue, lambda: at(LAST_LEASE_S)).republished == 1
    assert queue.lease([Topic.JOBS], at(10**5), 60)


def test_no_rule_sets_a_moment_that_far_ahead() -> None:
    assert max(REPUBLISH_LONGEST_S, LOOK_EVERY_S, 60 + MAX_ROWS * ROW_PACE_S) < FURTHEST_S
    webhook = announced()
    for _ in RETRY_SCHEDULE_S:
        assert webhook.pending
        now = max(BEFORE, webhook.pending.due_at)
        taken = take_delivery(webhook, now)
        assert taken.pending
        webhook = record_delivery(taken, taken.pending, now, status_code=500, error="500")
        if webhook.notify_at:
            assert webhook.notify_at <= now + timedelta(seconds=FURTHEST_S)


def test_a_look_at_what_has_long_to_wait_is_no_hint(store: MemoryStore, queue: MemoryQueue) -> None:
    webhook = announced()
    assert webhook.pending
    waiting = replace(webhook.pending, tries=5, due_at=at(20_000), hinted_until=None, noted_at=NOW)
    job = queued_job(
        status=Status.FAILED, finished_at=NOW, webhook=replace(webhook, pending=waiting)
    )
    store.create([job], now=NOW)
    for seconds in range(0, 20_000, 600):
        assert sweep(store, queue, lambda: at(seconds)).notified == 0  # noqa: B023
    assert sweep(store, queue, lambda: at(20_000)).notified == 1


def test_an_event_that_an_older_version_stored_is_looked_at_once_and_then_as_others() -> None:
    webhook = announced()
    assert webhook.pending
    older = replace(webhook.pending, due_at=at(50_000), hinted_until=None, noted_at=None)
    looked_at = hinted(replace(webhook, pending=older), NOW)
    assert looked_at.pending
    assert looked_at.pending.hints == 0
    assert looked_at.notify_at == at(LOOK_EVERY_S)
    assert looked_at.pending.due_at == at(50_000)
