"""The callers' side of the job system: submit, look, cancel, warm up, ask for the state of it all.

Takes its store, queue, clock, ids and seeds as arguments and knows nothing of HTTP.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from versequeue.clock import Clock, IdSource, random_id, utc_now
from versequeue.config import Settings
from versequeue.errors import Gone, NotFound
from versequeue.ports.queue import Queue, Topic
from versequeue.ports.store import KeyTaken, State, Store
from versequeue.records import format_time, parse_time
from versequeue.rules.job import REPUBLISH_FIRST_S, Job, Options, Status, note, request_cancel
from versequeue.rules.webhook import Webhook
from versequeue.service import estimates
from versequeue.service.endings import follow_up, hint
from versequeue.service.estimates import WORKER_STATE, WorkerView
from versequeue.service.idempotency import first_answer, record_for, same_request
from versequeue.service.limits import NO_LIMIT, Allowance, check_limits

#: A warm-up message is taken to be on its way for this long.
WARMUP_ON_ITS_WAY_S = 60
#: How long the worker's measured times may be kept in memory, so that polls do not read them.
VIEW_KEPT_S = 2.0


@dataclass(frozen=True)
class Submission:
    """A validated request: what is wanted, by whom, under which key."""

    prompt: str
    options: Options
    client: str = ""
    metadata: dict[str, str] | None = None
    webhook: Webhook | None = None
    #: value of the Idempotency-Key header, and the body that came with it
    key: str | None = None
    body: bytes = b""


@dataclass(frozen=True)
class Accepted:
    """The job that a submission made, or the one that it had made before (`replayed`)."""

    job: Job
    replayed: bool = False
    allowance: Allowance = NO_LIMIT


class Service:
    """One instance serves any number of threads if its store and queue do."""

    def __init__(
        self,
        store: Store,
        queue: Queue,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        new_id: IdSource = random_id,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = store
        self.queue = queue
        self.settings = settings
        self.clock = clock
        self.new_id = new_id
        self._sleep = sleep
        self._view: tuple[datetime, WorkerView] | None = None

    def submit(self, submission: Submission) -> Accepted:
        """Write the job, then publish its message; the job is kept even if publishing fails.

        Raises RateLimited, BudgetExhausted, IdempotencyKeyReused, StoreUnavailable.
        """
        now = self.clock()
        job = self.new_job(submission, now)
        record = None
        if submission.key is not None:
            record = record_for(submission.client, submission.key, submission.body, job.id, now)
            if earlier := first_answer(self.store, record):
                return Accepted(self.get_job(earlier), replayed=True)
        allowance = check_limits(self.store, self.settings, submission.client, now, 1)
        try:
            self.store.create([job], record=record, now=now)
        except KeyTaken as taken:
            if record is None:
                raise
            return Accepted(self.get_job(same_request(taken.record, record)), replayed=True)
        hint(self.queue, Topic.JOBS, [{"job_ids": [job.id]}])
        return Accepted(job, allowance=allowance)

    def new_job(self, submission: Submission, now: datetime) -> Job:
        """A queued job that is nowhere stored yet."""
        job = Job(
            id=self.new_id("job_"),
            prompt=submission.prompt,
            options=submission.options,
            created_at=now,
            expires_at=now + timedelta(days=self.settings.retention_days),
            deadline_at=now + timedelta(seconds=self.settings.deadline_s),
            publish_at=now + timedelta(seconds=REPUBLISH_FIRST_S),
            max_attempts=self.settings.max_attempts,
            client=submission.client,
            metadata=submission.metadata or {},
            webhook=submission.webhook,
        )
        return note(job, now, "queued")

    def get_job(self, job_id: str) -> Job:
        """The job. Raises NotFound, or Gone past its retention, deleted or not."""
        job = self.store.get_job(job_id)
        if job is None:
            raise NotFound("There is no job with this id.")
        if self.clock() >= job.expires_at:
            raise Gone()
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancel at once if queued, within a line if running; safe to repeat."""
        self.get_job(job_id)
        now = self.clock()
        job = self.store.update_job(job_id, lambda current: request_cancel(current, now))
        if job is None:
            raise NotFound("There is no job with this id.")
        if job.status is Status.CANCELED:
            follow_up(self.store, self.queue, job, now)
        return job

    def wait_for(self, job: Job, wait_s: float, changed: Callable[[Job], bool]) -> Job:
        """The job as soon as `changed` says so of it, else as it is after `wait_s`."""
        end = self.clock() + timedelta(seconds=wait_s)
        pause_s = max(0.1, self.settings.progress_interval_s)
        while not changed(job) and (left_s := (end - self.clock()).total_seconds()) > 0:
            self._sleep(min(pause_s, left_s))
            job = self.get_job(job.id)
        return job

    def queue_position(self, job: Job) -> int | None:
        """How many jobs are before this one and itself; None once it is not queued.

        Rows of batches are not before a single visitor's job: it has the right of way.
        """
        if job.status is not Status.QUEUED:
            return None
        return self.store.count_queued(job.created_at, singles=job.batch_id is None) + 1

    def eta_s(self, job: Job, position: int | None) -> float | None:
        """Seconds until the job's end, as far as is known."""
        return None if job.done else estimates.eta_s(job, self._worker_view(), position)

    def status(self) -> dict[str, Any]:
        """The worker, the queue and the expected waits, as on the wire."""
        view = self._worker_view()
        return {
            "worker": view.worker,
            "queue_depth": self.store.count_queued(),
            "expected_wait_seconds": {"cold": view.cold_s, "warm": view.warm_s},
            "model": view.model,
        }

    def warm_up(self) -> bool:
        """Ask for a loaded worker; whether a message went out or none was needed."""
        now = self.clock()
        sent = False

        def mark(state: State) -> State:
            nonlocal sent
            sent = not _on_its_way(state, now)
            return {**state, "warmup_at": format_time(now)} if sent else state

        if self._worker_view().worker == "warm":
            return False
        self.store.update_state("warmup", mark)
        return sent and hint(self.queue, Topic.JOBS, [{"warmup": True}])

    def _worker_view(self) -> WorkerView:
        now = self.clock()
        if self._view is None or not 0 <= (now - self._view[0]).total_seconds() < VIEW_KEPT_S:
            state = self.store.get_state(WORKER_STATE)
            self._view = now, estimates.read(state, now, self.settings.warm_s)
        return self._view[1]


def _on_its_way(state: State, now: datetime) -> bool:
    asked_at = state.get("warmup_at")
    if not asked_at:
        return False
    return (now - parse_time(asked_at)).total_seconds() < WARMUP_ON_ITS_WAY_S
