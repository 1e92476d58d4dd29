"""What workers measured lately, in one small document, and the waits told from it. Pure.

What another version has written in a form of its own counts as not there: it is measured anew.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from versequeue.contract.views import WorkerState
from versequeue.ports.store import State
from versequeue.records import format_time, parse_time
from versequeue.rules import waits
from versequeue.rules.job import Job, Stage, Status
from versequeue.rules.waits import Pace, Queue

log = logging.getLogger(__name__)
#: Name of the stored document.
WORKER_DOCUMENT = "worker"
KEPT_SAMPLES = 12
#: Beyond this a wait for the worker's start says more of the queue than of the start.
LONGEST_START_S = 120.0
#: A pass that is expected to be shorter than this is not worth a write.
SHORTEST_PASS_S = 1.0
#: How much longer than expected a song may take, until enough were seen to tell.
FEWEST_TO_TELL, USUAL_SPREAD = 5, 1.5


@dataclass(frozen=True)
class FirstLines:
    """The first report of a song's lines: how many there were, and seconds from it to the end."""

    lines: int
    to_end_s: float


@dataclass(frozen=True)
class Wait:
    """Seconds until a song's end: as expected, and what nine of ten do not exceed."""

    expected_s: float
    at_most_s: float


@dataclass(frozen=True)
class WorkerOutlook:
    """What the stored document lets expect of the worker at one moment."""

    worker: WorkerState = "unknown"
    model: str | None = None
    #: None as long as no song was measured
    pace: Pace | None = None
    #: what songs took over what was expected of them, of ten at most one more
    spread: float = USUAL_SPREAD
    #: when the pass began that is being written, and in how many seconds its jobs are to end
    pass_at: datetime | None = None
    pass_ends_s: Mapping[str, float] = field(default_factory=dict)

    def busy_s(self, now: datetime) -> float:
        """Seconds until the pass that is being written ends."""
        if self.pass_at is None:
            return 0.0
        return max(0.0, max(self.pass_ends_s.values()) - _seconds(self.pass_at, now))


def seen(state: State, now: datetime, worker: str, model: str) -> State:
    """The document after `worker` showed that it has `model` loaded."""
    return {**state, "seen_at": format_time(now), "worker": worker, "model": model}


def stopped(state: State, now: datetime) -> State:
    """The document after the one worker of an embedded server has stopped."""
    return {**state, "seen_at": None, "stopped_at": format_time(now), "pass": None}


def begun(state: State, jobs: Sequence[Job], now: datetime) -> State:
    """The document after these jobs were claimed, to be written in one pass."""
    pace = _pace(_understood(state))
    if pace is None:
        return state
    start_s = pace.start_s if jobs[0].stage is Stage.LOADING_MODEL else 0.0
    ends = waits.pass_ends_s([waits.work_of(job.options) for job in jobs], pace)
    if start_s + max(ends) < SHORTEST_PASS_S:
        return state
    told = {job.id: round(start_s + end, 3) for job, end in zip(jobs, ends, strict=True)}
    return {**state, "pass": {"at": format_time(now), "ends_s": told, "shared": pace.shared}}


def measured(state: State, job: Job, first: FirstLines | None, now: datetime) -> State:
    """The document after `job` has succeeded: what it took joins the latest measurements."""
    state = _understood(state)
    kept: dict[str, Any] = dict(state.get("pace") or {})
    if job.together > 1:
        _keep_shared(kept, state, job)
    else:
        _keep_single(kept, state, job, first)
    return {**state, "seen_at": format_time(now), "pace": kept}


def read(state: State, now: datetime, warm_s: float) -> WorkerOutlook:
    """What the document means at `now`; a worker not seen for `warm_s` counts as cold."""
    state = _understood(state)
    worker: WorkerState = "unknown"
    if state.get("seen_at"):
        age_s = (now - parse_time(state["seen_at"])).total_seconds()
        worker = "warm" if age_s <= warm_s else "cold"
    elif state.get("stopped_at"):
        worker = "cold"
    running = state.get("pass") or {}
    return WorkerOutlook(
        worker=worker,
        model=state.get("model"),
        pace=_pace(state),
        spread=_spread((state.get("pace") or {}).get("over")),
        pass_at=parse_time(running["at"]) if running else None,
        pass_ends_s=running.get("ends_s", {}),
    )


def waiting(outlook: WorkerOutlook, now: datetime) -> float:
    """Seconds until the worker can begin with the first job of the queue."""
    busy_s = outlook.busy_s(now)
    if busy_s or outlook.worker == "warm" or outlook.pace is None:
        return busy_s
    return outlook.pace.start_s


def wait_of(
    job: Job, outlook: WorkerOutlook, now: datetime, ahead: Sequence[Job] = (), count: int = 0
) -> Wait | None:
    """The time until the job's end; None where nothing was measured, or only its batch can tell.

    `ahead` are the first of the `count` jobs that are written before it, if it is queued.
    """
    pace = outlook.pace
    if job.done or pace is None or (job.status is Status.QUEUED and job.batch_id):
        return None
    if job.status is Status.RUNNING:
        left_s = _left_s(job, outlook, pace, now)
    else:
        works = [waits.work_of(other.options) for other in ahead]
        queue = Queue(waiting(outlook, now), works, count)
        left_s = waits.end_s(waits.work_of(job.options), queue, pace)
    return Wait(round(left_s, 1), round(left_s * outlook.spread, 1))


