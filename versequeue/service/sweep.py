"""The tick that repairs: lost messages, dead workers, jobs past their time, due webhooks, expiry.

Each repair is one transaction that checks again what it found; two sweeps at once repair once.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from versequeue.clock import Clock, utc_now
from versequeue.ports.queue import Message, Queue, Topic
from versequeue.ports.store import Store
from versequeue.rules.batch import JOBS_PER_MESSAGE, Batch
from versequeue.rules.job import Job, Status, republish, settle
from versequeue.service.endings import finish_batch, follow_up, hint
from versequeue.service.rows import CANCEL_BUDGET_S, cancel_rows

log = logging.getLogger(__name__)
BATCH_CHECK_S = 60


@dataclass
class SweepReport:
    """What one tick did."""

    republished: int = 0
    ended: int = 0
    notified: int = 0
    deleted: int = 0
    singles: list[Message] = field(default_factory=list)
    bulk: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The figures, for the log and the answer."""
        return {
            "republished": self.republished,
            "ended": self.ended,
            "notified": self.notified,
            "deleted": self.deleted,
        }


def sweep(store: Store, queue: Queue, clock: Clock = utc_now) -> SweepReport:
    """Repair everything that is due now. Raises StoreUnavailable; safe to run at any time."""
    report = SweepReport()
    now = clock()
    for job in store.due_jobs(now):
        _repair(store, queue, job, now, report)
    _publish(queue, report)
    for batch in store.due_batches(now):
        _check_batch(store, queue, batch, now, report)
    report.deleted = store.delete_expired(now)
    log.info("swept: %s", report.counts())
    return report


def _repair(store: Store, queue: Queue, found: Job, now: datetime, report: SweepReport) -> None:
    if found.done:
        report.notified += hint(queue, Topic.NOTIFY, [{"target": found.id}])
        return
    send = False

    def change(job: Job) -> Job:
        nonlocal send
        settled = settle(job, now)
        send = settled.status is Status.QUEUED and settled.publish_at <= now
        return republish(settled, now) if send else settled

    job = store.update_job(found.id, change)
    if job is None:
        return
    if send:
        if job.batch_id:
            report.bulk.append(job.id)
        else:
            report.singles.append(single_message(job))
    if job.done:
        report.ended += 1
        follow_up(store, queue, job, now)


def single_message(job: Job) -> Message:
    """The message of a single visitor's job; one that was tried before is to be pushed alone."""
    message: dict[str, object] = {"job_ids": [job.id]}
    return {**message, "again": True} if job.attempt else message


def _publish(queue: Queue, report: SweepReport) -> None:
    for message in report.singles:
        report.republished += hint(queue, Topic.JOBS, [message])
    for start in range(0, len(report.bulk), JOBS_PER_MESSAGE):
        ids = report.bulk[start : start + JOBS_PER_MESSAGE]
        report.republished += len(ids) * hint(queue, Topic.BULK, [{"job_ids": ids}])


def _check_batch(
    store: Store, queue: Queue, batch: Batch, now: datetime, report: SweepReport
) -> None:
    if batch.finished_at:
        report.notified += hint(queue, Topic.NOTIFY, [{"target": batch.id}])
        return
    if batch.cancel_requested_at:
        # Whoever asked for the cancel did not get to the end of it.
        end = time.monotonic() + CANCEL_BUDGET_S
        cancel_rows(store, queue, batch.id, now, lambda: time.monotonic() > end)
    if not finish_batch(store, queue, batch.id, now):
        store.update_batch(batch.id, _look_again(now))


def _look_again(now: datetime) -> Callable[[Batch], Batch]:
    later = now + timedelta(seconds=BATCH_CHECK_S)
    return lambda batch: batch if batch.finished_at else replace(batch, check_at=later)
