"""The callers' side of batches: many rows submitted at once, and the failed ones tried again."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from versequeue.errors import RetryRefused, is_retryable
from versequeue.planning.job_costs import file_usd
from versequeue.rules import batch as rules
from versequeue.rules.batch import (
    JOBS_PER_MESSAGE,
    MAX_ROUNDS,
    MAX_ROWS,
    Batch,
    BatchNow,
    Row,
)
from versequeue.rules.job import Job, Status
from versequeue.rules.outlook import WorkerOutlook, paces_of, queued_work, waiting
from versequeue.rules.terms import Terms, last_ready_by
from versequeue.rules.transitions import REPUBLISH_FIRST_S, note
from versequeue.rules.waits import Queue, Work, batch_s, queue_s, work_of
from versequeue.rules.webhook import Webhook, withdraw
from versequeue.service import estimates
from versequeue.service.callers import Accepted, CallersSide, Submission
from versequeue.service.endings import finish_batch
from versequeue.service.hints import hint_at_jobs
from versequeue.service.limits import Bill
from versequeue.service.rows import cancel_rows, current_rows

#: How much later the next row's message counts as lost: a batch takes its time.
ROW_PACE_S = 2


@dataclass(frozen=True)
class Estimate:
    """What a file is going to cost, and when its songs will be written; None: nobody knows yet."""

    usd: float
    ready_by: datetime | None


class Batches(CallersSide[BatchNow]):
    """Batches, and their rows in the order of the file."""

    noun = "batch"

    def submit(self, rows: Sequence[Row], submission: Submission) -> Accepted[BatchNow]:
        """Write the batch and its jobs at once, then publish. Raises as `Jobs.submit`."""
        now = self.clock()
        last, expected_s = self._last_and_wait_s(rows, self._outlook(now), now)
        batch = Batch(
            id=self.new_id("batch_"),
            total=len(rows),
            created_at=now,
            expires_at=self._expires_at(now),
            client=submission.client,
            metadata=submission.metadata or {},
            webhook=_only(submission.webhook, lambda event: not _is_of_job(event)),
            push=submission.push,
            expected_s=expected_s,
            check_at=rules.next_check_at(now),
            when="later" if last else "now",
            ready_by=last,
        )
        # A batch's webhook is told of single jobs only if that was asked for by name.
        webhook = submission.webhook if submission.webhook and submission.webhook.events else None
        of_row = Submission(submission.client, webhook=_only(webhook, _is_of_job))
        jobs = [
            self._row_job(batch, row, position, replace(of_row, terms=row.terms), now)
            for position, row in enumerate(rows)
        ]
        made = BatchNow(batch, rules.current_counts(batch.total, {Status.QUEUED: len(jobs)}))
        return self._submit(submission, made, jobs, now, batch)

    def estimate(self, rows: Sequence[Row]) -> Estimate:
        """What these rows would cost and take if they were submitted now."""
        now = self.clock()
        outlook = self._outlook(now)
        works = [work_of(row.options, row.given) for row in rows]
        paces = paces_of(outlook) if _is_measured(works, outlook) else None
        usd = file_usd(works, paces, starts=int(outlook.worker != "warm"))
        _, wait_s = self._last_and_wait_s(rows, outlook, now)
        ready = None if wait_s is None else now + timedelta(seconds=wait_s)
        return Estimate(round(usd, 6), ready)

    def get(self, batch_id: str) -> BatchNow:
        """The batch as it is now. Raises NotFound, or Gone past its retention, deleted or not."""
        batch = self._stored(batch_id)
        return BatchNow(batch, rules.current_counts(batch.total, self.store.batch_counts(batch_id)))

    def ended_rows(self, batch_id: str, since: datetime) -> list[Job]:
        """The jobs of its rows that ended at `since` or later, in the order of their ends."""
        return self.store.ended_jobs(batch_id, since)

    def rows(self, batch_id: str) -> Iterator[Job]:
        """One job per row, in the order of the file, whatever their statuses."""
        return current_rows(self.store, batch_id)

    def retry_failed(self, batch_id: str) -> BatchNow:
        """Queue a new job for every failed row that may succeed; the failed ones stay as they are.

        They count against the limits of the client who submitted the batch. Two calls at once
        retry once: the new jobs and the batch's next round are written in one transaction. Raises
        RetryRefused, RateLimited, BudgetExhausted.
        """
        found = self.get(batch_id)
        if not found.counts[Status.FAILED]:
            return found
        _check_retry(found)
        rows = list(current_rows(self.store, batch_id, readable_only=True))
        failed = [job for job in rows if job.status is Status.FAILED]
        if not failed:  # another call was first, or they cannot be read
            return self.get(batch_id)
        again = [job for job in failed if is_retryable(job.error)]
        if not again:
            raise RetryRefused("Each failed row would fail again: its error is not retryable.")
        now = self.clock()
        jobs = [self._another_try(job, found.batch, now) for job in again]
        bill = Bill(self.store, self.settings, found.batch.client, now)
        charges = bill.charges(songs=len(jobs), requests=len(jobs))
        joined = batch_id, partial(_begin_round, found.batch, now)
        try:
            self.store.create(jobs, joined=joined, charges=charges, now=now)
        except _Overtaken:
            return self.get(batch_id)
        hint_at_jobs(self.queue, jobs)
        # Not read again: what was created is told, also where the store fails right after. Nor
        # counted from `found`: more rows may have failed since. What cannot be read has not ended.
        counts = Counter(job.status for job in rows)
        counts[Status.FAILED] -= len(jobs)
        counts[Status.QUEUED] += found.batch.total - counts.total()
        told = rules.current_counts(found.batch.total, counts)
        return BatchNow(_begin_round(found.batch, now, found.batch), told)

    def _cancel(self, batch_id: str, now: datetime) -> BatchNow:
        def mark(batch: Batch) -> Batch:
            if batch.finished_at:
                return batch
            asked_at = batch.cancel_requested_at or now
            return replace(batch, cancel_requested_at=asked_at, check_at=now)

        batch = self.store.update_batch(batch_id, mark)
        if batch and not batch.finished_at:
            cancel_rows(self.store, self.queue, batch_id, now, self.monotonic)
            finish_batch(self.store, self.queue, batch_id, now)
        return self.get(batch_id)

    def _stored(self, batch_id: str) -> Batch:
        return self._live(self.store.get_batch(batch_id))

    def _change(self, batch_id: str, change: Callable[[Batch], Batch]) -> None:
        self.store.update_batch(batch_id, change)

    def _outlook(self, now: datetime) -> WorkerOutlook:
        state = self.store.get_state(estimates.WORKER_DOCUMENT)
        return estimates.read(state, now, self.settings.warm_s)

    def _last_and_wait_s(
        self, rows: Sequence[Row], outlook: WorkerOutlook, now: datetime
    ) -> tuple[datetime | None, float | None]:
        """By when the last of nothing but later rows is to be ready; how long all are to take."""
        limit_s = self.settings.deadline_s
        last = last_ready_by([row.terms for row in rows], now, limit_s)
        if last is None:
            return None, self._expected_s(
                [work_of(row.options, row.given) for row in rows], outlook, now
            )
        return last, (last - now).total_seconds()

    def _expected_s(
        self, works: Sequence[Work], outlook: WorkerOutlook, now: datetime
    ) -> float | None:
        if not _is_measured(works, outlook):
            return None
        # Of the rows of other files that are before these nothing is known but their number.
        singles = self.store.queued_jobs(now, limit=JOBS_PER_MESSAGE)
        ahead = [*map(queued_work, singles), *works]
        in_hand = self.in_hand(outlook)
        if outlook.tells_passes and not any(job.status is Status.RUNNING for job in in_hand):
            # What was claimed a moment ago is not noted as a pass yet.
            in_hand = self.store.oldest_jobs(Status.RUNNING, JOBS_PER_MESSAGE)
        busy_s = waiting(outlook, now, in_hand, ahead[0].model)
        queue = Queue(busy_s, ahead[:JOBS_PER_MESSAGE], self.store.count_queued())
        paces = paces_of(outlook, in_hand)
        return round(queue_s(queue, paces) + batch_s(works, paces), 1)

    def _row_job(
        self, batch: Batch, row: Row | Job, position: int, submission: Submission, now: datetime
    ) -> Job:
        # `row` is the job that failed, where a row is tried again.
        job = self._new_job(row.prompt, row.options, row.given, submission, now)
        return replace(
            job,
            batch_id=batch.id,
            custom_id=row.custom_id,
            line=row.line,
            position=position,
            publish_at=job.publish_at if job.held else _publish_at(now, position),
            watched=batch.tells_progress,
        )

    def _another_try(self, failed: Job, batch: Batch, now: datetime) -> Job:
        webhook = failed.webhook and Webhook(failed.webhook.url, failed.webhook.events)
        # At once, whenever it was to be ready the first time, and with as much time as it had.
        terms = Terms((failed.deadline_at - failed.created_at).total_seconds())
        submission = Submission(failed.client, failed.metadata, webhook, terms=terms)
        job = self._row_job(batch, failed, failed.position % MAX_ROWS, submission, now)
        position = (batch.round + 1) * MAX_ROWS + job.position
        # It is deleted with its batch, and has to have ended by then.
        expires_at = batch.expires_at
        deadline_at = min(job.deadline_at, expires_at)
        placed = replace(job, position=position, expires_at=expires_at, deadline_at=deadline_at)
        return note(placed, now, "retry_of", failed.id)


def _is_measured(works: Sequence[Work], outlook: WorkerOutlook) -> bool:
    return all(outlook.pace_of(model) for model in {work.model for work in works})


class _Overtaken(Exception):
    """Somebody has changed the batch since it was looked at."""


def _check_retry(found: BatchNow) -> None:
    batch = found.batch
    if batch.cancel_requested_at and (found.counts[Status.CANCELED] or not found.done):
        raise RetryRefused("This batch was canceled; submit its rows again as a new one.")
    if batch.round >= MAX_ROUNDS:
        raise RetryRefused(f"Failed rows are tried again {MAX_ROUNDS} times at most.")


def _begin_round(seen: Batch, now: datetime, batch: Batch) -> Batch:
    # Raises _Overtaken if another retry or a cancel was first.
    if (batch.round, batch.cancel_requested_at) != (seen.round, seen.cancel_requested_at):
        raise _Overtaken
    return replace(
        batch,
        round=batch.round + 1,
        finished_at=None,
        worker_s=None,
        # A cancel that came when everything had ended is not one of this round.
        cancel_requested_at=None,
        check_at=rules.next_check_at(now),
        # The end of this round is announced in its place.
        webhook=withdraw(batch.webhook, "batch.completed", now),
        push=withdraw(batch.push, "batch.completed", now),
    )


def _publish_at(now: datetime, index: int) -> datetime:
    return now + timedelta(seconds=REPUBLISH_FIRST_S + index * ROW_PACE_S)


def _is_of_job(event: str) -> bool:
    return event.startswith("job.")


def _only(webhook: Webhook | None, wanted: Callable[[str], bool]) -> Webhook | None:
    """`webhook` with those of its events that are `wanted`; None if there are none left."""
    if webhook is None or not webhook.events:
        return webhook
    events = tuple(filter(wanted, webhook.events))
    return Webhook(webhook.url, events) if events else None