def _understood(state: State) -> State:
    kept = dict(state)
    for part, check in _CHECKS.items():
        try:
            if kept.get(part) is not None:
                check(kept[part])
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            log.warning("what is stored of the worker's %s is measured anew: %s", part, error)
            del kept[part]
    return kept


def _check_pace(pace: Mapping[str, Any]) -> None:
    for samples in (*pace.get("line_s", {}).values(), *map(pace.get, _SAMPLED)):
        sum(samples or ())  # raises for whatever is not numbers


def _check_pass(running: Mapping[str, Any]) -> None:
    if running:
        parse_time(running["at"])
        sum(running["ends_s"].values(), running.get("shared", 1.0))
        max(running["ends_s"].values())  # raises if there are none


_SAMPLED = ("song_s", "start_s", "written", "shared", "over")
_CHECKS: Mapping[str, Callable[[Any], object]] = {
    "seen_at": parse_time,
    "stopped_at": parse_time,
    "pace": _check_pace,
    "pass": _check_pass,
}


def _left_s(job: Job, outlook: WorkerOutlook, pace: Pace, now: datetime) -> float:
    work = waits.work_of(job.options)
    claimed_at = next((e.at for e in reversed(job.events) if e.event == "claimed"), job.created_at)
    total_s = outlook.pass_ends_s.get(job.id)
    if total_s is None:
        start_s = pace.start_s if job.stage is Stage.LOADING_MODEL else 0.0
        total_s = start_s + waits.pass_ends_s([work] * job.together, pace)[-1]
    left_s = total_s - _seconds(claimed_at, now)
    if job.preview:
        # Not sooner than if it were alone from now on, nor later than if the others came first.
        alone_s = (waits.song_s(work, pace) - pace.song_s) * (1 - len(job.preview) / work.lines)
        left_s = min(max(left_s, alone_s), alone_s * job.together)
    return max(0.0, left_s)


def _keep_single(kept: dict[str, Any], state: State, job: Job, first: FirstLines | None) -> None:
    work, took_s = waits.work_of(job.options), job.metrics.generate_s or 0.0
    if pace := _pace(state):
        _keep(kept, "over", took_s / max(0.001, waits.song_s(work, pace)))
    written = _written(job)
    if first and written - first.lines >= written / 4:
        line_s = max(0.0, first.to_end_s) / (written - first.lines)
        line_s = min(line_s, took_s / written)
        _keep(kept, "song_s", took_s - line_s * written)
    else:
        fixed_s = pace.song_s if pace else 0.0
        line_s = max(0.0, took_s - fixed_s) / written
    lines: dict[str, Any] = dict(kept.get("line_s", {}))
    _keep(lines, work.kind, line_s)
    kept["line_s"] = lines
    if work.has_chorus:
        _keep(kept, "written", min(1.0, written / job.options.lines))
    start_s = (job.metrics.queue_s or 0.0) + (job.metrics.model_load_s or 0.0)
    if job.metrics.cold_start and job.attempt == 1 and start_s <= LONGEST_START_S:
        _keep(kept, "start_s", start_s)


def _keep_shared(kept: dict[str, Any], state: State, job: Job) -> None:
    running = state.get("pass") or {}
    expected_s = running.get("ends_s", {}).get(job.id)
    if expected_s:
        took_s = (job.metrics.model_load_s or 0.0) + (job.metrics.generate_s or 0.0)
        _keep(kept, "shared", running.get("shared", 1.0) * took_s / expected_s)


def _pace(state: State) -> Pace | None:
    kept = state.get("pace") or {}
    taken = kept.get("line_s", {})
    lines = {kind: median(taken[kind]) for kind in waits.USUAL_LINES if taken.get(kind)}
    if not lines:
        return None
    return Pace(
        line_s=lines,
        song_s=_middle(kept.get("song_s"), 0.0),
        start_s=_middle(kept.get("start_s"), 0.0),
        written=_middle(kept.get("written"), waits.USUAL_WRITTEN),
        shared=_middle(kept.get("shared"), 1.0),
    )


def _written(job: Job) -> int:
    """Lines that were written: a chorus that is sung again was written once."""
    sections = (job.output or {}).get("sections", ())
    return max(1, sum(len(lines) for lines in {s["name"]: s["lines"] for s in sections}.values()))


def _spread(over: Sequence[float] | None) -> float:
    if over is None or len(over) < FEWEST_TO_TELL:
        return USUAL_SPREAD
    return max(1.0, quantiles(over, n=20, method="inclusive")[-1])


def _keep(samples: dict[str, Any], key: str, new: float) -> None:
    samples[key] = [*samples.get(key, ()), round(new, 4)][-KEPT_SAMPLES:]


def _middle(samples: Sequence[float] | None, usual: float) -> float:
    return median(samples) if samples else usual


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
