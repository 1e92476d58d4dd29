"""What a caller may do with one job and with a batch alike: submit once, look, wait, cancel."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, InitVar, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from versequeue.clock import Clock, utc_now
from versequeue.config import Settings
from versequeue.errors import Gone, IdempotencyKeyReused, NotFound, Unreadable
from versequeue.ids import IdSource, random_id
from versequeue.ports.queue import Queue
from versequeue.ports.store import KeyTaken, Store
from versequeue.rules.batch import Batch, BatchNow
from versequeue.rules.job import Job
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.outlook import WorkerOutlook
from versequeue.rules.push import Push, subscribed
from versequeue.rules.terms import AT_ONCE, Terms, deadline_at, next_look_at, ready_by
from versequeue.rules.transitions import REPUBLISH_FIRST_S, note
from versequeue.rules.webhook import Webhook
from versequeue.service.hints import hint_at_jobs
from versequeue.service.idempotency import first_answer, record_for, same_request
from versequeue.service.limits import NO_LIMIT, Allowance, Bill
from versequeue.service.seats import Seats

#: What a caller is told of: a job, or a batch with the counts of its rows.
Found = TypeVar("Found", Job, BatchNow)
Stored = TypeVar("Stored", Job, Batch)
#: A wait looks again no sooner than this, however often progress is written.
SHORTEST_PAUSE_S = 0.1


@dataclass(frozen=True)
class Submission:
    """Who asks for songs, under which key, and what is attached to the request."""

    client: str = ""
    metadata: dict[str, str] | None = None
    webhook: Webhook | None = None
    push: Push | None = None
    terms: Terms = AT_ONCE
    #: value of the Idempotency-Key header
    key: str | None = None
    #: see `Job`
    own_options: dict[str, Any] | None = None
    #: everything that was asked for: what comes with the same key must be the same
    body: bytes = b""


@dataclass(frozen=True)
class Accepted(Generic[Found]):
    """What a submission made, or what it had made before (`replayed`)."""

    found: Found
    replayed: bool = False
    allowance: Allowance = NO_LIMIT


@dataclass(eq=False)
class CallersSide(ABC, Generic[Found]):
    """One instance serves any number of threads if its store and queue do."""

    #: "job" or "batch", for messages to a caller
    noun: ClassVar[str]
    store: Store
    queue: Queue
    settings: Settings
    _: KW_ONLY
    clock: Clock = utc_now
    new_id: IdSource = random_id
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    shared_seats: InitVar[Seats | None] = None

    def __post_init__(self, shared_seats: Seats | None) -> None:
        #: what a request takes before it waits
        self.seats = shared_seats or Seats(self.settings.waiters)

    @abstractmethod
    def get(self, found_id: str) -> Found:
        """The job or batch as it is now. Raises NotFound, or Gone past its retention."""

    def cancel(self, found_id: str) -> Found:
        """Cancel what has not ended, and return it as it is then; safe to repeat."""
        self.get(found_id)
        return self._cancel(found_id, self.clock())

    def subscribe(self, found_id: str, push: Push) -> Found:
        """Have a browser told of the end, and return what it is told of; safe to repeat.

        What has ended is returned as it is. Counts as one request of the client that asked for it.
        Raises PushTaken if another browser has asked before, and RateLimited.
        """
        now = self.clock()

        def with_push(stored: Stored) -> Stored:
            if stored.finished_at:
                return stored
            told = subscribed(stored.push, push)
            return stored if told is stored.push else replace(stored, push=told)

        stored = self._stored(found_id)
        if with_push(stored) is not stored:  # else it costs nothing
            bill = Bill(self.store, self.settings, stored.client, now)
            if charges := bill.charges(songs=0, requests=1):
                self.store.create([], charges=charges, now=now)
            self._change(found_id, with_push)
        return self.get(found_id)

    def accepted_before(self, submission: Submission) -> Found | None:
        """What this very request made, if it was accepted under its key before; else None."""
        if submission.key is None:
            return None
        now = self.clock()
        asked = record_for(submission.client, submission.key, submission.body, "", now)
        with suppress(IdempotencyKeyReused):
            if earlier := first_answer(self.store, asked):
                return self.get(earlier)
        return None

    def wait_for(self, seen: Found, wait_s: float, changed: Callable[[Found], bool]) -> Found:
        """What `seen` has become as soon as `changed` says so of it, else after `wait_s`."""
        end = self.monotonic() + wait_s
        pause_s = max(SHORTEST_PAUSE_S, self.settings.progress_interval_s)
        while not changed(seen) and (left_s := end - self.monotonic()) > 0:
            self.sleep(min(pause_s, left_s))
            seen = self.get(seen.id)
        return seen

    def in_hand(self, outlook: WorkerOutlook) -> list[Job]:
        """The jobs of the latest pass as they are now, as far as they can be read."""
        found = []
        for job_id in outlook.pass_spans:
            with suppress(Unreadable):
                found.append(self.store.get_job(job_id))
        return [job for job in found if job]

    @abstractmethod
    def _cancel(self, found_id: str, now: datetime) -> Found: ...

    @abstractmethod
    def _stored(self, found_id: str) -> Any:
        """The job or the batch itself. Raises NotFound, or Gone past its retention."""

    @abstractmethod
    def _change(self, found_id: str, change: Callable[[Any], Any]) -> None:
        """Store what `change` makes of it."""

    def _submit(
        self,
        submission: Submission,
        made: Found,
        jobs: Sequence[Job],
        now: datetime,
        batch: Batch | None = None,
    ) -> Accepted[Found]:
        # Written all at once and then published; it is kept even if publishing fails.
        record = None
        if submission.key is not None:
            record = record_for(submission.client, submission.key, submission.body, made.id, now)
            if earlier := first_answer(self.store, record):
                return Accepted(self.get(earlier), replayed=True)
        bill = Bill(self.store, self.settings, submission.client, now)
        charges = bill.charges(songs=len(jobs), requests=len(jobs))
        try:
            self.store.create(jobs, batch=batch, record=record, charges=charges, now=now)
        except KeyTaken as taken:
            if record is None:
                raise
            return Accepted(self.get(same_request(taken.record, record)), replayed=True)
        # Later ones are for the sweep: until it lets go of them no worker is woken.
        hint_at_jobs(self.queue, [job for job in jobs if not job.held])
        return Accepted(made, allowance=bill.allowance)

    def _new_job(
        self,
        prompt: str,
        options: ResolvedOptions,
        given: tuple[str | None, ...],
        submission: Submission,
        now: datetime,
    ) -> Job:
        """A queued job that is nowhere stored yet."""
        terms, limit_s = submission.terms, self.settings.deadline_s
        later_by = ready_by(terms, now, limit_s)
        job = Job(
            id=self.new_id("job_"),
            prompt=prompt,
            options=options,
            created_at=now,
            expires_at=self._expires_at(now),
            deadline_at=deadline_at(terms, now, limit_s),
            publish_at=now + timedelta(seconds=REPUBLISH_FIRST_S),
            max_attempts=self.settings.max_attempts,
            client=submission.client,
            metadata=submission.metadata or {},
            own_options=submission.own_options,
            given=given,
            webhook=submission.webhook,
            push=submission.push,
            when=terms.when,
            ready_by=later_by,
            held=later_by is not None,
        )
        if job.held:
            job = replace(job, publish_at=next_look_at(job.begins_by, now))
        return note(job, now, "queued")

    def _expires_at(self, now: datetime) -> datetime:
        return now + timedelta(days=self.settings.retention_days)

    def _live(self, found: Stored | None) -> Stored:
        if found is None:
            raise NotFound(f"There is no {self.noun} with this id.")
        if self.clock() >= found.expires_at:
            raise Gone()
        return found
