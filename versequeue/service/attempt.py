"""A claimed job: what its worker reports of it, and how it ends."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from versequeue.clock import Clock
from versequeue.config import Settings
from versequeue.errors import NotAllowed, StoreUnavailable, VerseQueueError
from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.rules import transitions as rules
from versequeue.rules.batch import ROW_INTERVALS
from versequeue.rules.job import Job, Metrics, Stage, Status
from versequeue.service.endings import follow_up
from versequeue.service.estimates import FirstLines

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Attempt:
    """One claimed job in the hands of its worker: of the thread that writes, and of its heartbeat.

    Each write passes the fence of `rules.transitions`: one that was given up on changes nothing.
    """

    job: Job
    store: Store
    queue: Queue
    settings: Settings
    clock: Clock
    #: is told of a job that has succeeded, and of its first lines
    on_song: Callable[[Job, FirstLines | None], None]
    #: is told of a job that has ended in whatever way
    on_end: Callable[[Job], None]
    #: the job was taken away or has ended: nothing that is written now counts
    over: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._written_at = self.clock()
        #: when lines were first to be had, and how many
        self._first: tuple[datetime, int] | None = None
        self._lock = threading.Lock()

    def beat(self) -> None:
        """Renew the lease, with nothing new to say, unless that was done a moment ago."""
        with self._lock:
            if not self._reported_within(self.settings.lease_s / 3):
                self._renew()

    def lines(self, lines: Sequence[str]) -> bool:
        """Show the lines so far, at most once per interval; False: stop writing this job."""
        with self._lock:
            self._first = self._first or (self.clock(), len(lines))
            if not self._reported_within(self._interval_s()):
                self._renew(tuple(lines), Stage.WRITING)
            return not self.over and not self.cancel_requested

    def succeed(self, output: dict[str, Any], metrics: Metrics) -> None:
        """Store the song, and what it took. Raises StoreUnavailable."""
        self._end(lambda job, now: rules.succeed(job, self.job.attempt, now, output, metrics))
        if self.job.status is Status.SUCCEEDED:
            self.on_song(self.job, self._first_lines())

    def fail(self, error: VerseQueueError, *, retry: bool) -> None:
        """This attempt went wrong. Raises StoreUnavailable."""
        self._end(lambda job, now: rules.give_up(job, self.job.attempt, now, error, retry=retry))

    def put_off(self, error: VerseQueueError) -> None:
        """Nobody could have done it just now: it is tried again later. Raises StoreUnavailable."""
        self._end(lambda job, now: rules.put_off(job, self.job.attempt, now, error))

    def hand_back(self, reason: str) -> None:
        """The worker must stop: the job is for the next one. Raises StoreUnavailable."""
        self._end(lambda job, now: rules.hand_back(job, self.job.attempt, now, reason))

    def cancel(self) -> None:
        """Stop for the cancel request that `lines` reported. Raises StoreUnavailable."""
        self._end(lambda job, now: rules.end_canceled(job, self.job.attempt, now))

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked to cancel, as far as the last write saw."""
        return self.job.cancel_requested_at is not None

    def _first_lines(self) -> FirstLines | None:
        if self._first is None:
            return None
        at, count = self._first
        return FirstLines(count, (self.clock() - at).total_seconds())

    def _interval_s(self) -> float:
        unwatched = self.job.batch_id or self.job.when == "later"
        return self.settings.progress_interval_s * (ROW_INTERVALS if unwatched else 1)

    def _reported_within(self, seconds: float) -> bool:
        # A clock that was set back says nothing of how long ago that was.
        waited_s = (self.clock() - self._written_at).total_seconds()
        return self.over or 0 <= waited_s < seconds

    def _renew(self, lines: tuple[str, ...] | None = None, stage: Stage | None = None) -> None:
        """Write `lines` and `stage`, where they are given; what is stored of them else stays."""
        lease_s = self.settings.lease_s

        def change(job: Job, now: datetime) -> Job:
            shown = job.preview if lines is None else lines
            at = stage or job.stage or Stage.WRITING
            return rules.renew(job, self.job.attempt, now, lease_s=lease_s, lines=shown, stage=at)

        try:
            self._write(change)
        except StoreUnavailable as error:
            log.warning("progress not stored: %s", error, extra=labels(self.job))
        else:
            self._written_at = self.clock()

    def _end(self, change: Callable[[Job, datetime], Job]) -> None:
        with self._lock:
            if self.over:
                return
            job = self._write(change)
            self.over = True
        if job:
            log.info("attempt ended: %s", job.status, extra=labels(job))
            if job.done:
                self.on_end(job)
                follow_up(self.store, self.queue, job, self.clock())

    def _write(self, change: Callable[[Job, datetime], Job]) -> Job | None:
        # The clock is read inside the transaction: a worker that was paused before it must find
        # its lease lapsed.
        try:
            job = self.store.update_job(self.job.id, lambda job: change(job, self.clock()))
        except NotAllowed as error:
            log.warning("gave up: %s", error, extra=labels(self.job))
            job = None
        self.over = self.over or job is None
        self.job = job or self.job
        return job


def labels(job: Job) -> dict[str, Any]:
    """What a log line about a job is found by."""
    return {"job_id": job.id, "attempt": job.attempt, "batch_id": job.batch_id}
