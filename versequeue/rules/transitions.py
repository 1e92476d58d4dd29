"""What may become of a job: pure functions from a job to the next one.

A change that the rules forbid raises `NotAllowed`; one that makes no difference returns the very
same object, so that a store can see that there is nothing to write.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from versequeue.errors import LeaseLost, NotAllowed, VerseQueueError, WorkerLost, WorkerStopped
from versequeue.rules.job import TRANSITIONS, Event, Job, Metrics, Stage, Status
from versequeue.rules.webhook import JOB_STARTED, announce

#: How much of a job's timeline is kept: its beginning and its latest part.
MAX_EVENTS, FIRST_EVENTS = 50, 10
#: Wait before a queued job's message is sent again; doubled each time, at most the second one.
REPUBLISH_FIRST_S, REPUBLISH_LONGEST_S = 60, 1800
#: Moments further ahead than this were set by a clock that was set back since: no rule sets a lease
#: or a message's time so far ahead, nor anything else that the sweep is to look at.
FURTHEST_S = 2400
#: How long a lease of such a clock holds yet, so that a worker that lives can renew it.
LAST_LEASE_S = 60
#: Wait before the next attempt after one that was put off; doubled each time, at most the second.
PUT_OFF_FIRST_S, PUT_OFF_LONGEST_S = 15, 300


def claim(
    job: Job, now: datetime, worker: str, *, lease_s: float, attempt_limit_s: float, stage: Stage
) -> Job:
    """Give `job` to a new attempt. Raises NotAllowed if it has ended or another attempt holds it.

    A job that may not be tried any more is returned in its final status instead: look at `done`.
    """
    if job.done:
        raise NotAllowed(f"The job has already {job.status}.")
    if job.status is Status.RUNNING and _lease_is_live(job, now):
        raise NotAllowed(f"Attempt {job.attempt} holds the lease.")
    ended = settle(job, now)
    if ended.done:
        return ended
    ends_at = min(now + timedelta(seconds=attempt_limit_s), job.deadline_at)
    begun = announce(job.webhook, job.id, JOB_STARTED, now)
    claimed = replace(
        ended,
        status=Status.RUNNING,
        stage=stage,
        attempt=job.attempt + 1,
        worker=worker,
        started_at=job.started_at or now,
        attempt_ends_at=ends_at,
        lease_expires_at=min(now + timedelta(seconds=lease_s), ends_at),
        held=False,
        webhook=job.webhook if job.started_at else begun,
        preview=(),
        shown_at=None,
        metrics=Metrics(
            queue_s=_seconds(job.created_at, now),
            worker_s=job.metrics.worker_s,
            starts=job.metrics.starts,
        ),
    )
    return note(claimed, now, "claimed", stage.value)


def renew(
    job: Job, attempt: int, now: datetime, *, lease_s: float, lines: tuple[str, ...], stage: Stage
) -> Job:
    """Report progress and renew the lease, never beyond the attempt's own time limit."""
    check_fence(job, attempt, now)
    ends_at = job.attempt_ends_at or now
    lease = min(now + timedelta(seconds=lease_s), ends_at)
    shown_at = job.shown_at if lines == job.preview else now
    renewed = replace(job, stage=stage, preview=lines, shown_at=shown_at, lease_expires_at=lease)
    return renewed if stage is job.stage else note(renewed, now, stage.value)


def succeed(job: Job, attempt: int, now: datetime, output: dict[str, Any], metrics: Metrics) -> Job:
    """The song is written. A cancel that was asked for before wins: the job ends `canceled`.

    `metrics` are those of this attempt alone.
    """
    check_fence(job, attempt, now)
    if job.cancel_requested_at:
        return _end(_given_up(job, now), Status.CANCELED, now, "canceled")
    before, whole = job.metrics, _given_up(job, now).metrics
    if metrics.worker_s is not None:
        whole = replace(whole, worker_s=(before.worker_s or 0.0) + metrics.worker_s)
    starts = (before.starts or 0) + (metrics.starts or 0)
    metrics = replace(metrics, worker_s=whole.worker_s, starts=starts)
    written = replace(job, output=output, metrics=metrics, preview=_lines_of(output))
    return _end(written, Status.SUCCEEDED, now, "succeeded")


def _lines_of(output: dict[str, Any]) -> tuple[str, ...]:
    if "sections" in output:
        return tuple(line for section in output["sections"] for line in section["lines"])
    return tuple(output["lyrics"].splitlines())  # of a model that writes no songs


