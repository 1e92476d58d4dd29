"""What workers measured lately, in one small document, from which waits are told. Pure."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from versequeue.ports.store import State
from versequeue.records import (
    CANNOT_READ,
    format_time,
    from_record,
    parse_time,
    to_record,
)
from versequeue.rules import waits
from versequeue.rules.job import Job
from versequeue.rules.outlook import USUAL_SPREAD, About, WorkerOutlook, WorkerState
from versequeue.rules.waits import Pace, Span, Work

log = logging.getLogger(__name__)
#: Name of the stored document.
WORKER_DOCUMENT = "worker"
KEPT_SAMPLES = 12
#: Beyond this a wait for the worker's start says more of the queue than of the start.
LONGEST_START_S = 120.0
#: A pass that is expected to be shorter than this is not worth a write.
SHORTEST_PASS_S = 1.0
#: So many songs of an effort have to be seen to tell how much longer than expected one may take.
FEWEST_TO_TELL = 5
#: However alike the latest songs were, the next one may take so much longer.
LEAST_SPREAD = 1.15
#: So much more or less than expected a song may take for what is in it; beyond, it is the machine.
MOST_BY_SONG = 1.4
#: Within that, so much of it is held to be the machine's all the same.
BY_MACHINE = 0.4
#: A machine is never held to be faster than this many times as slow as usual: what is over in no
#: time at all says nothing of it.
LEAST_SLOWNESS = 0.01


@dataclass(frozen=True)
class FirstLines:
    """The first report of a song's lines: how many there were, and seconds from it to the end."""

    lines: int
    to_end_s: float


@dataclass(frozen=True)
class _Samples:
    """The latest measurements as they are stored under `pace`."""

    line_s: dict[str, tuple[float, ...]] = field(default_factory=dict)
    song_s: tuple[float, ...] = ()
    start_s: tuple[float, ...] = ()
    load_s: tuple[float, ...] = ()
    shared: tuple[float, ...] = ()
    apart: tuple[float, ...] = ()
    slowness: float = 1.0
    #: by effort
    over: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Pass:
    """What is stored under `pass`."""

    #: by job, its beginning and its end
    spans_s: dict[str, tuple[float, ...]]
    #: what the `correction` of its pace was then, by its name
    shared: float = 1.0
    apart: float | None = None


@dataclass(frozen=True)
class _Document:
    """All else that is stored, as far as anything is reckoned with it."""

    seen_at: datetime | None = None
    stopped_at: datetime | None = None
    model: str | None = None
    lanes: int = 1
    #: of a server with one model, and by their names those of one with several
    pace: _Samples | None = None
    paces: dict[str, _Samples] = field(default_factory=dict)
    loaded: str | None = None
    models: dict[str, About] = field(default_factory=dict)

    @property
    def is_odd(self) -> bool:
        """Whether nothing is written by no lane, or in no time."""
        samples = [*self.paces.values(), *([self.pace] if self.pace else [])]
        lanes = [self.lanes, *(about.lanes for about in self.models.values())]
        return min(lanes) < 1 or any(each.slowness <= 0 for each in samples)


def sound(state: State) -> State:
    """The document; an empty one where what is stored is something else, to be learned anew."""
    try:
        document = from_record(_Document, state)
        if document.is_odd:
            raise ValueError("nothing is written by no lane, or in no time")
        if running := state.get("pass"):
            for span in from_record(_Pass, running).spans_s.values():
                Span(*span)
    except CANNOT_READ as error:
        log.warning("what was measured cannot be read, and begins anew: %.200s", error)
        return {}
    return state


def seen(state: State, now: datetime, worker: str, about: About, name: str = "") -> State:
    """The document after `worker` showed that it has this model loaded, which jobs call `name`."""
    told = {"worker": worker, "model": about.model, "lanes": about.lanes, "loaded": name}
    models = {**(state.get("models") or {}), name: to_record(about)}
    return {**state, "seen_at": format_time(now), **told, "models": models}


def described(state: State, models: Mapping[str, About]) -> State:
    """The document with these models, by their names, and no others; lanes stay as they are."""
    known = _models(state)
    lanes = {name: known[name].lanes if name in known else 1 for name in models}
    told = {name: replace(about, lanes=lanes[name]) for name, about in models.items()}
    return {**state, "models": to_record(told)}


def stopped(state: State, now: datetime) -> State:
    """The document after the one worker of an embedded server has stopped."""
    at = format_time(now)
    return {**state, "seen_at": None, "stopped_at": at, "pass": None, "loaded": None}


def begun(state: State, jobs: Sequence[Job]) -> State:
    """The document after these jobs, of one model, were claimed, to be written in one pass."""
    pace = _pace(state, jobs[0].options.model)
    if pace is None:
        return state
    spans = waits.pass_spans_s([waits.work_of(job.options, job.given) for job in jobs], pace)
    if max(span.end_s for span in spans) < SHORTEST_PASS_S:
        return state
    told = {
        job.id: [round(moment, 3) for moment in span] for job, span in zip(jobs, spans, strict=True)
    }
    return {
        **state,
        "pass": {"spans_s": told, _factor(len(jobs), pace.lanes): pace.correction(len(jobs))},
    }


