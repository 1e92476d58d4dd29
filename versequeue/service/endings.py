"""What follows when a job has ended: its webhook is due, its batch may be complete.

The ending itself is stored before any of this: whatever is lost here, the sweep does again.
"""

import logging
from datetime import datetime

from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Message, Queue, Topic
from versequeue.ports.store import Store
from versequeue.rules.batch import complete, unfinished
from versequeue.rules.job import Job

log = logging.getLogger(__name__)


def follow_up(store: Store, queue: Queue, job: Job, now: datetime) -> None:
    """Send the hints that `job`'s end asks for. Raises StoreUnavailable."""
    if job.webhook and job.webhook.pending:
        hint(queue, Topic.NOTIFY, [{"target": job.id}])
    if job.batch_id:
        finish_batch(store, queue, job.batch_id, now)


def finish_batch(store: Store, queue: Queue, batch_id: str, now: datetime) -> bool:
    """Note the end of a batch once all its jobs have ended; whether they have."""
    if unfinished(store.batch_counts(batch_id)):
        return False
    batch = store.update_batch(batch_id, lambda current: complete(current, now))
    if batch and batch.webhook and batch.webhook.pending:
        hint(queue, Topic.NOTIFY, [{"target": batch_id}])
    return True


def hint(queue: Queue, topic: Topic, messages: list[Message]) -> bool:
    """Publish, and leave it to the sweep if that fails; whether it went out."""
    try:
        queue.publish(topic, messages)
    except QueueUnavailable as error:
        log.warning("not published, the sweep will: %s", error)
        return False
    return True
