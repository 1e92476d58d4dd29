"""A job, a batch or a row as a caller sees it: which fields, under which names, with which URLs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from versequeue.config import Settings
from versequeue.contract import paths, views
from versequeue.contract.paths import path_of
from versequeue.contract.wire import to_wire
from versequeue.errors import Problem, Unreadable
from versequeue.planning.job_costs import batch_usd, day_and_night, job_usd
from versequeue.records import CANNOT_READ, from_record, to_record
from versequeue.rules.batch import Batch, batch_status
from versequeue.rules.job import Job, Status
from versequeue.rules.outlook import Wait
from versequeue.rules.push import Push
from versequeue.rules.webhook import Webhook
from versequeue.service.jobs import Jobs

Document = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class _Lyrics:
    """As much as every model's output has."""

    lyrics: str


def present(jobs: Jobs, job: Job) -> Document:
    """The job object, with its place in the queue and the time left as `jobs` knows them."""
    position = jobs.queue_position(job)
    wait = jobs.wait_of(job, position)
    return job_view(job, jobs.settings, position=position, wait=wait)


def job_view(
    job: Job, settings: Settings, *, position: int | None = None, wait: Wait | None = None
) -> Document:
    """The job object of the contract."""
    return to_wire(view_of(job, settings, position=position, wait=wait))


def view_of(
    job: Job, settings: Settings, *, position: int | None = None, wait: Wait | None = None
) -> views.JobView:
    """The job as its fields on the wire are."""
    return views.JobView(
        id=job.id,
        status=job.status,
        done=job.done,
        stage=job.stage,
        prompt=job.prompt,
        options=to_record(job.options) if job.own_options is None else job.own_options,
        given=job.given,
        metadata=job.metadata,
        batch_id=job.batch_id,
        custom_id=job.custom_id,
        attempt=job.attempt,
        max_attempts=job.max_attempts + job.excused,
        progress=views.Progress(completed=len(job.preview), total=job.options.lines),
        preview="\n".join(job.preview),
        output=_output(job),
        error=_error(job),
        queue_position=position,
        eta_seconds=wait.expected_s if wait else None,
        eta_at_most_seconds=wait.at_most_s if wait else None,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        cancel_requested_at=job.cancel_requested_at,
        deadline_at=job.deadline_at,
        when=job.when,
        ready_by=job.ready_by,
        expires_at=job.expires_at,
        metrics=_metrics(job),
        events=job.events,
        webhook=_webhook(job.webhook),
        push=_push(job.push),
        urls=_job_urls(job, settings),
    )


def _job_urls(job: Job, settings: Settings) -> dict[str, str]:
    return {
        "self": settings.results_url + path_of(paths.JOB, job.id),
        "cancel": settings.submit_url + path_of(paths.CANCEL_JOB, job.id),
        "lyrics": settings.results_url + path_of(paths.LYRICS, job.id),
    }


def row_view(job: Job) -> Document:
    """The job as a row of its batch's results."""
    view = views.RowView(
        custom_id=job.custom_id or "",
        line=job.line or 0,
        id=job.id,
        status=job.status,
        prompt=job.prompt,
        output=_output(job),
        error=_error(job),
    )
    return to_wire(view)


def batch_view(
    batch: Batch, counts: Mapping[Status, int], settings: Settings, *, eta_s: float | None = None
) -> Document:
    """The batch object of the contract; `counts` are those of its rows at this moment."""
    status = batch_status(batch, counts)
    view = views.BatchView(
        id=batch.id,
        status=status,
        done=status != "running",
        request_counts=views.Counts(batch.total, **{each: counts.get(each, 0) for each in Status}),
        created_at=batch.created_at,
        finished_at=batch.finished_at,
        eta_seconds=eta_s,
        cost_usd=batch_usd(batch) if status != "running" else None,
        when=batch.when,
        ready_by=batch.ready_by,
        metadata=batch.metadata,
        webhook=_webhook(batch.webhook),
        push=_push(batch.push),
        urls={
            "self": settings.results_url + path_of(paths.BATCH, batch.id),
            "results": settings.results_url + path_of(paths.RESULTS, batch.id),
            "cancel": settings.submit_url + path_of(paths.CANCEL_BATCH, batch.id),
            "retry_failed": settings.submit_url + path_of(paths.RETRY_FAILED, batch.id),
        },
    )
    return to_wire(view)


def retry_after_s(job: Job, now: datetime) -> int:
    """When a poller should come back: soon while lines appear, later the longer nothing does."""
    if job.status is Status.RUNNING:
        return 1
    age_s = (now - job.created_at).total_seconds()
    return 1 if age_s < 15 else 2 if age_s < 60 else 5


def lyrics_of(job: Job) -> str:
    """The finished text, empty where there is none. Raises Unreadable."""
    return _read(_Lyrics, job.output).lyrics if job.output else ""


def _metrics(job: Job) -> views.MetricsView:
    usd = job_usd(job)
    machine_usd = None if usd is None else day_and_night().month
    return views.MetricsView(**vars(job.metrics), cost_usd=usd, machine_usd=machine_usd)


def _output(job: Job) -> Any:
    """The song; as it is, what another model made."""
    if job.output and "sections" in job.output:
        return _read(views.Song, job.output)
    return job.output


def _error(job: Job) -> Problem | None:
    # A job that is tried again keeps its last attempt's error; callers see one only of its end.
    return _read(Problem, job.error) if job.error and job.status is Status.FAILED else None


def _read(cls: type[T], record: Document) -> T:
    try:
        return from_record(cls, record)
    except CANNOT_READ as error:
        raise Unreadable(f"What is stored of this job cannot be read: {error!s:.200}.") from error


def _webhook(webhook: Webhook | None) -> views.WebhookView | None:
    return views.WebhookView(webhook.url, webhook.events, webhook.deliveries) if webhook else None


def _push(push: Push | None) -> views.PushView | None:
    return views.PushView(push.deliveries) if push else None
