"""The answer that shows the owner the whole service; see `versequeue.contract.views`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, get_args

from versequeue.contract.views import Count
from versequeue.rules.job import Stage, Status
from versequeue.rules.outlook import WorkerState


@dataclass(frozen=True)
class RunView:
    """A job as far as the service's owner sees it: neither its prompt nor all of its id."""

    id: str
    status: Annotated[str, {"enum": list(Status)}]
    stage: Annotated[str | None, {"enum": [*Stage, None]}] = None
    lines_done: Count = 0
    lines_total: Count = 0
    worker: str = ""
    #: whether it is a row of a file
    batch: bool = False
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class DayView:
    """What has ended since midnight in UTC, and what it cost."""

    day: str = ""
    succeeded: Count = 0
    failed: Count = 0
    canceled: Count = 0
    expired: Count = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class OverviewView:
    """The whole service at one moment."""

    object: Annotated[str, {"const": "overview"}] = field(default="overview", kw_only=True)
    version: str = ""
    worker: Annotated[str, {"enum": list(get_args(WorkerState))}] = "unknown"
    model: str | None = None
    queue_depth: Count = 0
    oldest_queued_seconds: float = 0.0
    running_count: Count = 0
    #: the first of those that run, and the newest of all
    running: tuple[RunView, ...] = ()
    latest: tuple[RunView, ...] = ()
    today: DayView = DayView()
