"""Sending a job's last webhook event again, because somebody asked for it."""

from dataclasses import replace
from datetime import datetime

from versequeue.errors import NothingToRedeliver
from versequeue.ports.queue import Queue, Topic
from versequeue.ports.store import Store
from versequeue.rules.job import Job
from versequeue.rules.webhook import redeliver
from versequeue.service.endings import hint


def request_redelivery(store: Store, queue: Queue, job_id: str, now: datetime) -> Job | None:
    """Make the job's last event due again. Raises NothingToRedeliver if none was ever sent."""

    def again(job: Job) -> Job:
        webhook = redeliver(job.webhook, now) if job.webhook else None
        if webhook is None:
            raise NothingToRedeliver()
        return replace(job, webhook=webhook)

    job = store.update_job(job_id, again)
    if job:
        hint(queue, Topic.NOTIFY, [{"target": job_id}])
    return job
