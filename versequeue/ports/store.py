"""The port to whatever keeps jobs: what every store promises, and nothing of how.

A store is a place for documents with a few indexed fields. The rules of a job live in
`versequeue.rules.transitions`: a store applies a pure change inside one transaction and knows no
status.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally

JobChange = Callable[[Job], Job]
BatchChange = Callable[[Batch], Batch]
#: From what was used under a key, if anything was, to what is used then.
TallyChange = Callable[[Tally | None], Tally]
State = dict[str, Any]


@dataclass(frozen=True)
class IdempotencyRecord:
    """The first request that came with one key of one client."""

    #: hash of the client and its Idempotency-Key
    key: str
    body_digest: str
    #: id of the job or batch that was made
    resource_id: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Place:
    """Where a list of jobs by time has come to: of those made at one moment, the id tells."""

    created_at: datetime
    job_id: str


class KeyTaken(Exception):
    """Another request wrote the idempotency record first: a race that was lost, not a fault."""

    def __init__(self, record: IdempotencyRecord) -> None:
        super().__init__(record.key)
        self.record = record


class Store(Protocol):
    """Everything here raises StoreUnavailable when the store cannot be reached.

    Whatever reads a document raises Unreadable if it cannot, except where it says otherwise: a
    tally and a named document begin anew then.
    """

    def create(
        self,
        jobs: Sequence[Job],
        *,
        batch: Batch | None = None,
        record: IdempotencyRecord | None = None,
        joined: tuple[str, BatchChange] | None = None,
        charges: Mapping[str, TallyChange] | None = None,
        now: datetime,
    ) -> None:
        """Write all of it or nothing. Raises KeyTaken if a live record has the same key.

        `joined` is the batch that the jobs are added to, and how that changes it; `charges` are
        the changes of tallies by their keys. Both are changed in the same transaction, by rules
        that may run more than once; what they raise passes through and nothing is written.
        """

    def get_job(self, job_id: str) -> Job | None:
        """The job, or None."""

    def update_job(self, job_id: str, change: JobChange) -> Job | None:
        """Read, change and write in one transaction; the job as it is then, None if unknown.

        `change` may run more than once. What it raises passes through and nothing is written.
        To say that nothing is to be written, `change` returns the very object that it was given:
        a store compares with `is`, so an equal copy would be written.
        """

    def update_jobs(self, changes: Mapping[str, JobChange]) -> Mapping[str, Job | None]:
        """`update_job` for each id, in as few transactions as the store can.

        One that cannot be read is logged and left: None, as if it were unknown. When something is
        raised, any number of them may have been written.
        """

    def get_batch(self, batch_id: str) -> Batch | None:
        """The batch, or None."""

    def update_batch(self, batch_id: str, change: BatchChange) -> Batch | None:
        """As `update_job`."""

    def batch_jobs(
        self, batch_id: str, *, after: int = -1, limit: int = 100, readable_only: bool = False
    ) -> list[Job]:
        """Jobs of a batch by position, those behind position `after`.

        With `readable_only` those that cannot be read are logged and left out; the list is empty
        only where no more can be read.
        """

    def ended_jobs(self, batch_id: str, since: datetime) -> list[Job]:
        """Jobs of a batch that ended at `since` or later, in the order of their ends.

        One that cannot be read is left out, and the log says so.
        """

    def batch_counts(self, batch_id: str) -> Mapping[Status, int]:
        """How many jobs of the batch are in each status, counted now."""

    def batch_unfinished(self, batch_id: str) -> int:
        """How many jobs of the batch have not ended, all counted at one moment."""

    def batch_worker_s(self, batch_id: str) -> float:
        """The sum of `metrics.worker_s` of the batch's jobs, those that were tried again too."""

    def get_record(self, key: str) -> IdempotencyRecord | None:
        """The idempotency record with this key, expired or not."""

    def due_jobs(self, now: datetime, limit: int = 500) -> list[Job]:
        """Unfinished jobs whose `due_at` has come, the most overdue first.

        A document that cannot be read is logged, and is due again only after a while: it neither
        ends a search nor fills it. So it is with the three searches that follow.
        """

    def due_batches(self, now: datetime, limit: int = 100) -> list[Batch]:
        """Unfinished batches whose `due_at` has come, the most overdue first."""

    def jobs_to_notify(self, now: datetime, limit: int = 500) -> list[Job]:
        """Jobs with an event whose `notify_at` has come, the most overdue first."""

    def batches_to_notify(self, now: datetime, limit: int = 100) -> list[Batch]:
        """Batches with an event whose `notify_at` has come, the most overdue first."""

    def delete_expired(self, now: datetime, limit: int = 500) -> int:
        """Delete jobs, batches, records and tallies past `expires_at`; how many."""

    def count_queued(self, before: datetime | None = None, *, singles: bool = False) -> int:
        """Queued jobs but for those that are held, or those of them created before a moment.

        `singles`: those that give way to no others, neither for their batch nor for their client
        nor because they are later ones.
        """

    def held_jobs(self, limit: int) -> list[Job]:
        """The first later jobs that are held until they fill a pass or their time comes.

        Those that cannot be read are logged and left out.
        """

    def queued_jobs(self, before: datetime, limit: int) -> list[Job]:
        """The first of the `singles` that `count_queued` counts before a moment.

        Those that cannot be read are logged and left out.
        """

    def count_running(self) -> int:
        """Jobs that a worker holds."""

    def oldest_jobs(self, status: Status, limit: int) -> list[Job]:
        """The jobs in this status that were created first, none of them held.

        What cannot be read is left out.
        """

    def newest_jobs(self, client: str | None, before: Place | None, limit: int) -> list[Job]:
        """A client's jobs, or everybody's, the newest first, those behind `before`.

        One that cannot be read is logged and left out; fewer than `limit` are all that there are.
        """

    def count_created(self, since: datetime) -> int:
        """Jobs created at or after `since`."""

    def get_state(self, name: str) -> State:
        """A small named document, `{}` if there is none."""

    def update_state(self, name: str, change: Callable[[State], State]) -> State:
        """Change a named document in one transaction, as `update_job` does."""

    def close(self) -> None:
        """Let go of files and connections."""
