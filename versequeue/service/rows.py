"""The jobs of a batch as its rows: one for each line of the file, a retried one in its place."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain

from versequeue.ports.queue import Queue
from versequeue.ports.store import Store
from versequeue.rules.batch import MAX_ROWS
from versequeue.rules.job import Job
from versequeue.rules.transitions import request_cancel
from versequeue.service.endings import note_totals, totals_of
from versequeue.service.hints import hint_at_events

PAGE = 100
#: So many are canceled and then hinted at, before the next ones.
CANCELED_AT_ONCE = 25
#: Nobody is kept longer than this while jobs are canceled; the next sweep does the rest.
CANCEL_BUDGET_S = 20.0


def current_rows(store: Store, batch_id: str, *, readable_only: bool = False) -> Iterator[Job]:
    """One job per row in the order of the file: the latest one where a row was retried.

    Raises Unreadable at a row that cannot be read, unless they are to be left out.
    """
    pages = partial(_pages, store, batch_id, readable_only=readable_only)
    retried = chain.from_iterable(pages(MAX_ROWS - 1))
    latest = {job.position % MAX_ROWS: job for job in retried}
    for job in chain.from_iterable(pages(-1)):
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
    for page in _pages(store, batch_id, -1, readable_only=True):
        wanted = [job.id for job in page if not (job.done or job.cancel_requested_at)]
        for start in range(0, len(wanted), CANCELED_AT_ONCE):
            if monotonic() > end:
                return
            ids = wanted[start : start + CANCELED_AT_ONCE]
            changes = dict.fromkeys(ids, lambda current: request_cancel(current, now))
            changed = store.update_jobs(changes)
            done = [job for job in changed.values() if job and job.done]
            hint_at_events(queue, done)
            note_totals(store, totals_of(job for job in done if job.finished_at == now), now)


def _pages(store: Store, batch_id: str, after: int, *, readable_only: bool) -> Iterator[list[Job]]:
    page = partial(store.batch_jobs, batch_id, limit=PAGE, readable_only=readable_only)
    while jobs := page(after=after):
        yield jobs
        after = jobs[-1].position
