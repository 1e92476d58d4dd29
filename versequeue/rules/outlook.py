"""What may be expected of the worker, and the waits that are told from it. Pure.

Times are those of a model, by the name that jobs ask for it by; that is empty where a server has
one model and jobs ask for none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from versequeue.rules import waits
from versequeue.rules.job import Job, Stage, Status
from versequeue.rules.waits import Pace, Paces, Queue, Span, Work

WorkerState = Literal["warm", "cold", "unknown"]
#: How much longer than expected a song may take, until enough of its effort were seen to tell.
USUAL_SPREAD = 1.4


@dataclass(frozen=True)
class Wait:
    """Seconds until a song's end: as expected, and what nine of ten do not exceed."""

    expected_s: float
    at_most_s: float


@dataclass(frozen=True)
class About:
    """What is known of a model: what its bundle calls it and its licence, and how many lanes."""

    model: str = ""
    licence: str = ""
    lanes: int = 1


@dataclass(frozen=True)
class WorkerOutlook:
    """What the stored document lets expect of the worker at one moment."""

    worker: WorkerState = "unknown"
    #: what the bundle that was loaded last calls itself
    model: str | None = None
    #: by the model's name, as far as songs of it were measured
    paces: Mapping[str, Pace] = field(default_factory=dict)
    #: by the model's name and by effort, what songs took over what was expected, of ten at most
    #: one more
    spreads: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    #: by their ids, when the jobs of the latest pass were to begin and end, from its beginning on
    pass_spans: Mapping[str, Span] = field(default_factory=dict)
    #: whether each pass is noted, as it is where there is one worker
    tells_passes: bool = False
    #: the name of the model in memory; None where no worker is awake
    loaded: str | None = None
    #: by its name
    models: Mapping[str, About] = field(default_factory=dict)

    def pace_of(self, model: str = "") -> Pace | None:
        """That of a model; None as long as no song of it was measured."""
        return self.paces.get(model)


def waiting(
    outlook: WorkerOutlook, now: datetime, in_hand: Sequence[Job] = (), model: str = ""
) -> float:
    """Seconds until the worker can begin with the first job of the queue, which is of `model`.

    `in_hand`: the jobs of the latest pass as they are now. Those that have ended, if sooner than
    was expected, hold nobody up.
    """
    running = [job for job in in_hand if job.status is Status.RUNNING]
    left_s = [
        _left_s(job, outlook, pace, now)
        for job in running
        if (pace := outlook.pace_of(job.options.model))
    ]
    if left_s:
        return max(left_s)
    own = outlook.pace_of(model)
    return own.start_s if own and outlook.worker != "warm" else 0.0


def wait_of(
    job: Job,
    outlook: WorkerOutlook,
    now: datetime,
    ahead: Sequence[Job] = (),
    count: int = 0,
    in_hand: Sequence[Job] = (),
) -> Wait | None:
    """The time until the job's end; None where nothing was measured, or only its batch can tell.

    A later job that waits has until it is to be ready; nobody can tell of one that is late.

    If it is queued, `ahead` are the first of the `count` jobs that are written before it, and
    `in_hand` are those that are written now.
    """
    if job.ready_by and job.status is Status.QUEUED:
        left_s = round(_seconds(now, job.ready_by), 1)
        return Wait(left_s, left_s) if left_s > 0 else None
    pace = outlook.pace_of(job.options.model)
    if job.done or pace is None or (job.status is Status.QUEUED and job.in_bulk):
        return None
    if job.status is Status.RUNNING:
        left_s = _left_s(job, outlook, pace, now)
    else:
        own, works = queued_work(job), [queued_work(other) for other in ahead]
        busy_s = waiting(outlook, now, in_hand, [*works, own][0].model)
        left_s = waits.end_s(own, Queue(busy_s, works, count), paces_of(outlook, in_hand))
    spreads = outlook.spreads.get(job.options.model, {})
    spread = spreads.get(job.options.effort, USUAL_SPREAD)
    return Wait(round(left_s, 1), round(left_s * spread, 1))


def queued_work(job: Job) -> Work:
    """The work that a waiting job is: one that was tried before is not written beside others."""
    return replace(waits.work_of(job.options, job.given), alone=job.attempt > 0)


def paces_of(outlook: WorkerOutlook, in_hand: Sequence[Job] = ()) -> Paces:
    """What the worker takes with each model, and which it has loaded once it is free."""
    running = [job.options.model for job in in_hand if job.status is Status.RUNNING]
    return Paces(outlook.paces, running[0] if running else outlook.loaded)


def _left_s(job: Job, outlook: WorkerOutlook, pace: Pace, now: datetime) -> float:
    work = waits.work_of(job.options, job.given)
    span = outlook.pass_spans.get(job.id) or Span(0.0, waits.pass_s([work] * job.together, pace))
    claim = next((each for each in reversed(job.events) if each.event == "claimed"), None)
    spent_s = _seconds(claim.at if claim else job.created_at, now)
    if claim is None or claim.detail != Stage.WRITING:
        spent_s -= pace.load_s
    silent_s = _seconds(job.shown_at, now) if job.shown_at else 0.0
    return waits.left_s(work, len(job.preview), spent_s, span, pace, silent_s)


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
