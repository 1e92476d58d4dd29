"""The worker's side of the job system: claim jobs, report on them, end them. Knows no model."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from versequeue.clock import Clock, utc_now
from versequeue.config import Settings
from versequeue.errors import NotAllowed, Unreadable, WorkerLost
from versequeue.ports.queue import Queue, Topic
from versequeue.ports.store import State, Store
from versequeue.rules import transitions as rules
from versequeue.rules.job import Job, Stage, Status
from versequeue.service import estimates
from versequeue.service.attempt import Attempt, labels
from versequeue.service.endings import follow_up
from versequeue.service.hints import hint, lone_message

log = logging.getLogger(__name__)
SHARED = "shared"


@dataclass(eq=False)
class WorkerSide:
    """What one worker process does with the jobs: claims them, and says how it is doing."""

    store: Store
    queue: Queue
    settings: Settings
    worker: str
    clock: Clock = utc_now
    #: when times of each kind of start were last stored: cold, warm, or shared with others
    _measured_at: dict[str, datetime] = field(default_factory=dict, init=False)

    def claim(self, job_id: str, stage: Stage) -> Attempt | None:
        """Take the job, or None if there is nothing to do. Raises StoreUnavailable."""
        return next(iter(self.claim_all([job_id], stage)), None)

    def claim_all(self, job_ids: Sequence[str], stage: Stage) -> list[Attempt]:
        """Take those of these jobs that are to be had, to be written together.

        Of several, one that was tried before is not taken but sent on alone: it may have killed its
        worker. Raises StoreUnavailable; what was claimed before waits for its lease.
        """
        refused: dict[str, str] = {}
        apart: dict[str, Job] = {}

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
            apart.pop(job.id, None)
            if job.attempt and len(job_ids) > 1 and not claimed.done:
                apart[job.id] = job
                return job
            return replace(claimed, together=len(job_ids))

        found = self.store.update_jobs(dict.fromkeys(job_ids, claim))
        for sent in apart.values():
            topic = Topic.BULK if sent.batch_id else Topic.JOBS
            hint(self.queue, topic, [lone_message(sent.id)])
        attempts: list[Attempt] = []
        for job_id, job in found.items():
            if job is None:
                log.warning("a message names an unknown job", extra={"job_id": job_id})
            elif job_id in refused:
                log.info("not claimed: %s", refused[job_id], extra={"job_id": job_id})
            elif job_id in apart:
                log.info("tried before: to be taken alone", extra=labels(job))
            elif job.status is Status.RUNNING:
                log.info("claimed", extra=labels(job))
                shared = (self.store, self.queue, self.settings, self.clock)
                attempts.append(Attempt(job, *shared, on_song=self.show_measured))
            else:
                follow_up(self.store, self.queue, job, self.clock())
        return attempts

    def reports_of(self, job_ids: Iterable[str], worker: str) -> dict[str, datetime]:
        """The latest report of `worker` on each of these that it holds or has written.

        One that stays the same is silence, as is an unreadable job. Raises StoreUnavailable.
        """
        reports = {}
        for job_id in job_ids:
            try:
                job = self.store.get_job(job_id)
            except Unreadable as error:
                log.warning("no report of %s: %s", job_id, error)
                continue
            if job and job.worker == worker and (moment := _last_word(job)):
                reports[job_id] = moment
        return reports

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
        self._note(lambda state: estimates.seen(state, now, self.worker, model))

    def show_measured(self, job: Job) -> None:
        """Store how long `job` took, from which the waits of others are estimated.

        Once a second at most: a store takes about one write a second to the same document. A job
        that shared the worker with others only shows that the worker is there.
        """
        now = self.clock()
        kind = SHARED if job.together > 1 else "cold" if job.metrics.cold_start else "warm"
        last = self._measured_at.get(kind)
        if last and 0 <= (now - last).total_seconds() < 1:
            return
        self._measured_at[kind] = now
        if kind == SHARED:
            self._note(lambda state: estimates.at_work(state, now))
        else:
            self._note(lambda state: estimates.measured(state, job, now))

    def show_stopped(self) -> None:
        """Tell everybody who asks that the one worker there was has stopped."""
        now = self.clock()
        self._note(lambda state: estimates.stopped(state, now))

    def _note(self, change: Callable[[State], State]) -> None:
        self.store.update_state(estimates.WORKER_DOCUMENT, change)


def _last_word(job: Job) -> datetime | None:
    # What others do to a job says nothing of its worker.
    if job.status is Status.SUCCEEDED:
        return job.finished_at
    return job.lease_expires_at if job.status is Status.RUNNING else None
