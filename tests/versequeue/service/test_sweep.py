"""The tick that repairs: nobody is kept waiting by others, and nothing odd stops it."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from tests.support.memory import MemoryQueue, MemoryStore
from tests.support.samples import NOW, at, batch_of, queued_job
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.errors import StoreUnavailable
from versequeue.ports.queue import Message, Topic
from versequeue.ports.store import Store
from versequeue.rules import transitions
from versequeue.rules.job import Job, Status
from versequeue.rules.webhook import Pending, Webhook
from versequeue.service import sweep as module
from versequeue.service.sweep import SweepReport, sweep

LATER = at(100)


class NewerStage(StrEnum):
    """What a later version may know."""

    REHEARSING = "rehearsing"


class Clocks:
    """A tick's monotonic clock, which goes on by one each time that it is asked."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


def with_due_webhook(number: int) -> Job:
    hook = Webhook("https://example.org", pending=Pending("job.failed", f"m{number}", 0, at(1)))
    return queued_job(f"job_{number}", status=Status.FAILED, finished_at=at(1), webhook=hook)


def lost(number: int, **fields: Any) -> Job:
    return queued_job(f"job_lost_{number:03}", publish_at=at(50 + number / 1000), **fields)


def swept(store: Store, queue: MemoryQueue, seconds: float = 100, **more: Any) -> SweepReport:
    return sweep(store, queue, lambda: at(seconds), **more)


def taken(queue: MemoryQueue, topic: Topic) -> list[Message]:
    found: list[Message] = []
    while delivery := queue.lease([topic], at(10**6), 600):
        queue.ack(delivery)
        found.append(delivery.message)
    return found


def test_a_thousand_due_webhooks_do_not_keep_a_lost_job_waiting() -> None:
    store, queue = MemoryStore(), MemoryQueue(lambda: LATER)
    running = queued_job("job_dead", status=Status.RUNNING, attempt=1, lease_expires_at=at(60))
    store.create([with_due_webhook(n) for n in range(1000)], now=NOW)
    store.create([lost(0), running], now=NOW)
    store.create([], batch=batch_of(check_at=at(2)), now=NOW)
    # Time for one turn of everything and no more.
    report = swept(store, queue, monotonic=Clocks(), tick_s=6)
    assert report.republished == 2
    assert [message["job_ids"] for message in taken(queue, Topic.JOBS)] == [
        ["job_lost_000"],
        ["job_dead"],
    ]
    batch = store.get_batch("batch_1")
    assert batch
    assert batch.finished_at == LATER
    assert 0 < report.notified < 1000


def test_a_tick_goes_on_until_nothing_is_due() -> None:
    store, queue = MemoryStore(), MemoryQueue(lambda: LATER)
    store.create([with_due_webhook(n) for n in range(120)], now=NOW)
    store.create([lost(n) for n in range(120)], now=NOW)
    for n in range(25):
        store.create([], batch=batch_of(f"batch_{n}", check_at=at(2)), now=NOW)
    report = swept(store, queue)
    assert (report.republished, report.notified) == (120, 120)
    assert all(batch.finished_at for batch in store.batches.values())
    assert store.due_jobs(LATER) == []


def test_a_webhook_that_is_on_its_way_is_not_hinted_at_again_and_a_lost_hint_is() -> None:
    store, queue = MemoryStore(), MemoryQueue(lambda: LATER)
    store.create([with_due_webhook(0)], now=NOW)
    hints = []
    for tick in range(60):  # five minutes of ticks, and nobody sends
        swept(store, queue, 100 + 5 * tick)
        hints += [tick * 5 for _ in taken(queue, Topic.NOTIFY)]
    assert hints == [0, 60, 180]


