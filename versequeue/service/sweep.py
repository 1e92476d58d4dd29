"""The tick that repairs: lost messages, dead workers, jobs past their time, due webhooks, expiry.

It also lets go of later jobs.

Each repair is one transaction that checks again what it found; two sweeps at once repair once.
The kinds of work take turns, a portion each, until nothing is due or the tick's time is over: no
number of due webhooks keeps a lost job waiting. What cannot be repaired is logged and left.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from versequeue.clock import Clock, utc_now
from versequeue.errors import StoreUnavailable
from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.rules import later, totals
from versequeue.rules.batch import Batch, next_check_at
from versequeue.rules.channels import Channel, change_told, is_due, target_of
from versequeue.rules.job import Job, Status
from versequeue.rules.transitions import counts_as_lost, republish, settle
from versequeue.rules.webhook import hinted
from versequeue.service.endings import finish_batch, note_totals, tell_progress, totals_of
from versequeue.service.hints import hint_at_events, hint_at_jobs, hint_at_targets
from versequeue.service.rows import cancel_rows

log = logging.getLogger(__name__)
T = TypeVar("T", Job, Batch)
#: Nothing new is begun after so long: the next tick is due.
TICK_S = 45.0
#: How much of one kind is done in one turn: stored in one transaction where the store can, then
#: published, so that a crash between the two leaves few messages to the next tick.
JOBS_A_TURN, BATCHES_A_TURN, DELETED_A_TURN = 50, 10, 500
#: Later jobs that are looked at together: eight full passes.
HELD_A_TURN = 64
#: After so many failures one after the other the store counts as away.
MOST_FAILURES = 3


@dataclass
class SweepReport:
    """What one tick did."""

    republished: int = 0
    #: later jobs whose pass is full or whose time has come
    released: int = 0
    ended: int = 0
    notified: int = 0
    deleted: int = 0
    #: what could not be repaired, and is left to the next tick
    failed: int = 0

    def counts(self) -> dict[str, int]:
        """The figures, for the log and the answer."""
        return dict(vars(self))


def sweep(
    store: Store,
    queue: Queue,
    clock: Clock = utc_now,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    tick_s: float = TICK_S,
) -> SweepReport:
    """Repair what is due now, for `tick_s` at most; safe at any time. Raises StoreUnavailable."""
    tick = _Tick(store, queue, clock(), monotonic)
    end = monotonic() + tick_s
    turns = [tick.release_jobs, tick.repair_jobs, tick.check_batches]
    turns += [tick.notify_of_jobs, tick.notify_of_batches, tick.delete]
    while turns:
        # In turn, and whoever found nothing is done.
        turns = [turn for turn in turns if monotonic() < end and turn()]
    counts = tick.report.counts()
    log.info("swept: %s", counts)
    note_totals(store, totals.plus(totals.of_repairs(counts), tick.ends), tick.now)
    return tick.report


@dataclass
class _Tick:
    store: Store
    queue: Queue
    now: datetime
    monotonic: Callable[[], float]
    report: SweepReport = field(default_factory=SweepReport)
    #: by kind: what this tick has seen, and what was due again, so that it cannot be repaired
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stuck: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    failures: int = 0
    #: what the jobs that it ended add to the totals
    ends: totals.Totals = field(default_factory=dict)

    def repair_jobs(self) -> bool:
        """Give each job back to the queue, or end it; whether there were any."""
        return self._each_portion("jobs", self.store.due_jobs, self._repair)

    def release_jobs(self) -> bool:
        """Have later jobs written that fill a pass, or whose time has come; whether there were any.

        Their messages go out here alone: until then no worker is woken for them.
        """
        passes = later.due_passes(self.store.held_jobs(HELD_A_TURN), self.now)
        done = 0
        for songs in passes:
            done += self._guarded(partial(self._release, songs), f"{len(songs)} later jobs")
        # What could not be released would be found again and again.
        return done > 0

    def notify_of_jobs(self) -> bool:
        """Hint at the webhooks of jobs; whether there were any."""
        return self._each_portion("ended jobs", self.store.jobs_to_notify, self._notify)

    def check_batches(self) -> bool:
        """See whether batches have ended; whether there were any."""
        found = self._new("batches", self.store.due_batches, BATCHES_A_TURN)
        for batch in found:
            self._guarded(partial(self._check_batch, batch), batch.id)
        return bool(found)

    def notify_of_batches(self) -> bool:
        """Hint at the webhooks of batches; whether there were any."""
        found = self._new("ended batches", self.store.batches_to_notify, BATCHES_A_TURN)
        for batch in found:
            self._guarded(partial(self._notify_of_batch, batch), batch.id)
        return bool(found)

    def delete(self) -> bool:
        """Delete what is past its retention; whether there was any."""
        deleted = self.store.delete_expired(self.now, DELETED_A_TURN)
        self.report.deleted += deleted
        return deleted > 0

    def _new(self, kind: str, search: Callable[[datetime, int], list[T]], limit: int) -> list[T]:
        # What is stuck stays the most overdue: it must not fill the page.
        seen, stuck = self.seen[kind], self.stuck[kind]
        while True:
            asked = limit + len(stuck)
            found = search(self.now, asked)
            new = [one for one in found if one.id not in seen]
            stuck.update(one.id for one in found if one.id in seen)
            seen.update(one.id for one in new)
            if new or len(found) < asked:
                return new

    def _each_portion(
        self,
        kind: str,
        search: Callable[[datetime, int], list[Job]],
        repair: Callable[[Sequence[Job]], None],
    ) -> bool:
        found = self._new(kind, search, JOBS_A_TURN)
        if found and not self._guarded(partial(repair, found), f"{len(found)} {kind}"):
            # One of them may be to blame: the others are not to suffer for it.
            for job in found:
                self._guarded(partial(repair, [job]), job.id)
        return bool(found)

    def _guarded(self, repair: Callable[[], object], what: str) -> bool:
        try:
            repair()
        except StoreUnavailable as error:
            self.failures += 1
            if self.failures >= MOST_FAILURES:
                raise
            log.warning("%s: left to the next tick: %s", what, error)
        except Exception:
            log.exception("%s: cannot be repaired, and is left", what)
        else:
            self.failures = 0
            return True
        self.report.failed += 1
        return False

    def _repair(self, found: Sequence[Job]) -> None:
        sent: dict[str, Job] = {}
        ended: dict[str, Job] = {}

        def change(job: Job) -> Job:
            sent.pop(job.id, None)
            ended.pop(job.id, None)
            settled = settle(job, self.now)
            if settled.status is Status.QUEUED and counts_as_lost(settled, self.now):
                held = settled.held
                settled = (later.look_at if held else republish)(settled, self.now)
                if not settled.held:
                    sent[job.id] = settled
            elif settled.done and not job.done:
                ended[job.id] = settled
            return settled

        try:
            self.store.update_jobs({job.id: change for job in found})
        finally:
            # Also if only some of it was stored: a hint too many does nothing.
            self.report.republished += hint_at_jobs(self.queue, list(sent.values()))
        self.report.ended += len(ended)
        self.ends = totals.plus(self.ends, totals_of(ended.values()))
        hint_at_events(self.queue, list(ended.values()))
        for batch_id in dict.fromkeys(job.batch_id for job in ended.values()):
            if batch_id:
                end = partial(finish_batch, self.store, self.queue, batch_id, self.now)
                self._guarded(end, batch_id)

    def _release(self, songs: Sequence[Job]) -> None:
        come = any(later.has_come(job, self.now) for job in songs)
        why = later.TIME_HAS_COME if come else later.PASS_IS_FULL
        changes = {job.id: partial(later.release, now=self.now, why=why) for job in songs}
        released = self.store.update_jobs(changes)
        queued = [job for job in released.values() if job and job.status is Status.QUEUED]
        sent = [job for job in queued if not job.held]
        self.report.released += hint_at_jobs(self.queue, sent)

    def _notify(self, found: Sequence[Job]) -> None:
        due: dict[str, list[str]] = {}

        def change(job: Job) -> Job:
            looked_at, due[job.id] = self._hinted(job)
            return looked_at

        try:
            self.store.update_jobs({job.id: change for job in found})
        finally:
            targets = [target for of_one in due.values() for target in of_one]
            self.report.notified += hint_at_targets(self.queue, targets)

    def _hinted(self, found: T) -> tuple[T, list[str]]:
        """`found` as it is after the look at its events, and what is due of them now."""
        due: list[str] = []
        for channel in Channel:
            before = found
            found = change_told(found, channel, lambda told: hinted(told, self.now))
            # Also looked at is what has long to wait.
            if found is not before and is_due(found, channel, self.now):
                due.append(target_of(found.id, channel))
        return found, due

    def _check_batch(self, batch: Batch) -> None:
        if batch.cancel_requested_at:
            # Whoever asked for the cancel did not get to the end of it.
            cancel_rows(self.store, self.queue, batch.id, self.now, self.monotonic)
        if not finish_batch(self.store, self.queue, batch.id, self.now):
            self.store.update_batch(batch.id, self._look_again)
            if batch.tells_progress:
                tell_progress(self.store, self.queue, batch.id, self.now)

    def _look_again(self, batch: Batch) -> Batch:
        return batch if batch.finished_at else replace(batch, check_at=next_check_at(self.now))

    def _notify_of_batch(self, found: Batch) -> None:
        due: list[str] = []

        def change(batch: Batch) -> Batch:
            nonlocal due
            looked_at, due = self._hinted(batch)
            return looked_at

        if self.store.update_batch(found.id, change):
            self.report.notified += hint_at_targets(self.queue, due)