def measured(state: State, job: Job, first: FirstLines | None, now: datetime) -> State:
    """The document after `job` has succeeded: what it took joins the latest measurements."""
    model = job.options.model
    kept = _kept(state, model)
    if job.together > 1 and _has_usual_lines(job):
        _keep_shared(kept, state, job)
    elif job.together == 1:
        _keep_single(kept, state, job, first)
    seen_at = {"seen_at": format_time(now)}
    if not model:
        return {**state, **seen_at, "pace": kept}
    return {**state, **seen_at, "paces": {**(state.get("paces") or {}), model: kept}}


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
    names = ("", *(state.get("paces") or {}))
    paces = {name: _pace(state, name) for name in names}
    spreads = {name: _kept(state, name).get("over", {}) for name in names}
    return WorkerOutlook(
        worker=worker,
        model=state.get("model"),
        paces={name: pace for name, pace in paces.items() if pace},
        spreads={
            name: {effort: _spread(over) for effort, over in each.items()}
            for name, each in spreads.items()
        },
        pass_spans={name: Span(*each) for name, each in spans.items()},
        tells_passes="pass" in state,
        loaded=state.get("loaded", "") if worker == "warm" else None,
        models=_models(state),
    )


def _keep_single(kept: dict[str, Any], state: State, job: Job, first: FirstLines | None) -> None:
    work, took_s = waits.work_of(job.options, job.given), job.metrics.generate_s or 0.0
    pace, slowness = _pace(state, work.model), kept.get("slowness", 1.0)
    if pace and work.effort in pace.line_s:
        over = took_s / max(0.001, waits.song_s(work, pace))
        spreads = dict(kept.get("over", {}))
        _keep(spreads, work.effort, over)
        kept["over"] = spreads
        by_song = min(max(over, 1 / MOST_BY_SONG), MOST_BY_SONG)
        by_machine = over / by_song if _has_usual_lines(job) else 1.0
        slowness = max(LEAST_SLOWNESS, slowness * by_machine * by_song**BY_MACHINE)
        kept["slowness"] = round(slowness, 4)
    if not pace or _has_usual_lines(job):
        _keep_lines(kept, work, took_s, first, pace)
    start_s = (job.metrics.queue_s or 0.0) + (job.metrics.model_load_s or 0.0)
    if job.metrics.cold_start and job.attempt == 1 and start_s <= LONGEST_START_S:
        _keep(kept, "start_s", start_s)
    if job.metrics.model_load_s:
        _keep(kept, "load_s", job.metrics.model_load_s)


def _has_usual_lines(job: Job) -> bool:
    """Whether all of its lines are written, as long as its style has them: what a song takes whose
    lines are given, or of three syllables or sixteen, says nothing of others.
    """
    return not (any(job.given) or job.options.syllables or job.options.tune)


def _keep_lines(
    kept: dict[str, Any], work: Work, took_s: float, first: FirstLines | None, pace: Pace | None
) -> None:
    slowness = kept.get("slowness", 1.0)
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


def _keep_shared(kept: dict[str, Any], state: State, job: Job) -> None:
    running = state.get("pass") or {}
    if span := running.get("spans_s", {}).get(job.id):
        took_s = job.metrics.generate_s or 0.0
        name = "apart" if "apart" in running else "shared"
        _keep(kept, name, running.get(name, 1.0) * took_s / span[1])


def _factor(songs: int, lanes: int) -> str:
    """What corrects the time of a pass of so many songs: two songs on two lanes tell little of
    eight."""
    return "apart" if songs <= lanes else "shared"


def _kept(state: State, model: str) -> dict[str, Any]:
    kept = (state.get("paces") or {}).get(model) if model else state.get("pace")
    return dict(kept or {})


def _models(state: State) -> dict[str, About]:
    known = (state.get("models") or {}).items()
    return {name: from_record(About, about) for name, about in known}


def _pace(state: State, model: str) -> Pace | None:
    kept = _kept(state, model)
    taken, slowness = kept.get("line_s", {}), kept.get("slowness", 1.0)
    lines = {each: slowness * median(taken[each]) for each in waits.USUAL_LINES if taken.get(each)}
    if not lines:
        return None
    return Pace(
        line_s=lines,
        song_s=slowness * _middle(kept.get("song_s"), 0.0),
        start_s=_middle(kept.get("start_s"), 0.0),
        load_s=_middle(kept.get("load_s"), 0.0),
        lanes=_lanes(state, model),
        shared=_middle(kept.get("shared"), 1.0),
        apart=_middle(kept.get("apart"), 1.0),
    )


def _lanes(state: State, model: str) -> int:
    about = _models(state).get(model)
    return about.lanes if model and about else state.get("lanes", 1)


def _spread(over: Sequence[float]) -> float:
    if len(over) < FEWEST_TO_TELL:
        return USUAL_SPREAD
    return max(LEAST_SPREAD, quantiles(over, n=10, method="inclusive")[-1])


def _keep(samples: dict[str, Any], key: str, new: float) -> None:
    samples[key] = [*samples.get(key, ()), round(new, 4)][-KEPT_SAMPLES:]


def _middle(samples: Sequence[float] | None, usual: float) -> float:
    return median(samples) if samples else usual
