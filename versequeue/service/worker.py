"""The worker's side of the job system: claim jobs, report on them, end them. Knows no model."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from versequeue.clock import Clock, utc_now
from versequeue.config import Settings
from versequeue.errors import NotAllowed, StoreUnavailable, Unreadable, WorkerLost
from versequeue.ports.queue import Queue, Topic
from versequeue.ports.store import State, Store
from versequeue.rules import totals
from versequeue.rules import transitions as rules
from versequeue.rules.job import Job, Stage, Status
from versequeue.rules.outlook import About
from versequeue.rules.totals import Totals
from versequeue.service import estimates
from versequeue.service.attempt import Attempt, labels
from versequeue.service.endings import follow_up, note_totals, totals_of
from versequeue.service.estimates import FirstLines
from versequeue.service.hints import hint, hint_at_events, lone_message

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
    #: when times of each kind of start and model were last stored: cold, warm, shared with others
    _measured_at: dict[str, datetime] = field(default_factory=dict, init=False)
    #: what ended jobs add to the totals, as long as it is not stored
    _unsaid: Totals = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def claim(self, job_id: str, stage: Stage) -> Attempt | None:
        """Take the job, or None if there is nothing to do. Raises StoreUnavailable."""
        return next(iter(self.claim_all([job_id], stage)), None)

    def claim_all(
        self, job_ids: Sequence[str], stage: Stage | Callable[[Job], Stage]
    ) -> list[Attempt]:
        """Take those of these jobs that are to be had, to be written together.

        `stage` is what they begin with, or says so of each.

        A job that was tried before may be what killed its worker: of several, it is not taken but
        sent on its way again alone. Raises StoreUnavailable; what was claimed before then waits for
        its lease.
        """
        stage_of = (lambda _: stage) if isinstance(stage, Stage) else stage
        claims = _Claims(self, stage_of, together=len(job_ids))
        found = self.store.update_jobs(dict.fromkeys(job_ids, claims.claim))
        for job in claims.apart.values():
            topic = Topic.BULK if job.in_bulk else Topic.JOBS
            hint(self.queue, topic, [lone_message(job.id)])
        made = [claims.attempt(job_id, job) for job_id, job in found.items()]
        attempts = [attempt for attempt in made if attempt]
        # The first attempt of each has begun it, and whoever asked is to be told.
        hint_at_events(self.queue, [one.job for one in attempts if one.job.attempt == 1])
        self._show_begun([attempt.job for attempt in attempts])
        return attempts

    def reports_of(self, job_ids: Iterable[str], worker: str) -> dict[str, datetime]:
        """The latest report of `worker` on each of these that it holds or has written.

        A report changes when the worker says something; one that stays the same is silence.
        A job that cannot be read says nothing, and hides no other. Raises StoreUnavailable.
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
        ended: dict[str, bool] = {}

        def free(job: Job) -> Job:
            freed = rules.abandon(job, worker, now)
            ended[job.id] = freed.done and not job.done
            return freed

        for job in self.store.update_jobs(dict.fromkeys(job_ids, free)).values():
            held += job is not None and job.worker == worker
            # What had ended before was followed up then.
            if job and ended[job.id]:
                note_totals(self.store, totals_of([job]), now)
                follow_up(self.store, self.queue, job, now)
        return held

    def free(self, job_id: str) -> None:
        """Whoever holds this job is known to have died: it is queued again, if it can be read."""
        try:
            job = self.store.get_job(job_id)
        except Unreadable as error:
            log.warning("not freed: %s", error, extra={"job_id": job_id})
            return
        if job:
            self.abandon([job_id], job.worker)

    def fail_unclaimed(self, job_ids: Iterable[str], reason: str) -> None:
        """A worker died without claiming these: one attempt of each has failed for `reason`."""
        for job_id in job_ids:
            if attempt := self.claim(job_id, Stage.LOADING_MODEL):
                attempt.fail(WorkerLost(reason), retry=True)

    def show_model(self, about: About, name: str = "") -> None:
        """Tell everybody who asks for the status that this worker has this model loaded.

        `name` is what jobs ask for it by, where there are several.
        """
        now = self.clock()
        self._note(lambda state: estimates.seen(state, now, self.worker, about, name))

    def describe_models(self, models: Mapping[str, About]) -> None:
        """Tell everybody who asks for them what these are, by their names."""
        self._note(lambda state: estimates.described(state, models))

    def show_measured(self, job: Job, first: FirstLines | None = None) -> None:
        """Store how long `job` took, from which the waits of others are estimated.

        Times of a kind are stored once a second at most: all workers write one document, and a
        store takes about one write a second to the same document. A worker for batches only says
        nothing of the one that visitors meet.
        """
        if self.settings.bulk_only:
            return
        now = self.clock()
        start = "cold" if job.metrics.cold_start else "warm"
        kind = f"{SHARED if job.together > 1 else start} {job.options.model}"
        last = self._measured_at.get(kind)
        if last and 0 <= (now - last).total_seconds() < 1:
            return
        self._measured_at[kind] = now
        try:
            self._note(lambda state: estimates.measured(state, job, first, now))
        except StoreUnavailable as error:
            # The song itself is stored: its message must not come again for this.
            log.warning("what a song took is not noted: %s", error)

    def show_stopped(self) -> None:
        """Tell everybody who asks that the one worker there was has stopped."""
        now = self.clock()
        self._note(lambda state: estimates.stopped(state, now))

    def _show_begun(self, jobs: Sequence[Job]) -> None:
        # Only an embedded server has one worker, and names it. What one of several has in hand says
        # nothing of the wait for the next, and costs a write.
        if not jobs or not self.settings.worker:
            return
        try:
            # Those of another model come after them, and are told what alone they would take.
            first = [job for job in jobs if job.options.model == jobs[0].options.model]
            self._note(lambda state: estimates.begun(state, first))
        except StoreUnavailable as error:
            log.warning("not told when these are to end: %s", error)

    def count_end(self, job: Job) -> None:
        """Have this end in the totals with whatever is stored next."""
        with self._lock:
            self._unsaid = totals.plus(self._unsaid, totals_of([job]))

    def show_ends(self) -> None:
        """Store what of the totals is not stored yet."""
        if self._unsaid:
            try:
                self._note(lambda state: state)
            except StoreUnavailable as error:
                log.warning("what has ended is counted later: %s", error)

    def _note(self, change: Callable[[State], State]) -> None:
        now = self.clock()
        with self._lock:
            new, self._unsaid = self._unsaid, {}

        def with_totals(state: State) -> State:
            sound = estimates.sound(state)
            changed = change(sound)
            if not new:
                return changed
            return {**changed, "totals": totals.noted(sound.get("totals"), new, now)}

        try:
            self.store.update_state(estimates.WORKER_DOCUMENT, with_totals)
        except BaseException:
            with self._lock:
                self._unsaid = totals.plus(self._unsaid, new)
            raise


