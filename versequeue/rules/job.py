"""A job, its statuses and the one transition table: pure functions from a job to the next one.

Nothing here reads a clock, a store or the environment. A change that the rules forbid raises
`LeaseLost`; a change that makes no difference returns the very same object, so that a store can
see that there is nothing to write.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from versequeue.errors import LeaseLost, VerseQueueError, WorkerLost, WorkerStopped
from versequeue.rules.options import Options
from versequeue.rules.webhook import Webhook, announce

#: How much of a job's timeline is kept: its beginning and its latest part.
MAX_EVENTS, FIRST_EVENTS = 50, 10
#: Wait before a queued job's message is sent again; doubled each time, at most the second one.
REPUBLISH_FIRST_S, REPUBLISH_LONGEST_S = 60, 1800


class Status(StrEnum):
    """Where a job is. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether a job in this status never changes again."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELED, Status.EXPIRED}),
    Status.RUNNING: frozenset(Status) - {Status.RUNNING},
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.EXPIRED: frozenset(),
}


class Stage(StrEnum):
    """What an unfinished job is waiting for; a finished one has none."""

    WAITING = "waiting"
    LOADING_MODEL = "loading_model"
    WRITING = "writing"


@dataclass(frozen=True)
class Metrics:
    """How long the successful attempt took, in seconds, and how much it wrote."""

    queue_s: float | None = None
    cold_start: bool | None = None
    model_load_s: float | None = None
    generate_s: float | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Event:
    """One entry of the timeline."""

    at: datetime
    event: str
    attempt: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Job:
    """One prompt on its way to a song."""

    id: str
    prompt: str
    options: Options
    created_at: datetime
    #: from this moment on the job is answered with 410 Gone, and the sweep deletes it
    expires_at: datetime
    #: an unfinished job ends as `expired` at this moment
    deadline_at: datetime
    #: when the sweep sends the message of a queued job again
    publish_at: datetime
    max_attempts: int = 5
    status: Status = Status.QUEUED
    stage: Stage | None = Stage.WAITING
    #: keyed hash of the caller's address or API key
    client: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    batch_id: str | None = None
    custom_id: str | None = None
    #: order within the batch, and the line of the file
    position: int = 0
    line: int | None = None
    #: raised by every claim; a writer that holds another number holds nothing
    attempt: int = 0
    publishes: int = 1
    #: which worker holds the lease, so that one known to be dead can be given up on at once
    worker: str = ""
    #: how many jobs the last claim took at once: they share the worker's time
    together: int = 1
    lease_expires_at: datetime | None = None
    attempt_ends_at: datetime | None = None
    preview: tuple[str, ...] = ()
    output: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    metrics: Metrics = Metrics()
    events: tuple[Event, ...] = ()
    webhook: Webhook | None = None

    @property
    def done(self) -> bool:
        """Whether the job has reached its end."""
        return self.status.is_terminal

    @property
    def due_at(self) -> datetime | None:
        """When the sweep must look at this job next; None if never."""
        if self.done:
            return self.webhook.pending.due_at if self.webhook and self.webhook.pending else None
        if self.status is Status.QUEUED:
            return min(self.publish_at, self.deadline_at)
        return self.lease_expires_at


def claim(
    job: Job, now: datetime, worker: str, *, lease_s: float, attempt_limit_s: float, stage: Stage
) -> Job:
    """Give `job` to a new attempt. Raises LeaseLost if it has ended or another attempt holds it.

    A job that may not be tried any more is returned in its final status instead: look at `done`.
    """
    if job.done:
        raise LeaseLost(f"The job has already {job.status}.")
    if job.status is Status.RUNNING and _lease_is_live(job, now):
        raise LeaseLost(f"Attempt {job.attempt} holds the lease.")
    ended = settle(job, now)
    if ended.done:
        return ended
    ends_at = now + timedelta(seconds=attempt_limit_s)
    claimed = replace(
        ended,
        status=Status.RUNNING,
        stage=stage,
        attempt=job.attempt + 1,
        worker=worker,
        started_at=job.started_at or now,
        attempt_ends_at=ends_at,
        lease_expires_at=min(now + timedelta(seconds=lease_s), ends_at),
        preview=(),
        metrics=Metrics(queue_s=_seconds(job.created_at, now)),
    )
    return note(claimed, now, "claimed", stage.value)


def renew(
    job: Job, attempt: int, now: datetime, *, lease_s: float, lines: tuple[str, ...], stage: Stage
) -> Job:
    """Report progress and renew the lease, never beyond the attempt's own time limit."""
    check_fence(job, attempt, now)
    ends_at = job.attempt_ends_at or now
    lease = min(now + timedelta(seconds=lease_s), ends_at)
    renewed = replace(job, stage=stage, preview=lines, lease_expires_at=lease)
    return renewed if stage is job.stage else note(renewed, now, stage.value)


