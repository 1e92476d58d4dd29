"""The jobs of a batch as its rows: one for each line of the file, a retried one in its place.

Works on the store's pages; knows no HTTP, no format, no file.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.rules.batch import MAX_ROWS
from versequeue.rules.job import Job
from versequeue.rules.transitions import request_cancel
from versequeue.service.hints import hint_at_event

PAGE = 100
#: Nobody is kept longer than this while jobs are canceled; the next sweep does the rest.
CANCEL_BUDGET_S = 20.0


def current_rows(store: Store, batch_id: str) -> Iterator[Job]:
    """One job per row in the order of the file: the latest one where a row was retried."""
    latest = {job.position % MAX_ROWS: job for job in _pages(store, batch_id, MAX_ROWS - 1)}
    for job in _pages(store, batch_id, -1):
        if job.position >= MAX_ROWS:
            return
        yield latest.get(job.position, job)


def cancel_rows(
    store: Store,
    queue: Queue,
    batch_id: str,
    now: datetime,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Cancel every job that has not ended, for `CANCEL_BUDGET_S` at most.

    What is left is found again by the sweep, since the batch remembers that it was canceled.
    """
    end = monotonic() + CANCEL_BUDGET_S
    for job in _pages(store, batch_id, -1):
        if job.done or job.cancel_requested_at:
            continue
        if monotonic() > end:
            return
        changed = store.update_job(job.id, lambda current: request_cancel(current, now))
        if changed and changed.done:
            hint_at_event(queue, changed)


def _pages(store: Store, batch_id: str, after: int) -> Iterator[Job]:
    while jobs := store.batch_jobs(batch_id, after=after, limit=PAGE):
        yield from jobs
        after = jobs[-1].position