@dataclass
class _Claims:
    """The claims of the jobs of one message. A store may run the same claim more than once."""

    side: WorkerSide
    stage_of: Callable[[Job], Stage]
    together: int
    #: why some were not to be had, and those that were tried before, by the ids of the jobs
    refused: dict[str, str] = field(default_factory=dict)
    apart: dict[str, Job] = field(default_factory=dict)

    def claim(self, job: Job) -> Job:
        """The change of one job. It raises nothing: that would undo the claims of others."""
        self.refused.pop(job.id, None)
        self.apart.pop(job.id, None)
        side, settings = self.side, self.side.settings
        try:
            claimed = rules.claim(
                job,
                side.clock(),
                side.worker,
                lease_s=settings.lease_s,
                attempt_limit_s=settings.attempt_limit_s,
                stage=self.stage_of(job),
            )
        except NotAllowed as error:
            self.refused[job.id] = str(error)
            return job
        if job.tries and self.together > 1 and not claimed.done:
            self.apart[job.id] = job
            return job
        return replace(claimed, together=self.together)

    def attempt(self, job_id: str, job: Job | None) -> Attempt | None:
        """The attempt, if the job was claimed. It may also have ended: its time was over."""
        side = self.side
        if job is None:
            log.warning("a message names an unknown job", extra={"job_id": job_id})
        elif job_id in self.refused:
            log.info("not claimed: %s", self.refused[job_id], extra={"job_id": job_id})
        elif job_id in self.apart:
            log.info("tried before: to be taken alone", extra=labels(job))
        elif job.status is Status.RUNNING:
            log.info("claimed", extra=labels(job))
            shared = (side.store, side.queue, side.settings, side.clock)
            return Attempt(job, *shared, on_song=side.show_measured, on_end=side.count_end)
        else:
            note_totals(side.store, totals_of([job]), side.clock())
            follow_up(side.store, side.queue, job, side.clock())
        return None


def _last_word(job: Job) -> datetime | None:
    # What others do to a job says nothing of its worker.
    if job.status is Status.SUCCEEDED:
        return job.finished_at
    return job.lease_expires_at if job.status is Status.RUNNING else None