def succeed(job: Job, attempt: int, now: datetime, output: dict[str, Any], metrics: Metrics) -> Job:
    """The song is written. A cancel that was asked for before wins: the job ends `canceled`."""
    check_fence(job, attempt, now)
    if job.cancel_requested_at:
        return _end(job, Status.CANCELED, now, "canceled")
    lines = tuple(line for section in output["sections"] for line in section["lines"])
    written = replace(job, output=output, metrics=metrics, preview=lines)
    return _end(written, Status.SUCCEEDED, now, "succeeded")


def give_up(job: Job, attempt: int, now: datetime, error: VerseQueueError, *, retry: bool) -> Job:
    """This attempt failed: back to the queue while tries are left and `retry`, else `failed`."""
    check_fence(job, attempt, now)
    return _end_attempt(job, now, "attempt_failed", error, retry=retry)


def hand_back(job: Job, attempt: int, now: datetime, reason: str) -> Job:
    """The worker has to stop: the next one takes the job over at once."""
    check_fence(job, attempt, now)
    return _end_attempt(job, now, "handed_back", WorkerStopped(reason), retry=True)


def request_cancel(job: Job, now: datetime) -> Job:
    """Cancel a queued job at once and a running one at its next line; a finished one stays."""
    if job.done or job.cancel_requested_at:
        return job
    asked = replace(job, cancel_requested_at=now)
    if job.status is Status.QUEUED:
        return _end(asked, Status.CANCELED, now, "canceled")
    return note(asked, now, "cancel_requested")


def end_canceled(job: Job, attempt: int, now: datetime) -> Job:
    """The worker saw the cancel request and stopped writing."""
    check_fence(job, attempt, now)
    return _end(job, Status.CANCELED, now, "canceled")


def settle(job: Job, now: datetime) -> Job:
    """What time alone has made of an unfinished job: expired, canceled, failed, queued again.

    Used by the sweep and by a claim, so that both count attempts in the same way.
    """
    if job.done or (job.status is Status.RUNNING and _lease_is_live(job, now)):
        return job
    if job.cancel_requested_at:
        return _end(job, Status.CANCELED, now, "canceled")
    if now >= job.deadline_at:
        return _end(job, Status.EXPIRED, now, "expired", "Not finished within its time.")
    if job.status is Status.RUNNING:
        lost = WorkerLost(f"The worker of attempt {job.attempt} stopped reporting.")
        return _end_attempt(job, now, "lease_lapsed", lost, retry=True)
    return job


def republish(job: Job, now: datetime) -> Job:
    """A queued job whose message is sent again now; the next time later by a factor of two."""
    wait_s = min(REPUBLISH_FIRST_S * 2**job.publishes, REPUBLISH_LONGEST_S)
    return replace(job, publishes=job.publishes + 1, publish_at=now + timedelta(seconds=wait_s))


def note(job: Job, now: datetime, event: str, detail: str = "") -> Job:
    """The job with one more entry in its timeline, the middle of a long one left out."""
    events = (*job.events, Event(now, event, job.attempt, detail))
    if len(events) > MAX_EVENTS:
        events = events[:FIRST_EVENTS] + events[len(events) - (MAX_EVENTS - FIRST_EVENTS) :]
    return replace(job, events=events)


def check_fence(job: Job, attempt: int, now: datetime) -> None:
    """Raise LeaseLost unless `attempt` holds a live lease on the running job."""
    if job.status is not Status.RUNNING:
        raise LeaseLost(f"The job is {job.status}, not running.")
    if job.attempt != attempt:
        raise LeaseLost(f"Attempt {attempt} was given up on; attempt {job.attempt} runs now.")
    if not _lease_is_live(job, now):
        raise LeaseLost(f"The lease of attempt {attempt} has lapsed.")


def abandon(job: Job, worker: str, now: datetime) -> Job:
    """`worker` is known to be dead: the lease that it holds, if any, lapses now."""
    if job.status is not Status.RUNNING or job.worker != worker:
        return job
    return settle(replace(job, lease_expires_at=now), now)


def _lease_is_live(job: Job, now: datetime) -> bool:
    return job.lease_expires_at is not None and now < job.lease_expires_at


def _end_attempt(
    job: Job, now: datetime, event: str, error: VerseQueueError, *, retry: bool
) -> Job:
    noted = note(replace(job, error=error.problem().document()), now, event, str(error))
    if job.cancel_requested_at:
        return _end(noted, Status.CANCELED, now, "canceled")
    if not retry or job.attempt >= job.max_attempts:
        return _end(noted, Status.FAILED, now, "failed", str(error))
    return replace(
        noted,
        status=Status.QUEUED,
        stage=Stage.WAITING,
        lease_expires_at=None,
        attempt_ends_at=None,
        preview=(),
        publishes=1,
        publish_at=now,
    )


def _end(job: Job, status: Status, now: datetime, event: str, detail: str = "") -> Job:
    if status not in TRANSITIONS[job.status]:
        raise LeaseLost(f"A job that is {job.status} cannot become {status}.")
    ended = replace(
        job,
        status=status,
        stage=None,
        finished_at=now,
        lease_expires_at=None,
        attempt_ends_at=None,
        error=job.error if status is Status.FAILED else None,
        webhook=announce(job.webhook, job.id, f"job.{status.value}", now),
    )
    return note(ended, now, event, detail)


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)
