"""The store and the queue in memory: one thread, no clock of their own, every order the same.

For simulations and for tests of the rules; the contract suites hold them to what SQLite does.
"""

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.support.inspected_queue import DeadLetter
from versequeue.backends.document_store import furthest
from versequeue.backends.sqlite_queue import (
    BACKOFF_FIRST_S,
    LOOKED_PAST,
    MAX_DELIVERIES,
    Fit,
    Fits,
    LeasedMessage,
    backoff_s,
)
from versequeue.ports.queue import Message, Topic
from versequeue.ports.store import (
    BatchChange,
    IdempotencyRecord,
    JobChange,
    KeyTaken,
    Place,
    State,
    TallyChange,
)
from versequeue.rules.batch import Batch, unfinished
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally

D = TypeVar("D", Job, Batch)


class MemoryStore:
    """`versequeue.ports.store.Store` in dictionaries."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.batches: dict[str, Batch] = {}
        self.records: dict[str, IdempotencyRecord] = {}
        self.states: dict[str, State] = {}
        self.tallies: dict[str, Tally] = {}

    def create(
        self,
        jobs: Sequence[Job],
        *,
        batch: Batch | None = None,
        record: IdempotencyRecord | None = None,
        joined: tuple[str, BatchChange] | None = None,
        charges: Mapping[str, TallyChange] | None = None,
        now: datetime,
    ) -> None:
        known = self.records.get(record.key) if record else None
        if known and known.expires_at > now:
            raise KeyTaken(known)
        charged = {key: charge(self.tallies.get(key)) for key, charge in (charges or {}).items()}
        if joined:
            self.update_batch(*joined)
        self.tallies |= charged
        if record:
            self.records[record.key] = record
        if batch:
            self.batches[batch.id] = batch
        self.jobs.update({job.id: job for job in jobs})

    def get_job(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    def update_job(self, job_id: str, change: JobChange) -> Job | None:
        return _update(self.jobs, job_id, change)

    def update_jobs(self, changes: Mapping[str, JobChange]) -> Mapping[str, Job | None]:
        return {job_id: self.update_job(job_id, change) for job_id, change in changes.items()}

    def get_batch(self, batch_id: str) -> Batch | None:
        return self.batches.get(batch_id)

    def update_batch(self, batch_id: str, change: BatchChange) -> Batch | None:
        return _update(self.batches, batch_id, change)

    def batch_jobs(
        self,
        batch_id: str,
        *,
        after: int = -1,
        limit: int = 100,
        readable_only: bool = False,
    ) -> list[Job]:
        jobs = [job for job in self.jobs.values() if job.batch_id == batch_id]
        behind = [job for job in jobs if job.position > after]
        return sorted(behind, key=lambda job: job.position)[:limit]

    def ended_jobs(self, batch_id: str, since: datetime) -> list[Job]:
        ended = [
            (job.finished_at, job)
            for job in self.batch_jobs(batch_id, limit=len(self.jobs))
            if job.finished_at and job.finished_at >= since
        ]
        return [job for _, job in sorted(ended, key=lambda pair: pair[0])]

    def batch_counts(self, batch_id: str) -> Mapping[Status, int]:
        return Counter(job.status for job in self.jobs.values() if job.batch_id == batch_id)

    def batch_unfinished(self, batch_id: str) -> int:
        return unfinished(self.batch_counts(batch_id))

    def batch_worker_s(self, batch_id: str) -> float:
        jobs = [job for job in self.jobs.values() if job.batch_id == batch_id]
        return sum(job.metrics.worker_s or 0.0 for job in jobs)

    def get_record(self, key: str) -> IdempotencyRecord | None:
        return self.records.get(key)

    def due_jobs(self, now: datetime, limit: int = 500) -> list[Job]:
        return _due(self.jobs, "due_at", now, limit)

    def due_batches(self, now: datetime, limit: int = 100) -> list[Batch]:
        return _due(self.batches, "due_at", now, limit)

    def jobs_to_notify(self, now: datetime, limit: int = 500) -> list[Job]:
        return _due(self.jobs, "notify_at", now, limit)

    def batches_to_notify(self, now: datetime, limit: int = 100) -> list[Batch]:
        return _due(self.batches, "notify_at", now, limit)

    def delete_expired(self, now: datetime, limit: int = 500) -> int:
        deleted = 0
        tables: tuple[dict[str, Any], ...] = (self.jobs, self.batches, self.records, self.tallies)
        for documents in tables:
            gone = [key for key, value in documents.items() if value.expires_at <= now]
            for key in gone[: limit - deleted]:
                del documents[key]
                deleted += 1
        return deleted

    def count_queued(self, before: datetime | None = None, *, singles: bool = False) -> int:
        queued = [job for job in self.jobs.values() if _is_queued(job)]
        queued = [job for job in queued if not singles or not job.in_bulk]
        return sum(1 for job in queued if before is None or job.created_at < before)

    def queued_jobs(self, before: datetime, limit: int) -> list[Job]:
        queued = [job for job in self.jobs.values() if _is_queued(job)]
        singles = [job for job in queued if not job.in_bulk and job.created_at < before]
        return sorted(singles, key=lambda job: job.created_at)[:limit]

    def count_running(self) -> int:
        return len(self.oldest_jobs(Status.RUNNING, len(self.jobs)))

    def oldest_jobs(self, status: Status, limit: int) -> list[Job]:
        found = [job for job in self.jobs.values() if job.status is status and not job.is_held]
        return sorted(found, key=lambda job: job.created_at)[:limit]

    def newest_jobs(self, client: str | None, before: Place | None, limit: int) -> list[Job]:
        end = (before.created_at, before.job_id) if before else None
        found = [
            job
            for job in self.jobs.values()
            if client in (None, job.client) and (end is None or (job.created_at, job.id) < end)
        ]
        return sorted(found, key=lambda job: (job.created_at, job.id), reverse=True)[:limit]

    def held_jobs(self, limit: int) -> list[Job]:
        held = [job for job in self.jobs.values() if job.is_held]
        return sorted(held, key=lambda job: job.created_at)[:limit]

    def count_created(self, since: datetime) -> int:
        return sum(1 for job in self.jobs.values() if job.created_at >= since)

    def get_state(self, name: str) -> State:
        return copy.deepcopy(self.states.get(name, {}))

    def update_state(self, name: str, change: Callable[[State], State]) -> State:
        state = self.get_state(name)
        changed = change(state)
        if changed is not state:
            self.states[name] = copy.deepcopy(changed)
        return changed

    def close(self) -> None:
        """Nothing to let go of."""


def _is_queued(job: Job) -> bool:
    return job.status is Status.QUEUED and not job.is_held


def _update(documents: dict[str, D], key: str, change: Callable[[D], D]) -> D | None:
    if key not in documents:
        return None
    documents[key] = change(documents[key])
    return documents[key]


def _due(documents: dict[str, D], field: str, now: datetime, limit: int) -> list[D]:
    moments = [(getattr(value, field), value) for value in documents.values()]
    ahead = furthest(now)
    overdue = [pair for pair in moments if pair[0] and (pair[0] <= now or pair[0] > ahead)]
    return [value for _, value in sorted(overdue, key=lambda pair: pair[0])[:limit]]


@dataclass(frozen=True)
class _Stored:
    delivery: LeasedMessage
    due_at: datetime


class MemoryQueue:
    """`versequeue.ports.queue.Queue` and the delivering side of `SqliteQueue`, in a dictionary."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        max_deliveries: int = MAX_DELIVERIES,
        backoff_first_s: float = BACKOFF_FIRST_S,
    ) -> None:
        self._clock = clock
        self._max_deliveries = max_deliveries
        self._backoff_first_s = backoff_first_s
        self._last_id = 0
        self._messages: dict[int, _Stored] = {}
        self._dead: dict[int, DeadLetter] = {}

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        now = self._clock()
        for message in messages:
            self._last_id += 1
            copied = json.loads(json.dumps(dict(message)))
            delivery = LeasedMessage(self._last_id, topic, copied, now, 0)
            self._messages[self._last_id] = _Stored(delivery, now)

    def lease(
        self, topics: Sequence[Topic], now: datetime, ack_deadline_s: float
    ) -> LeasedMessage | None:
        taken = self.lease_together(topics, now, ack_deadline_s, lambda _taken, _next: Fit.ENDS)
        return taken[0] if taken else None

    def lease_together(
        self, topics: Sequence[Topic], now: datetime, ack_deadline_s: float, fits: Fits
    ) -> list[LeasedMessage]:
        until = now + timedelta(seconds=ack_deadline_s)
        for topic in topics:
            taken: list[LeasedMessage] = []
            past = 0
            while past <= LOOKED_PAST:
                found = self._next_due(topic, now, past)
                fit = fits(taken, found) if taken and found else Fit.JOINS
                if found is None or fit is Fit.ENDS:
                    break
                if fit is Fit.WAITS:
                    past += 1
                    continue
                self._messages[found.id] = _Stored(found, until)
                taken.append(found)
            if taken:
                return taken
        return []

    def ack(self, delivery: LeasedMessage) -> bool:
        if not self._holds(delivery):
            return False
        del self._messages[delivery.id]
        return True

    def ack_all(self, deliveries: Sequence[LeasedMessage]) -> int:
        return sum(self.ack(delivery) for delivery in deliveries)

    def nack(self, delivery: LeasedMessage, now: datetime, *, delay_s: float | None = None) -> bool:
        if not self._holds(delivery):
            return False
        if delivery.number >= self._max_deliveries:
            self._bury(delivery, now)
            return True
        if delay_s is None:
            delay_s = backoff_s(delivery.number, self._backoff_first_s)
        self._messages[delivery.id] = _Stored(delivery, now + timedelta(seconds=delay_s))
        return True

    def nack_all(
        self, deliveries: Sequence[LeasedMessage], now: datetime, *, delay_s: float | None = None
    ) -> int:
        return sum(self.nack(delivery, now, delay_s=delay_s) for delivery in deliveries)

    def depth(self, topic: Topic) -> int:
        return len(self._of([topic]))

    def next_due_at(self, topics: Sequence[Topic]) -> datetime | None:
        return min((stored.due_at for stored in self._of(topics)), default=None)

    def dead_letters(self) -> list[DeadLetter]:
        letters = sorted(self._dead.values(), key=lambda letter: (letter.died_at, letter.id))
        return letters[::-1]

    def close(self) -> None:
        """Nothing to let go of."""

    def _next_due(self, topic: Topic, now: datetime, past: int) -> LeasedMessage | None:
        due = [stored for stored in self._of([topic]) if stored.due_at <= now]
        for stored in sorted(due, key=lambda stored: (stored.due_at, stored.delivery.id))[past:]:
            if stored.delivery.number < self._max_deliveries:
                return replace(stored.delivery, number=stored.delivery.number + 1)
            self._bury(stored.delivery, now)
        return None

    def _of(self, topics: Sequence[Topic]) -> list[_Stored]:
        return [stored for stored in self._messages.values() if stored.delivery.topic in topics]

    def _holds(self, delivery: LeasedMessage) -> bool:
        stored = self._messages.get(delivery.id)
        return stored is not None and stored.delivery.number == delivery.number

    def _bury(self, delivery: LeasedMessage, now: datetime) -> None:
        del self._messages[delivery.id]
        self._dead[delivery.id] = DeadLetter(
            delivery.id,
            delivery.topic,
            delivery.message,
            delivery.published_at,
            now,
            delivery.number,
        )