def give_up(job: Job, attempt: int, now: datetime, error: VerseQueueError, *, retry: bool) -> Job:
    """This attempt failed: back to the queue while tries are left and `retry`, else `failed`.

    An error that would come again ends the job, too, unless it may be due to the company that it
    was written in: it is tried once more, alone.
    """
    check_fence(job, attempt, now)
    retry = retry and (error.retryable or job.together > 1)
    return _end_attempt(job, now, "attempt_failed", error, retry=retry)


def put_off(job: Job, attempt: int, now: datetime, error: VerseQueueError) -> Job:
    """The surroundings let nobody work: this attempt does not count, and the next one waits."""
    check_fence(job, attempt, now)
    excused = replace(job, excused=job.excused + 1)
    queued = _end_attempt(excused, now, "attempt_failed", error, retry=True)
    if queued.done:
        return queued
    wait_s = min(PUT_OFF_FIRST_S * 2 ** min(job.excused, 30), PUT_OFF_LONGEST_S)
    return replace(queued, publish_at=now + timedelta(seconds=wait_s))


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
    return _end(_given_up(job, now), Status.CANCELED, now, "canceled")


def settle(job: Job, now: datetime) -> Job:
    """What time alone has made of an unfinished job: expired, canceled, failed, queued again.

    A lease that a clock has set that was set back since is cut.
    """
    furthest = now + timedelta(seconds=FURTHEST_S)
    if job.status is Status.RUNNING and job.lease_expires_at and job.lease_expires_at > furthest:
        return replace(job, lease_expires_at=now + timedelta(seconds=LAST_LEASE_S))
    if job.done or (job.status is Status.RUNNING and _lease_is_live(job, now)):
        return job
    if job.cancel_requested_at:
        return _end(_given_up(job, now), Status.CANCELED, now, "canceled")
    if now >= job.deadline_at:
        late = _given_up(job, now)
        return _end(late, Status.EXPIRED, now, "expired", "Not finished within its time.")
    if job.status is Status.RUNNING:
        lost = WorkerLost(f"The worker of attempt {job.attempt} stopped reporting.")
        return _end_attempt(job, now, "lease_lapsed", lost, retry=True)
    return job


def counts_as_lost(job: Job, now: datetime) -> bool:
    """Whether a queued job's message is to be sent again by now."""
    return job.publish_at <= now or job.publish_at > now + timedelta(seconds=FURTHEST_S)


def republish(job: Job, now: datetime) -> Job:
    """A queued job whose message is sent again now; the next time later by a factor of two."""
    wait_s = min(REPUBLISH_FIRST_S * 2 ** min(job.publishes, 30), REPUBLISH_LONGEST_S)
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
    ended = replace(_given_up(job, now), error=error.problem().document())
    noted = note(ended, now, event, str(error))
    if job.cancel_requested_at:
        return _end(noted, Status.CANCELED, now, "canceled")
    if not retry or job.tries >= job.max_attempts:
        return _end(noted, Status.FAILED, now, "failed", str(error))
    return replace(
        noted,
        status=Status.QUEUED,
        stage=Stage.WAITING,
        lease_expires_at=None,
        attempt_ends_at=None,
        preview=(),
        shown_at=None,
        publishes=1,
        publish_at=now,
    )


def _given_up(job: Job, now: datetime) -> Job:
    """The job with the worker's time for the attempt that holds it, if one does, counted."""
    claim = next((each for each in reversed(job.events) if each.event == "claimed"), None)
    if job.status is not Status.RUNNING or claim is None:
        return job
    # A dead worker was paid for until its lease lapsed, at the most.
    until = min(now, job.lease_expires_at or now)
    spent_s = max(0.0, _seconds(claim.at, until)) / job.together
    worker_s = round((job.metrics.worker_s or 0.0) + spent_s, 3)
    return replace(job, metrics=replace(job.metrics, worker_s=worker_s))


def _end(job: Job, status: Status, now: datetime, event: str, detail: str = "") -> Job:
    if status not in TRANSITIONS[job.status]:
        raise NotAllowed(f"A job that is {job.status} cannot become {status}.")
    ended = replace(
        job,
        status=status,
        stage=None,
        finished_at=now,
        lease_expires_at=None,
        attempt_ends_at=None,
        error=job.error if status is Status.FAILED else None,
        webhook=announce(job.webhook, job.id, f"job.{status.value}", now),
        push=announce(job.push, job.id, f"job.{status.value}", now),
    )
    return note(ended, now, event, detail)


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)
