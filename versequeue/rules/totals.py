"""What has happened so far, as sums that only grow, by names of a fixed list. Pure.

They are kept in a small document beside the jobs, which are deleted one day: since it was made, and
of the day.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from versequeue.rules.channels import Channel
from versequeue.rules.job import Job, Status

#: name -> sum
Totals = Mapping[str, float]
Document = dict[str, Any]
#: Waits up to so many seconds are counted apart.
WAITS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
#: Beyond all of them.
LONGER = "longer"
#: From being asked for to the claim, and to the end.
QUEUED, WHOLE = "queued_s", "whole_s"
ENDS = tuple(status for status in Status if status.is_terminal)
REPAIRS = ("republished", "ended", "notified", "deleted", "failed")
RESULTS = ("delivered", "failed")


def end_of(status: Status) -> str:
    """The name of the jobs that ended so."""
    return f"ended.{status.value}"


def bucket(wait: str, bound: int | str) -> str:
    """The name of the waits that took up to `bound` and longer than the bound before it."""
    return f"{wait}.{bound}"


def delivery(channel: Channel, result: str) -> str:
    """The name of the attempts to tell of an end in this way, that went so."""
    return f"{channel.value}.{result}"


def repair(what: str) -> str:
    """The name of what the sweep did so often."""
    return f"swept.{what}"


NAMES = frozenset(
    (
        *(end_of(status) for status in ENDS),
        *(bucket(wait, bound) for wait in (QUEUED, WHOLE) for bound in (*WAITS_S, LONGER, "sum")),
        *(delivery(channel, result) for channel in Channel for result in RESULTS),
        *(repair(what) for what in REPAIRS),
        *("cold_starts", "lines", "tokens", "worker_s", "usd"),
    )
)


def of_job(job: Job, usd: float) -> Totals:
    """What the end of this job adds, which cost so much."""
    metrics = job.metrics
    found: dict[str, float] = {end_of(job.status): 1, "usd": usd}
    found["worker_s"] = metrics.worker_s or 0.0
    if job.status is Status.SUCCEEDED:
        found["lines"] = len(job.preview)
        found["tokens"] = metrics.tokens or 0
        found["cold_starts"] = metrics.starts or 0
        found |= _waited(QUEUED, metrics.queue_s or 0.0)
        if job.finished_at:
            found |= _waited(WHOLE, (job.finished_at - job.created_at).total_seconds())
    return found


def of_delivery(channel: Channel, *, arrived: bool) -> Totals:
    """What one attempt to tell of an end adds."""
    return {delivery(channel, RESULTS[0] if arrived else RESULTS[1]): 1}


def of_repairs(counts: Mapping[str, int]) -> Totals:
    """What a tick of the sweep adds that did so much; nothing where it did nothing."""
    return {repair(what): counts[what] for what in REPAIRS if counts.get(what)}


def plus(*several: Totals) -> Totals:
    """All of these together."""
    names = {name for each in several for name in each}
    return {name: round(sum(each.get(name, 0) for each in several), 9) for name in sorted(names)}


def noted(document: Any, new: Totals, now: datetime) -> Document:
    """The document with these added to it; what was broken in it begins anew."""
    today = _of_day(document, now)
    ever = _sound(_field(document, "ever"))
    return {"ever": plus(ever, new), "day": _day(now), "today": plus(today, new)}


def read(documents: Iterable[Any], now: datetime) -> tuple[Totals, Totals]:
    """(ever, of the day) in all of these documents."""
    kept = list(documents)
    ever = plus(*(_sound(_field(each, "ever")) for each in kept))
    return ever, plus(*(_of_day(each, now) for each in kept))


def _waited(wait: str, seconds: float) -> Totals:
    bound = next((each for each in WAITS_S if seconds <= each), LONGER)
    return {bucket(wait, bound): 1, bucket(wait, "sum"): max(0.0, seconds)}


def _of_day(document: Any, now: datetime) -> Totals:
    is_today = _field(document, "day") == _day(now)
    return _sound(_field(document, "today")) if is_today else {}


def _field(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None


def _day(now: datetime) -> str:
    return now.date().isoformat()


def _sound(sums: Any) -> Totals:
    # What somebody broke begins anew, and nothing that is no sum of ours is told.
    if not isinstance(sums, dict):
        return {}
    return {name: value for name, value in sums.items() if name in NAMES and _is_sum(value)}


def _is_sum(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0
