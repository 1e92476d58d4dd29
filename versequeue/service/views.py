"""A job or a batch on the wire: which of its fields a caller sees, and under which names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from versequeue.config import Settings
from versequeue.records import to_record
from versequeue.rules.batch import Batch, batch_status
from versequeue.rules.job import Job, Status
from versequeue.rules.webhook import Webhook
from versequeue.service.jobs import Jobs


def wire_time(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def present(jobs: Jobs, job: Job) -> dict[str, Any]:
    """The job object, with its place in the queue and the time left as `jobs` knows them."""
    position = jobs.queue_position(job)
    eta_s = jobs.eta_s(job, position)
    return job_view(job, jobs.settings, position=position, eta_s=eta_s)


def job_view(
    job: Job, settings: Settings, *, position: int | None = None, eta_s: float | None = None
) -> dict[str, Any]:
    """The job object of the contract."""
    lines = job.preview
    return {
        "object": "job",
        "id": job.id,
        "status": job.status.value,
        "done": job.done,
        "stage": job.stage.value if job.stage else None,
        "prompt": job.prompt,
        "options": to_record(job.options),
        "metadata": job.metadata,
        "batch_id": job.batch_id,
        "custom_id": job.custom_id,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "progress": {"completed": len(lines), "total": job.options.lines, "unit": "lines"},
        "preview": "\n".join(lines),
        "output": job.output,
        "error": job.error if job.status is Status.FAILED else None,
        "queue_position": position,
        "eta_seconds": eta_s,
        "created_at": wire_time(job.created_at),
        "started_at": wire_time(job.started_at),
        "finished_at": wire_time(job.finished_at),
        "cancel_requested_at": wire_time(job.cancel_requested_at),
        "expires_at": wire_time(job.expires_at),
        "metrics": to_record(job.metrics),
        "events": [
            {
                "at": wire_time(event.at),
                "event": event.event,
                "attempt": event.attempt,
                "detail": event.detail,
            }
            for event in job.events
        ],
        "webhook": webhook_view(job.webhook),
        "urls": {
            "self": f"{settings.results_url}/v1/jobs/{job.id}",
            "cancel": f"{settings.submit_url}/v1/jobs/{job.id}/cancel",
            "lyrics": f"{settings.results_url}/v1/jobs/{job.id}/lyrics",
        },
    }


def webhook_view(webhook: Webhook | None) -> dict[str, Any] | None:
    """The webhook with its deliveries, or None."""
    if webhook is None:
        return None
    return {
        "url": webhook.url,
        "events": list(webhook.events),
        "deliveries": [
            {
                "at": wire_time(delivery.at),
                "event": delivery.event,
                "id": delivery.id,
                "status_code": delivery.status_code,
                "error": delivery.error,
                "next_attempt_at": wire_time(delivery.next_attempt_at),
            }
            for delivery in webhook.deliveries
        ],
    }


def retry_after_s(job: Job, now: datetime) -> int:
    """When a poller should come back: soon while lines appear, later the longer nothing does."""
    if job.status is Status.RUNNING:
        return 1
    age_s = (now - job.created_at).total_seconds()
    return 1 if age_s < 15 else 2 if age_s < 60 else 5


def batch_view(
    batch: Batch,
    counts: Mapping[Status, int],
    settings: Settings,
    *,
    eta_s: float | None = None,
) -> dict[str, Any]:
    """The batch object of the contract; `counts` are those of its rows at this moment."""
    status = batch_status(batch, counts)
    submit_url = f"{settings.submit_url}/v1/batches/{batch.id}"
    results_url = f"{settings.results_url}/v1/batches/{batch.id}"
    return {
        "object": "batch",
        "id": batch.id,
        "status": status,
        "done": status != "running",
        "request_counts": {
            "total": batch.total,
            **{each.value: counts.get(each, 0) for each in Status},
        },
        "created_at": wire_time(batch.created_at),
        "finished_at": wire_time(batch.finished_at),
        "eta_seconds": eta_s,
        "metadata": batch.metadata,
        "webhook": webhook_view(batch.webhook),
        "urls": {
            "self": results_url,
            "results": f"{results_url}/results",
            "cancel": f"{submit_url}/cancel",
            "retry_failed": f"{submit_url}/retry-failed",
        },
    }
