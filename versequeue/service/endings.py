"""What follows when a job has ended: its webhook is due, its batch may be complete.

The ending itself is stored before any of this: whatever is lost here, the sweep does again.
"""

from datetime import datetime

from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.rules.batch import complete, unfinished
from versequeue.rules.job import Job
from versequeue.service.hints import hint_at_event


def follow_up(store: Store, queue: Queue, job: Job, now: datetime) -> None:
    """Do what `job`'s end asks for. Raises StoreUnavailable."""
    hint_at_event(queue, job)
    if job.batch_id:
        finish_batch(store, queue, job.batch_id, now)


def finish_batch(store: Store, queue: Queue, batch_id: str, now: datetime) -> bool:
    """Note the end of a batch once all its jobs have ended; whether they have."""
    if unfinished(store.batch_counts(batch_id)):
        return False
    if batch := store.update_batch(batch_id, lambda current: complete(current, now)):
        hint_at_event(queue, batch)
    return True
