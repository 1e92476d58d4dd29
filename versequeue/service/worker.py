"""The worker's side of the job system: claim a job, report on it, end it.

Every write after the claim goes through the fence of `rules.transitions`: a worker that was given
up on can change nothing. Knows nothing of models.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from versequeue.clock import Clock, utc_now
from versequeue.config import Settings
from versequeue.errors import NotAllowed, StoreUnavailable, VerseQueueError, WorkerLost
from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.rules import transitions as rules
from versequeue.rules.job import Job, Metrics, Stage, Status
from versequeue.service import estimates
from versequeue.service.endings import follow_up

log = logging.getLogger(__name__)
SHARED = "shared"


class WorkerSide:
    """What one worker process does with the jobs: claims them, and says how it is doing."""

    def __init__(
        self, store: Store, queue: Queue, settings: Settings, worker: str, clock: Clock = utc_now
    ) -> None:
        self.store = store
        self.queue = queue
        self.settings = settings
        self.worker = worker
        self.clock = clock
        #: when times of each kind of start were last stored: cold, warm, or shared with others
        self._measured_at: dict[str, datetime] = {}

    def claim(self, job_id: str, stage: Stage) -> "Attempt | None":
        """Take the job, or None if there is nothing to do. Raises StoreUnavailable."""
        return next(iter(self.claim_all([job_id], stage)), None)

    def claim_all(self, job_ids: Sequence[str], stage: Stage) -> "list[Attempt]":
        """Take those of these jobs that are to be had, to be written together.

        Raises StoreUnavailable; what was claimed before then waits for its lease.
        """
        refused: dict[str, str] = {}

        def claim(job: Job) -> Job:
            # What one job raises must not undo the claims of the others.
            try:
                claimed = rules.claim(
                    job,
                    self.clock(),
                    self.worker,
                    lease_s=self.settings.lease_s,
                    attempt_limit_s=self.settings.attempt_limit_s,
                    stage=stage,
                )
            except NotAllowed as error:
                refused[job.id] = str(error)
                return job
            refused.pop(job.id, None)
            return replace(claimed, together=len(job_ids))

        found = self.store.update_jobs(dict.fromkeys(job_ids, claim))
        attempts = []
        for job_id, job in found.items():
            if job is None:
                log.warning("a message names an unknown job", extra={"job_id": job_id})
            elif job_id in refused:
                log.info("not claimed: %s", refused[job_id], extra={"job_id": job_id})
            elif job.status is Status.RUNNING:
                log.info("claimed", extra=_labels(job))
                attempts.append(Attempt(self, job))
            else:
                follow_up(self.store, self.queue, job, self.clock())
        return attempts

    def abandon(self, job_ids: Iterable[str], worker: str) -> int:
        """`worker` is known to have died: what it held of these is queued again; how many."""
        now = self.clock()
        held = 0
        for job_id in job_ids:
            job = self.store.update_job(job_id, lambda job: rules.abandon(job, worker, now))
            held += job is not None and job.worker == worker
            if job and job.done:
                follow_up(self.store, self.queue, job, now)
        return held

    def fail_unclaimed(self, job_ids: Iterable[str], reason: str) -> None:
        """A worker died without claiming these: one attempt of each has failed for `reason`."""
        for job_id in job_ids:
            if attempt := self.claim(job_id, Stage.LOADING_MODEL):
                attempt.fail(WorkerLost(reason), retry=True)

    def show_model(self, model: str) -> None:
        """Tell everybody who asks for the status that this worker has `model` loaded."""
        now = self.clock()
        self.store.update_state(
            estimates.WORKER_DOCUMENT, lambda state: estimates.seen(state, now, self.worker, model)
        )

    def show_measured(self, job: Job) -> None:
        """Store how long `job` took, from which the waits of others are estimated.

        A job that shared the worker with others only shows that the worker is there. Times of a
        kind are stored once a second at most: all workers write one document, and a store takes
        about one write a second to the same document.
        """
        now = self.clock()
        kind = SHARED if job.together > 1 else "cold" if job.metrics.cold_start else "warm"
        last = self._measured_at.get(kind)
        if last and 0 <= (now - last).total_seconds() < 1:
            return
        self._measured_at[kind] = now
        self.store.update_state(
            estimates.WORKER_DOCUMENT,
            lambda state: (
                estimates.at_work(state, now)
                if kind == SHARED
                else estimates.measured(state, job, now)
            ),
        )

    def show_stopped(self) -> None:
        """Tell everybody who asks that the one worker there was has stopped."""
        now = self.clock()
        self.store.update_state(
            estimates.WORKER_DOCUMENT, lambda state: estimates.stopped(state, now)
        )


class Attempt:
    """One claimed job in the hands of its worker."""

    def __init__(self, side: WorkerSide, job: Job) -> None:
        self._side = side
        self.job = job
        #: the job was taken away or has ended: nothing that is written now counts
        self.over = False
        self._written_at = side.clock()

    def beat(self) -> bool:
        """Renew the lease with nothing new to say; whether the job is still ours and wanted."""
        return self._renew(self.job.preview, self.job.stage or Stage.WRITING)

    def lines(self, lines: Sequence[str]) -> bool:
        """Show the lines so far, at most once per interval; False: stop writing this job."""
        now = self._side.clock()
        waited_s = (now - self._written_at).total_seconds()
        if self.over or waited_s < self._side.settings.progress_interval_s:
            return not self.over
        return self._renew(tuple(lines), Stage.WRITING)

    def succeed(self, output: dict[str, Any], metrics: Metrics) -> None:
        """Store the song, and what it took. Raises StoreUnavailable."""
        self._end(lambda job, now: rules.succeed(job, self.job.attempt, now, output, metrics))
        # The rows of a batch are written together: their times say nothing of a single song's.
        if self.job.status is Status.SUCCEEDED and self.job.batch_id is None:
            self._side.show_measured(self.job)

    def fail(self, error: VerseQueueError, *, retry: bool) -> None:
        """This attempt went wrong. Raises StoreUnavailable."""
        self._end(lambda job, now: rules.give_up(job, self.job.attempt, now, error, retry=retry))

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

    def _renew(self, lines: tuple[str, ...], stage: Stage) -> bool:
        lease_s = self._side.settings.lease_s
        try:
            job = self._write(
                lambda job, now: rules.renew(
                    job, self.job.attempt, now, lease_s=lease_s, lines=lines, stage=stage
                )
            )
        except StoreUnavailable as error:
            log.warning("progress not stored: %s", error, extra=_labels(self.job))
            return not self.over
        self._written_at = self._side.clock()
        return job is not None and not self.cancel_requested

    def _end(self, change: Callable[[Job, datetime], Job]) -> None:
        if self.over:
            return
        job = self._write(change)
        self.over = True
        if job is None:
            return
        log.info("attempt ended: %s", job.status, extra=_labels(job))
        if job.done:
            follow_up(self._side.store, self._side.queue, job, self._side.clock())

    def _write(self, change: Callable[[Job, datetime], Job]) -> Job | None:
        # The clock is read inside the transaction: a worker that was paused before it must find
        # its lease lapsed.
        clock = self._side.clock
        try:
            job = self._side.store.update_job(self.job.id, lambda job: change(job, clock()))
        except NotAllowed as error:
            log.warning("gave up: %s", error, extra=_labels(self.job))
            job = None
        if job is None:
            self.over = True
        else:
            self.job = job
        return job


def _labels(job: Job) -> dict[str, Any]:
    return {"job_id": job.id, "attempt": job.attempt, "batch_id": job.batch_id}
