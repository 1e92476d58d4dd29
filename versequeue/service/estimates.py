"""What workers measured lately, in one small document, and the waits expected from it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from versequeue.contract.views import WorkerState
from versequeue.ports.store import State
from versequeue.records import format_time, parse_time
from versequeue.rules.job import Job, Status

#: Name of the stored document.
WORKER_DOCUMENT = "worker"
KEPT_SAMPLES = 20


@dataclass(frozen=True)
class WorkerOutlook:
    """What the stored document lets expect of the worker at one moment."""

    worker: WorkerState
    model: str | None
    #: seconds that a job takes on a worker that has to load the model, and on one that has it
    cold_s: float | None
    warm_s: float | None
    line_s: float | None


def seen(state: State, now: datetime, worker: str, model: str) -> State:
    """The document after `worker` showed that it has `model` loaded."""
    return {**state, "seen_at": format_time(now), "worker": worker, "model": model}


def at_work(state: State, now: datetime) -> State:
    """The document after a worker ended a job whose times say nothing of a single song's."""
    return {**state, "seen_at": format_time(now)}


def stopped(state: State, now: datetime) -> State:
    """The document after the one worker of an embedded server has stopped."""
    return {**state, "seen_at": None, "stopped_at": format_time(now)}


def measured(state: State, job: Job, now: datetime) -> State:
    """The document after `job` has succeeded: its times join the latest ones."""
    key = "cold_s" if job.metrics.cold_start else "warm_s"
    total_s = (job.metrics.model_load_s or 0) + (job.metrics.generate_s or 0)
    line_s = (job.metrics.generate_s or 0) / job.options.lines
    changed = {**state, "seen_at": format_time(now)}
    changed[key] = _keep(state.get(key), total_s)
    changed["line_s"] = _keep(state.get("line_s"), line_s)
    return changed


def read(state: State, now: datetime, warm_s: float) -> WorkerOutlook:
    """What the document means at `now`; a worker not seen for `warm_s` counts as cold."""
    worker: WorkerState = "unknown"
    if state.get("seen_at"):
        age_s = (now - parse_time(state["seen_at"])).total_seconds()
        worker = "warm" if age_s <= warm_s else "cold"
    elif state.get("stopped_at"):
        worker = "cold"
    return WorkerOutlook(
        worker=worker,
        model=state.get("model"),
        cold_s=_middle(state.get("cold_s")),
        warm_s=_middle(state.get("warm_s")),
        line_s=_middle(state.get("line_s")),
    )


def eta_s(job: Job, outlook: WorkerOutlook, position: int | None) -> float | None:
    """Seconds until the job's end as far as is known; None if nothing was measured yet."""
    if job.done or outlook.line_s is None:
        return None
    left = job.options.lines - len(job.preview)
    if job.status is Status.RUNNING and job.preview:
        # An upper bound: songs written together take at most as long as one after the other.
        return round(left * outlook.line_s * job.together, 1)
    start_s = 0.0
    if outlook.worker != "warm":
        start_s = max(0.0, (outlook.cold_s or 0.0) - (outlook.warm_s or 0.0))
    ahead = max(0, (position or 1) - 1) * (outlook.warm_s or outlook.cold_s or 0.0)
    return round(start_s + ahead + left * outlook.line_s, 1)


def _keep(samples: Any, new: float) -> list[float]:
    return [*(samples or []), round(new, 3)][-KEPT_SAMPLES:]


def _middle(samples: Any) -> float | None:
    return round(median(samples), 3) if samples else None
