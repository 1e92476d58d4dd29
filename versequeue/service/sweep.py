"""The tick that repairs: lost messages, dead workers, jobs past their time, due webhooks, expiry.

Each repair is one transaction that checks again what it found; two sweeps at once repair once.
"""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

from versequeue.clock import Clock, utc_now
from versequeue.ports.queue import Message, Queue, Topic
from versequeue.ports.store import Store
from versequeue.rules.batch import Batch, next_check_at
from versequeue.rules.job import Job, Status
from versequeue.rules.transitions import republish, settle
from versequeue.service.endings import finish_batch, follow_up
from versequeue.service.hints import hint, hint_at_event, job_messages
from versequeue.service.rows import cancel_rows

log = logging.getLogger(__name__)


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
        report.notified += hint_at_event(queue, found)
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
    (message,) = job_messages([job.id])
    return {**message, "again": True} if job.attempt else message


def _publish(queue: Queue, report: SweepReport) -> None:
    for topic, messages in (
        (Topic.JOBS, report.singles),
        (Topic.BULK, job_messages(report.bulk)),
    ):
        for message in messages:
            report.republished += len(message["job_ids"]) * hint(queue, topic, [message])


def _check_batch(
    store: Store, queue: Queue, batch: Batch, now: datetime, report: SweepReport
) -> None:
    if batch.finished_at:
        report.notified += hint_at_event(queue, batch)
        return
    if batch.cancel_requested_at:
        # Whoever asked for the cancel did not get to the end of it.
        cancel_rows(store, queue, batch.id, now)
    if not finish_batch(store, queue, batch.id, now):
        store.update_batch(batch.id, lambda current: _look_again(current, now))


def _look_again(batch: Batch, now: datetime) -> Batch:
    return batch if batch.finished_at else replace(batch, check_at=next_check_at(now))
