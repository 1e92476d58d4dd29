"""The whole service at one moment, in few reads of the store however many jobs it has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from versequeue import __version__
from versequeue.config import Settings
from versequeue.contract.overview import DayView, OverviewView, RunView
from versequeue.planning.job_costs import job_usd
from versequeue.ports.store import Store
from versequeue.rules import totals
from versequeue.rules.job import Job, Status
from versequeue.rules.outlook import WorkerOutlook
from versequeue.rules.totals import Totals
from versequeue.service import estimates
from versequeue.service.endings import TOTALS_DOCUMENT

#: Jobs that are shown: of those that run, and of the newest.
MOST_SHOWN = 10
#: Of an id so much is shown as tells one job from another. All of it is the key to the job.
SHOWN_OF_ID = 12


@dataclass(frozen=True)
class Figures:
    """What five reads tell, and one more for each thousand of those that wait."""

    now: datetime
    worker: WorkerOutlook
    #: what the model is called whose jobs name none
    usual_model: str
    queued: int
    #: how long the one that has waited the longest has done so; 0 where nobody waits
    oldest_s: float
    running: int
    ever: Totals
    today: Totals


def read_figures(store: Store, settings: Settings, now: datetime) -> Figures:
    """The figures at `now`. Raises StoreUnavailable."""
    worker = store.get_state(estimates.WORKER_DOCUMENT)
    kept = (worker.get("totals"), store.get_state(TOTALS_DOCUMENT))
    ever, today = totals.read(kept, now)
    oldest = store.oldest_jobs(Status.QUEUED, 1)
    waited_s = (now - oldest[0].created_at).total_seconds() if oldest else 0.0
    return Figures(
        now=now,
        worker=estimates.read(worker, now, settings.warm_s),
        usual_model=settings.model_names[0],
        queued=store.count_queued(),
        oldest_s=max(0.0, waited_s),
        running=store.count_running(),
        ever=ever,
        today=today,
    )


def overview(store: Store, settings: Settings, now: datetime) -> OverviewView:
    """The figures with the jobs that run and the newest, no prompt and no whole id among them."""
    found = read_figures(store, settings, now)
    ends = {status.value: int(found.today.get(totals.end_of(status), 0)) for status in totals.ENDS}
    return OverviewView(
        version=__version__,
        worker=found.worker.worker,
        model=found.worker.model,
        queue_depth=found.queued,
        oldest_queued_seconds=round(found.oldest_s, 1),
        running_count=found.running,
        running=_shown(store.oldest_jobs(Status.RUNNING, MOST_SHOWN)),
        latest=_shown(store.newest_jobs(None, None, MOST_SHOWN)),
        today=DayView(now.date().isoformat(), **ends, cost_usd=found.today.get("usd", 0.0)),
    )


def _shown(jobs: Iterable[Job]) -> tuple[RunView, ...]:
    return tuple(
        RunView(
            id=job.id[:SHOWN_OF_ID],
            status=job.status,
            stage=job.stage,
            lines_done=len(job.preview),
            lines_total=job.options.lines,
            worker=job.worker,
            batch=job.batch_id is not None,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            cost_usd=job_usd(job),
        )
        for job in jobs
    )
