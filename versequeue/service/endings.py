"""What follows when a job has ended. Its end is stored before: the sweep repeats what is lost."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from versequeue.errors import StoreUnavailable, Unreadable
from versequeue.planning.job_costs import job_usd
from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.rules import totals
from versequeue.rules.batch import Batch, complete, progress
from versequeue.rules.job import Job
from versequeue.rules.totals import Totals
from versequeue.service.hints import hint_at_events

log = logging.getLogger(__name__)
#: The stored document of what has happened so far; a worker's part is in the one of the worker.
TOTALS_DOCUMENT = "totals"


def note_totals(store: Store, new: Totals, now: datetime) -> None:
    """Add these to what has happened so far. What cannot be stored now is not counted."""
    if not new:
        return
    try:
        store.update_state(TOTALS_DOCUMENT, lambda document: totals.noted(document, new, now))
    except StoreUnavailable as error:
        log.warning("not counted: %s", error)


def totals_of(jobs: Iterable[Job]) -> Totals:
    """What the ends of these jobs add."""
    return totals.plus(*(totals.of_job(job, job_usd(job) or 0.0) for job in jobs))


def follow_up(store: Store, queue: Queue, job: Job, now: datetime) -> None:
    """Do what `job`'s end asks for. Raises StoreUnavailable."""
    hint_at_events(queue, [job])
    if job.batch_id:
        try:
            if not finish_batch(store, queue, job.batch_id, now) and job.watched:
                tell_progress(store, queue, job.batch_id, now)
        except Unreadable as error:  # which is no fault of the job
            log.warning("not looked whether a batch has ended: %s", error)


def tell_progress(store: Store, queue: Queue, batch_id: str, now: datetime) -> None:
    """Announce the quarter that a batch has reached, if that is news.

    Raises StoreUnavailable, and Unreadable if the batch cannot be read.
    """
    left = store.batch_unfinished(batch_id)
    is_news = False

    def step(batch: Batch) -> Batch:
        nonlocal is_news
        told = progress(batch, left, now)
        is_news = told is not batch
        return told

    batch = store.update_batch(batch_id, step)
    if batch and is_news:
        hint_at_events(queue, [batch])


def finish_batch(store: Store, queue: Queue, batch_id: str, now: datetime) -> bool:
    """Note the end of a batch once all its jobs have ended; whether they have.

    Raises StoreUnavailable, and Unreadable if the batch cannot be read.
    """
    if store.batch_unfinished(batch_id):
        return False
    # A retry may begin at any moment: what is counted has to be of the round that is ended.
    seen = store.get_batch(batch_id)
    if seen is None or seen.finished_at:
        return True
    if store.batch_unfinished(batch_id):
        return False
    ended, worker_s = False, _measured_s(store, batch_id)

    def end(batch: Batch) -> Batch:
        nonlocal ended
        ended = batch.round == seen.round and not batch.finished_at
        return replace(complete(batch, now), worker_s=worker_s) if ended else batch

    batch = store.update_batch(batch_id, end)
    if batch and ended:
        hint_at_events(queue, [batch])
    return batch is None or batch.finished_at is not None


def _measured_s(store: Store, batch_id: str) -> float | None:
    """What all songs of the batch took; None where that cannot be asked: its end does not wait."""
    try:
        return round(store.batch_worker_s(batch_id), 3)
    except StoreUnavailable as error:
        log.warning("the batch %s ends without its cost: %s", batch_id, error)
        return None