class Watched(MemoryQueue):
    """Says what was stored when something was published."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(lambda: LATER)
        self._store = store
        self.stored_first: list[int] = []

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        changed = sum(job.publishes > 1 for job in self._store.jobs.values())
        self.stored_first.append(changed - self.published)
        super().publish(topic, messages)

    @property
    def published(self) -> int:
        return self.depth(Topic.JOBS)


def test_what_is_published_again_is_stored_and_sent_in_small_portions() -> None:
    store = MemoryStore()
    queue = Watched(store)
    store.create([lost(n) for n in range(120)], now=NOW)
    swept(store, queue)
    # A crash between the two would have lost so many hints, and not all of them.
    assert queue.stored_first == [50, 50, 20]
    assert queue.published == 120


def test_a_row_that_was_tried_before_is_published_alone() -> None:
    store, queue = MemoryStore(), MemoryQueue(lambda: LATER)
    rows = [lost(n, batch_id="batch_1", position=n) for n in range(10)]
    store.create([replace(rows[3], attempt=1), *rows[:3], *rows[4:]], now=NOW)
    swept(store, queue)
    messages = taken(queue, Topic.BULK)
    assert [len(message["job_ids"]) for message in messages] == [8, 1, 1]
    assert {"job_ids": [rows[3].id], "again": True} in messages


def test_a_job_that_cannot_be_repaired_is_left_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, queue = MemoryStore(), MemoryQueue(lambda: LATER)
    odd = {lost(n).id for n in range(module.JOBS_A_TURN + 5)}
    store.create([lost(n) for n in range(len(odd) + 5)], now=NOW)
    settle = transitions.settle

    def settle_most(job: Job, now: Any) -> Job:
        if job.id in odd:
            raise ValueError("a state that nobody thought of")
        return settle(job, now)

    monkeypatch.setattr(module, "settle", settle_most)
    report = swept(store, queue)
    assert report.republished == 5
    assert report.failed >= len(odd)
    assert "job_lost_000: cannot be repaired" in caplog.text


def test_rows_of_a_newer_version_do_not_stop_the_tick(tmp_path: Path) -> None:
    store, queue = SqliteStore(tmp_path / "store.sqlite3"), MemoryQueue(lambda: LATER)
    newer: Any = NewerStage.REHEARSING
    store.create([lost(n, stage=newer) for n in range(60)], now=NOW)
    store.create([lost(99)], now=NOW)
    assert swept(store, queue).republished == 1
    store.close()


class Failing(MemoryStore):
    """Cannot be reached for a while, in the middle of things."""

    failures = 0

    def update_jobs(self, changes: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("It is away.")
        return super().update_jobs(changes)


def test_a_store_that_stays_away_ends_the_tick_and_one_that_stumbles_does_not() -> None:
    store, queue = Failing(), MemoryQueue(lambda: LATER)
    store.create([lost(n) for n in range(5)], now=NOW)
    store.failures = 2
    assert swept(store, queue).republished == 4
    assert swept(store, queue).republished == 1
    store.create([lost(n) for n in range(5, 10)], now=NOW)
    store.failures = 100
    with pytest.raises(StoreUnavailable):
        swept(store, queue)


def test_a_tick_is_over_when_its_time_is() -> None:
    store, queue = MemoryStore(), MemoryQueue(lambda: LATER)
    store.create([lost(n) for n in range(500)], now=NOW)
    clock = Clocks()
    swept(store, queue, monotonic=clock, tick_s=8)
    assert clock.seconds < 20
    assert 50 <= queue.depth(Topic.JOBS) < 500


def started_meanwhile(store: MemoryStore, batch_id: str) -> Any:
    """A retry comes between the count of a batch's jobs and its end."""
    count = store.batch_unfinished
    asked: Sequence[int] = []

    def unfinished(name: str) -> int:
        found = count(name)
        asked.append(1)  # type: ignore[attr-defined]
        if len(asked) == 2:
            store.create(
                [queued_job("job_new", batch_id=batch_id)],
                joined=(batch_id, lambda batch: replace(batch, round=1)),
                now=NOW,
            )
        return found

    return unfinished


def test_a_batch_whose_retry_begins_while_it_is_counted_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, queue = MemoryStore(), MemoryQueue(lambda: LATER)
    failed = queued_job("job_1", batch_id="batch_1", status=Status.FAILED)
    store.create([failed], batch=batch_of(check_at=at(2), total=1), now=NOW)
    monkeypatch.setattr(store, "batch_unfinished", started_meanwhile(store, "batch_1"))
    swept(store, queue)
    batch = store.get_batch("batch_1")
    assert batch
    assert (batch.round, batch.finished_at) == (1, None)
