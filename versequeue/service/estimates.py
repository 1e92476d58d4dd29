"""What workers measured lately, in one small document, and the waits told from it. Pure."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from versequeue.contract.views import WorkerState
from versequeue.ports.store import State
from versequeue.records import CANNOT_READ, format_time, from_record, parse_time
from versequeue.rules import waits
from versequeue.rules.job import Job, Stage, Status
from versequeue.rules.waits import Pace, Queue, Span, Work

log = logging.getLogger(__name__)
#: Name of the stored document.
WORKER_DOCUMENT = "worker"
KEPT_SAMPLES = 12
#: Beyond this a wait for the worker's start says more of the queue than of the start.
LONGEST_START_S = 120.0
#: A pass that is expected to be shorter than this is not worth a write.
SHORTEST_PASS_S = 1.0
#: How much longer than expected a song may take, until enough of its effort were seen to tell.
FEWEST_TO_TELL, USUAL_SPREAD = 5, 1.4
#: However alike the latest songs were, the next one may take so much longer.
LEAST_SPREAD = 1.15
#: So much more or less than expected a song may take for what is in it; beyond, it is the machine.
MOST_BY_SONG = 1.4
#: Within that, so much of it is held to be the machine's all the same.
BY_MACHINE = 0.4


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
    #: by effort, what songs took over what was expected of them, of ten at most one more
    spread: Mapping[str, float] = field(default_factory=dict)
    #: by their ids, when the jobs of the latest pass were to begin and end, from its beginning on
    pass_spans: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class _Samples:
    """The latest measurements as they are stored under `pace`."""

    line_s: dict[str, tuple[float, ...]] = field(default_factory=dict)
    song_s: tuple[float, ...] = ()
    start_s: tuple[float, ...] = ()
    load_s: tuple[float, ...] = ()
    shared: tuple[float, ...] = ()
    slowness: float = 1.0
    #: by effort
    over: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Pass:
    """What is stored under `pass`."""

    #: by job, its beginning and its end
    spans_s: dict[str, tuple[float, ...]]
    shared: float = 1.0


@dataclass(frozen=True)
class _Document:
    """All else that is stored, as far as anything is reckoned with it."""

    seen_at: datetime | None = None
    stopped_at: datetime | None = None
    model: str | None = None
    lanes: int = 1
    pace: _Samples | None = None


def sound(state: State) -> State:
    """The document; an empty one where what is stored is something else, to be learned anew."""
    try:
        document = from_record(_Document, state)
        if document.lanes < 1 or (document.pace and document.pace.slowness <= 0):
            raise ValueError("nothing is written by no lane, or in no time")
        if running := state.get("pass"):
            for span in from_record(_Pass, running).spans_s.values():
                Span(*span)
    except CANNOT_READ as error:
        log.warning("what was measured cannot be read, and begins anew: %.200s", error)
        return {}
    return state


def seen(state: State, now: datetime, worker: str, model: str, lanes: int = 1) -> State:
    """The document after `worker` showed that it has `model` loaded, which has so many lanes."""
    told = {"worker": worker, "model": model, "lanes": lanes}
    return {**state, "seen_at": format_time(now), **told}


def stopped(state: State, now: datetime) -> State:
    """The document after the one worker of an embedded server has stopped."""
    return {**state, "seen_at": None, "stopped_at": format_time(now), "pass": None}


def begun(state: State, jobs: Sequence[Job]) -> State:
    """The document after these jobs were claimed, to be written in one pass."""
    pace = _pace(state)
    if pace is None:
        return state
    spans = waits.pass_spans_s([waits.work_of(job.options) for job in jobs], pace)
    if max(span.end_s for span in spans) < SHORTEST_PASS_S:
        return state
    told = {
        job.id: [round(moment, 3) for moment in span] for job, span in zip(jobs, spans, strict=True)
    }
    return {**state, "pass": {"spans_s": told, "shared": pace.shared}}


def measured(state: State, job: Job, first: FirstLines | None, now: datetime) -> State:
    """The document after `job` has succeeded: what it took joins the latest measurements."""
    kept = _kept(state)
    if job.together > 1:
        _keep_shared(kept, state, job)
    else:
        _keep_single(kept, state, job, first)
    return {**state, "seen_at": format_time(now), "pace": kept}


def read(state: State, now: datetime, warm_s: float) -> WorkerOutlook:
    """What the document means at `now`; a worker not seen for `warm_s` counts as cold."""
    state = sound(state)
    worker: WorkerState = "unknown"
    if state.get("seen_at"):
        age_s = (now - parse_time(state["seen_at"])).total_seconds()
        worker = "warm" if age_s <= warm_s else "cold"
    elif state.get("stopped_at"):
        worker = "cold"
    spans = (state.get("pass") or {}).get("spans_s", {})
    return WorkerOutlook(
        worker=worker,
        model=state.get("model"),
        pace=_pace(state),
        spread={effort: _spread(over) for effort, over in _kept(state).get("over", {}).items()},
        pass_spans={name: Span(*each) for name, each in spans.items()},
    )


def queued_work(job: Job) -> Work:
    """The work that a waiting job is: one that was tried before is not written beside others."""
    return replace(waits.work_of(job.options), alone=job.attempt > 0)


def waiting(outlook: WorkerOutlook, now: datetime, in_hand: Sequence[Job] = ()) -> float:
    """Seconds until the worker can begin with the first job of the queue.

    `in_hand`: the jobs of the latest pass as they are now. Those that have ended, if sooner than
    was expected, hold nobody up.
    """
    pace = outlook.pace
    running = [job for job in in_hand if job.status is Status.RUNNING]
    if running and pace:
        return max(_left_s(job, outlook, pace, now) for job in running)
    return pace.start_s if pace and outlook.worker != "warm" else 0.0


def wait_of(
    job: Job,
    outlook: WorkerOutlook,
    now: datetime,
    ahead: Sequence[Job] = (),
    count: int = 0,
    in_hand: Sequence[Job] = (),
) -> Wait | None:
    """The time until the job's end; None where nothing was measured, or only its batch can tell.

    If it is queued, `ahead` are the first of the `count` jobs that are written before it, and
    `in_hand` are those that are written now.
    """
    pace = outlook.pace
    if job.done or pace is None or (job.status is Status.QUEUED and job.in_bulk):
        return None
    if job.status is Status.RUNNING:
        left_s = _left_s(job, outlook, pace, now)
    else:
        works = [queued_work(other) for other in ahead]
        queue = Queue(waiting(outlook, now, in_hand), works, count)
        left_s = waits.end_s(queued_work(job), queue, pace)
    spread = outlook.spread.get(job.options.effort, USUAL_SPREAD)
    return Wait(round(left_s, 1), round(left_s * spread, 1))


def _left_s(job: Job, outlook: WorkerOutlook, pace: Pace, now: datetime) -> float:
    work = waits.work_of(job.options)
    span = outlook.pass_spans.get(job.id) or Span(0.0, waits.pass_s([work] * job.together, pace))
    claim = next((each for each in reversed(job.events) if each.event == "claimed"), None)
    spent_s = _seconds(claim.at if claim else job.created_at, now)
    if claim is None or claim.detail != Stage.WRITING:
        spent_s -= pace.load_s
    return waits.left_s(work, len(job.preview), spent_s, span, pace)


def _keep_single(kept: dict[str, Any], state: State, job: Job, first: FirstLines | None) -> None:
    work, took_s = waits.work_of(job.options), job.metrics.generate_s or 0.0
    pace, slowness = _pace(state), kept.get("slowness", 1.0)
    if pace and work.effort in pace.line_s:
        over = took_s / max(0.001, waits.song_s(work, pace))
        spreads = dict(kept.get("over", {}))
        _keep(spreads, work.effort, over)
        kept["over"] = spreads
        by_song = min(max(over, 1 / MOST_BY_SONG), MOST_BY_SONG)
        slowness *= over / by_song * by_song**BY_MACHINE
        kept["slowness"] = round(slowness, 4)
    took_s /= slowness
    if first and work.written - first.lines >= work.written / 4:
        line_s = max(0.0, first.to_end_s / slowness) / (
            work.size * (1 - first.lines / work.written)
        )
        line_s = min(line_s, took_s / work.size)
        _keep(kept, "song_s", took_s - line_s * work.size)
    else:
        fixed_s = pace.song_s / slowness if pace else 0.0
        line_s = max(0.0, took_s - fixed_s) / work.size
    lines = dict(kept.get("line_s", {}))
    _keep(lines, work.effort, line_s)
    kept["line_s"] = lines
    start_s = (job.metrics.queue_s or 0.0) + (job.metrics.model_load_s or 0.0)
    if job.metrics.cold_start and job.attempt == 1 and start_s <= LONGEST_START_S:
        _keep(kept, "start_s", start_s)
        _keep(kept, "load_s", job.metrics.model_load_s or 0.0)


def _keep_shared(kept: dict[str, Any], state: State, job: Job) -> None:
    running = state.get("pass") or {}
    if span := running.get("spans_s", {}).get(job.id):
        took_s = job.metrics.generate_s or 0.0
        _keep(kept, "shared", running.get("shared", 1.0) * took_s / span[1])


def _kept(state: State) -> dict[str, Any]:
    return dict(state.get("pace") or {})


def _pace(state: State) -> Pace | None:
    kept = _kept(state)
    taken, slowness = kept.get("line_s", {}), kept.get("slowness", 1.0)
    lines = {each: slowness * median(taken[each]) for each in waits.USUAL_LINES if taken.get(each)}
    if not lines:
        return None
    return Pace(
        line_s=lines,
        song_s=slowness * _middle(kept.get("song_s"), 0.0),
        start_s=_middle(kept.get("start_s"), 0.0),
        load_s=_middle(kept.get("load_s"), 0.0),
        lanes=state.get("lanes", 1),
        shared=_middle(kept.get("shared"), 1.0),
    )


def _spread(over: Sequence[float]) -> float:
    if len(over) < FEWEST_TO_TELL:
        return USUAL_SPREAD
    return max(LEAST_SPREAD, quantiles(over, n=10, method="inclusive")[-1])


def _keep(samples: dict[str, Any], key: str, new: float) -> None:
    samples[key] = [*samples.get(key, ()), round(new, 4)][-KEPT_SAMPLES:]


def _middle(samples: Sequence[float] | None, usual: float) -> float:
    return median(samples) if samples else usual


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
