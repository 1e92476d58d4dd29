"""A batch: many jobs from one file. Its counts are derived from its jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from versequeue.rules.job import Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.push import Push
from versequeue.rules.terms import AT_ONCE, Terms, When
from versequeue.rules.webhook import BATCH_PROGRESS, Webhook, announce, earliest

BatchStatus = Literal["running", "completed", "canceled"]
#: How every batch's id begins.
BATCH_PREFIX = "batch_"
#: Jobs in one message, which one worker writes together.
JOBS_PER_MESSAGE = 8
#: Nobody watches a row or a later job line by line: its lines are written after so many intervals
#: of a job's.
ROW_INTERVALS = 5
#: Rows of one file. A retried row has the position of the failed one plus this, times the round.
MAX_ROWS = 1000
MAX_FILE_BYTES = 1 << 20
#: All rows with the options that each has of the whole file: they are stored in one write, of which
#: Firestore takes 10 MiB, and each job has some 2 kB of its own.
MAX_ROWS_BYTES = 2 << 20
#: How often the failed rows of one batch can be tried again.
MAX_ROUNDS = 5
#: A batch's own pace counts as much as what was expected of it when so many rows are written.
PRIOR_ROWS = JOBS_PER_MESSAGE
#: Into so many parts its progress is told, the last with its end.
PARTS = 4
#: The sweep looks this often whether a batch has ended.
CHECK_EVERY_S = 60


@dataclass(frozen=True)
class Row:
    """One prompt of a file, which will become one job."""

    line: int
    custom_id: str
    prompt: str
    options: ResolvedOptions
    #: see `Job`
    given: tuple[str | None, ...] = ()
    terms: Terms = AT_ONCE


@dataclass(frozen=True)
class Batch:
    """What is known of a batch beside its jobs."""

    id: str
    total: int
    created_at: datetime
    expires_at: datetime
    client: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    cancel_requested_at: datetime | None = None
    #: written once, when the last of its jobs has ended; a retry clears it
    finished_at: datetime | None = None
    #: raised by each retry, so that each completion is an event of its own
    round: int = 0
    webhook: Webhook | None = None
    push: Push | None = None
    #: seconds that all of it was expected to take when it was submitted; None if nobody could tell
    expected_s: float | None = None
    #: the worker's time for all of its jobs, once they have ended
    worker_s: float | None = None
    #: when the sweep looks whether all jobs have ended
    check_at: datetime | None = None
    #: whether all of its rows are later ones, and by when the last of these is to be ready
    when: When = "now"
    ready_by: datetime | None = None
    #: quarters that were told of
    quarter: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When the sweep must look at this unfinished batch next; None once it has ended."""
        return self.check_at if self.finished_at is None else None

    @property
    def notify_at(self) -> datetime | None:
        """When the sweep must hint at an event of this batch; None if none is pending."""
        return earliest(self.webhook, self.push)

    @property
    def tells_progress(self) -> bool:
        """Whether somebody asked to be told of its quarters."""
        return self.webhook is not None and self.webhook.wants(BATCH_PROGRESS)


@dataclass(frozen=True)
class BatchNow:
    """A batch and how many of its rows are in each status, at one moment."""

    batch: Batch
    counts: dict[Status, int]

    @property
    def id(self) -> str:
        return self.batch.id

    @property
    def done(self) -> bool:
        """Whether every row has ended."""
        return not unfinished(self.counts)

    def eta_s(self, now: datetime) -> float | None:
        """Seconds until the end: as expected, then ever more at its own pace; None if nobody knows.

        The rows of a pass end together: as long as they are not late, so many of them count as
        written as were expected by now. What is told so falls with the time, and not in steps.
        """
        left = unfinished(self.counts)
        total, ended = self.batch.total, self.batch.total - left
        if not left:
            return None
        past_s = (now - self.batch.created_at).total_seconds()
        expected_s = self.batch.expected_s if self.batch.round == 0 else None
        if self.batch.ready_by and now < self.batch.ready_by:
            # However many have ended: those that are left may wait for company until then.
            return round((self.batch.ready_by - now).total_seconds(), 1)
        if not expected_s or self.batch.ready_by:
            return round(past_s / ended * left, 1) if ended > 0 else None
        if past_s > expected_s and not ended:
            return None
        row_s = expected_s / total
        begun = min(total, (ended // JOBS_PER_MESSAGE + 1) * JOBS_PER_MESSAGE)
        written = min(max(past_s / row_s, ended), begun)
        pace_s = (PRIOR_ROWS * row_s + past_s) / (PRIOR_ROWS + written)
        return round(pace_s * max(0.5, total - written), 1)


def next_check_at(now: datetime) -> datetime:
    """When the sweep is to look at a batch that it need not look at now."""
    return now + timedelta(seconds=CHECK_EVERY_S)


def current_counts(total: int, stored: Mapping[Status, int]) -> dict[Status, int]:
    """Rows in each status: what goes beyond `total` are failed jobs that were retried since."""
    superseded = max(0, sum(stored.values()) - total)
    counts = {status: stored.get(status, 0) for status in Status}
    return counts | {Status.FAILED: counts[Status.FAILED] - superseded}


def unfinished(counts: Mapping[Status, int]) -> int:
    """How many jobs of a batch have still to end."""
    return sum(count for status, count in counts.items() if not status.is_terminal)


def batch_status(batch: Batch, counts: Mapping[Status, int]) -> BatchStatus:
    """`running`, `completed` or `canceled`: the last only if the cancel left something undone."""
    if unfinished(counts):
        return "running"
    return "canceled" if batch.cancel_requested_at and counts.get(Status.CANCELED) else "completed"


def progress(batch: Batch, left: int, now: datetime) -> Batch:
    """The batch of which `left` rows have not ended, with the quarter that this is announced.

    The very same if it had reached that before, has ended, or nobody asked. Of several at once the
    last one is told.
    """
    quarter = min(PARTS * (batch.total - left) // batch.total, PARTS - 1)
    if batch.finished_at or quarter <= batch.quarter or not batch.tells_progress:
        return batch
    webhook = announce(batch.webhook, f"{batch.id}/quarter {quarter}", BATCH_PROGRESS, now)
    return replace(batch, quarter=quarter, webhook=webhook)


def complete(batch: Batch, now: datetime) -> Batch:
    """The batch with its end noted and `batch.completed` announced; unchanged if it was."""
    if batch.finished_at:
        return batch
    event_source = batch.id if batch.round == 0 else f"{batch.id}/{batch.round}"
    event = (event_source, "batch.completed", now)
    webhook, push = announce(batch.webhook, *event), announce(batch.push, *event)
    return replace(batch, finished_at=now, check_at=None, webhook=webhook, push=push)
