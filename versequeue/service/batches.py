"""The callers' side of batches: submit, look, cancel, try the failed rows again.

Works with the store, queue, clock and ids of a `Service` and knows nothing of HTTP or files.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from versequeue.errors import Gone, NotFound
from versequeue.ports.queue import Message, Topic
from versequeue.ports.store import KeyTaken
from versequeue.rules.batch import (
    JOBS_PER_MESSAGE,
    MAX_ROWS,
    Batch,
    Row,
    batch_status,
    current_counts,
    unfinished,
)
from versequeue.rules.job import REPUBLISH_FIRST_S, Job, Status, note
from versequeue.rules.webhook import Webhook
from versequeue.service.endings import finish_batch, hint
from versequeue.service.idempotency import first_answer, record_for, same_request
from versequeue.service.jobs import Service, Submission
from versequeue.service.limits import Allowance, check_limits
from versequeue.service.rows import CANCEL_BUDGET_S, cancel_rows, current_rows

#: How much later the next row's message counts as lost: a batch takes its time.
ROW_PACE_S = 2
CHECK_FIRST_S = 60
_JOB_EVENTS = "job."


@dataclass(frozen=True)
class BatchSubmission:
    """A checked file: its rows, who wants them, under which key."""

    rows: Sequence[Row]
    client: str = ""
    metadata: dict[str, str] | None = None
    webhook: Webhook | None = None
    key: str | None = None
    #: what the key stands for: the file and everything else that was asked
    body: bytes = b""


@dataclass(frozen=True)
class BatchNow:
    """A batch and how many of its rows are in each status, at one moment."""

    batch: Batch
    counts: dict[Status, int]

    @property
    def status(self) -> str:
        """`running`, `completed` or `canceled`."""
        return batch_status(self.batch, self.counts)

    @property
    def done(self) -> bool:
        """Whether every row has ended."""
        return not unfinished(self.counts)

    def eta_s(self, now: datetime) -> float | None:
        """Seconds until the end at the pace so far; None before a row has ended, or at the end."""
        left = unfinished(self.counts)
        ended = self.batch.total - left
        if not left or ended <= 0:
            return None
        return round((now - self.batch.created_at).total_seconds() / ended * left, 1)


@dataclass(frozen=True)
class AcceptedBatch:
    """The batch that a submission made, or the one that it had made before (`replayed`)."""

    now: BatchNow
    replayed: bool = False
    allowance: Allowance = field(default_factory=Allowance)


class BatchService:
    """One instance serves any number of threads if the service's store and queue do."""

    def __init__(
        self,
        service: Service,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service = service
        self._store = service.store
        self._queue = service.queue
        self._monotonic = monotonic
        self._sleep = sleep

    def submit(self, submission: BatchSubmission) -> AcceptedBatch:
        """Write the batch and all its jobs at once, then publish their messages.

        Raises RateLimited, BudgetExhausted, IdempotencyKeyReused, StoreUnavailable.
        """
        service = self._service
        now = service.clock()
        batch, jobs = self._new_batch(submission, now)
        record = None
        if submission.key is not None:
            record = record_for(submission.client, submission.key, submission.body, batch.id, now)
            if earlier := first_answer(self._store, record):
                return AcceptedBatch(self.get(earlier), replayed=True)
        allowance = check_limits(
            self._store, service.settings, submission.client, now, len(submission.rows)
        )
        try:
            self._store.create(jobs, batch=batch, record=record, now=now)
        except KeyTaken as taken:
            if record is None:
                raise
            return AcceptedBatch(self.get(same_request(taken.record, record)), replayed=True)
        self._publish(jobs)
        counts = current_counts(batch.total, {Status.QUEUED: len(jobs)})
        return AcceptedBatch(BatchNow(batch, counts), allowance=allowance)

    def get(self, batch_id: str) -> BatchNow:
        """The batch as it is now. Raises NotFound, or Gone past its retention, deleted or not."""
        batch = self._store.get_batch(batch_id)
        if batch is None:
            raise NotFound("There is no batch with this id.")
        if self._service.clock() >= batch.expires_at:
            raise Gone()
        return BatchNow(batch, current_counts(batch.total, self._store.batch_counts(batch_id)))

    def rows(self, batch_id: str) -> Iterator[Job]:
        """One job per row, in the order of the file, whatever their statuses."""
        return current_rows(self._store, batch_id)

    def wait_for(
        self, seen: BatchNow, wait_s: float, changed: Callable[[BatchNow], bool]
    ) -> BatchNow:
        """The batch as soon as `changed` says so of it, else as it is after `wait_s`."""
        end = self._monotonic() + wait_s
        pause_s = max(0.1, self._service.settings.progress_interval_s)
        while not changed(seen) and (left_s := end - self._monotonic()) > 0:
            self._sleep(min(pause_s, left_s))
            seen = self.get(seen.batch.id)
        return seen

    def cancel(self, batch_id: str) -> BatchNow:
        """Cancel what has not ended; safe to repeat, a finished batch is returned as it is."""
        self.get(batch_id)
        now = self._service.clock()
        end = self._monotonic() + CANCEL_BUDGET_S

        def mark(batch: Batch) -> Batch:
            if batch.finished_at:
                return batch
            asked_at = batch.cancel_requested_at or now
            return replace(batch, cancel_requested_at=asked_at, check_at=now)

        batch = self._store.update_batch(batch_id, mark)
        if batch and not batch.finished_at:
            cancel_rows(self._store, self._queue, batch_id, now, lambda: self._monotonic() > end)
            finish_batch(self._store, self._queue, batch_id, now)
        return self.get(batch_id)

    def retry_failed(self, batch_id: str) -> BatchNow:
        """Queue a new job for every failed row; the failed ones stay as they are.

        Two calls at once retry once: the round of the batch is what both would have to write.
        """
        found = self.get(batch_id).batch
        now = self._service.clock()
        failed = [job for job in self.rows(batch_id) if job.status is Status.FAILED]
        if not failed:
            return self.get(batch_id)
        jobs = [self._another_try(job, found, now) for job in failed]
        key = f"retry/{found.round}"
        record = record_for(batch_id, key, b"", batch_id, now)
        try:
            self._store.create(jobs, record=record, now=now)
        except KeyTaken:
            jobs = []

        def begin_round(batch: Batch) -> Batch:
            if batch.round != found.round:
                return batch
            check_at = now + timedelta(seconds=CHECK_FIRST_S)
            return replace(batch, round=found.round + 1, finished_at=None, check_at=check_at)

        self._store.update_batch(batch_id, begin_round)
        self._publish(jobs)
        return self.get(batch_id)

    def _new_batch(self, submission: BatchSubmission, now: datetime) -> tuple[Batch, list[Job]]:
        service = self._service
        batch = Batch(
            id=service.new_id("batch_"),
            total=len(submission.rows),
            created_at=now,
            expires_at=now + timedelta(days=service.settings.retention_days),
            client=submission.client,
            metadata=submission.metadata or {},
            webhook=_only(submission.webhook, lambda event: not event.startswith(_JOB_EVENTS)),
            check_at=now + timedelta(seconds=CHECK_FIRST_S),
        )
        jobs = [
            self._new_job(submission, batch, row, position, now)
            for position, row in enumerate(submission.rows)
        ]
        return batch, jobs

    def _new_job(
        self, submission: BatchSubmission, batch: Batch, row: "Row", position: int, now: datetime
    ) -> Job:
        # A batch's webhook is told of single jobs only if that was asked for by name.
        webhook = submission.webhook if submission.webhook and submission.webhook.events else None
        job = self._service.new_job(
            Submission(
                prompt=row.prompt,
                options=row.options,
                client=submission.client,
                webhook=_only(webhook, lambda event: event.startswith(_JOB_EVENTS)),
            ),
            now,
        )
        return replace(
            job,
            batch_id=batch.id,
            custom_id=row.custom_id,
            line=row.line,
            position=position,
            publish_at=_publish_at(now, position),
        )

    def _another_try(self, failed: Job, batch: Batch, now: datetime) -> Job:
        position = (batch.round + 1) * MAX_ROWS + failed.position % MAX_ROWS
        webhook = failed.webhook and Webhook(failed.webhook.url, failed.webhook.events)
        job = self._service.new_job(
            Submission(failed.prompt, failed.options, failed.client, failed.metadata, webhook), now
        )
        placed = replace(
            job,
            batch_id=batch.id,
            custom_id=failed.custom_id,
            line=failed.line,
            position=position,
            publish_at=_publish_at(now, failed.position % MAX_ROWS),
            expires_at=batch.expires_at,
        )
        return note(placed, now, "retry_of", failed.id)

    def _publish(self, jobs: Sequence[Job]) -> None:
        ids = [job.id for job in jobs]
        messages: list[Message] = [
            {"job_ids": ids[start : start + JOBS_PER_MESSAGE]}
            for start in range(0, len(ids), JOBS_PER_MESSAGE)
        ]
        if messages:
            hint(self._queue, Topic.BULK, messages)


def _publish_at(now: datetime, index: int) -> datetime:
    return now + timedelta(seconds=REPUBLISH_FIRST_S + index * ROW_PACE_S)


def _only(webhook: Webhook | None, wanted: Callable[[str], bool]) -> Webhook | None:
    """`webhook` with those of its events that are `wanted`; None if there are none left."""
    if webhook is None or not webhook.events:
        return webhook
    events = tuple(filter(wanted, webhook.events))
    return Webhook(webhook.url, events) if events else None
