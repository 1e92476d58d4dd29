"""The store in Firestore: what is searched as index fields, beside the whole document as JSON text.

The body is text and not a map: a caller's metadata may have keys that Firestore refuses. What is
past its retention is deleted by Firestore's own TTL policy. The composite indexes that the
searches need are in deploy/firestore.indexes.json.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from versequeue.backends.firestore_documents import Document, Documents, Exists, Filters, New, Query
from versequeue.backends.stored import stored_fields
from versequeue.errors import StoreUnavailable
from versequeue.ports.store import BatchChange, IdempotencyRecord, JobChange, KeyTaken, State
from versequeue.records import from_json
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status

T = TypeVar("T", Job, Batch, IdempotencyRecord)
D = TypeVar("D", Job, Batch)

_COLLECTIONS: dict[type, str] = {Job: "jobs", Batch: "batches", IdempotencyRecord: "records"}
#: How often a request tries to replace the expired record of its key, which others may do too.
CREATE_TRIES = 5


class FirestoreStore:
    """`versequeue.ports.store.Store` on Firestore. Raises StartupError without a project."""

    def __init__(self, project: str, database: str = "(default)") -> None:
        self._documents = Documents(project, database)

    def create(
        self,
        jobs: Sequence[Job],
        *,
        batch: Batch | None = None,
        record: IdempotencyRecord | None = None,
        now: datetime,
    ) -> None:
        """Write all of it or nothing. Raises KeyTaken if a live record has the same key."""
        documents = [_new(record, record.key)] if record else []
        documents += [_new(batch, batch.id)] if batch else []
        documents += [_new(job, job.id) for job in jobs]
        expired: Document | None = None
        for _ in range(CREATE_TRIES):
            try:
                self._documents.create(documents, instead_of=expired)
            except Exists:
                first = documents[0]
                found = self._documents.read(first.collection, first.name)
                if found and found.body == first.fields["body"]:
                    return  # our own write, whose answer was lost
                if record is None:
                    raise
                known = from_json(IdempotencyRecord, found.body) if found else None
                if known and known.expires_at > now:
                    raise KeyTaken(known) from None
                expired = found
            else:
                return
        raise StoreUnavailable("Too many requests with one Idempotency-Key; try again.")

    def get_job(self, job_id: str) -> Job | None:
        """The job, or None."""
        return self._get(Job, job_id)

    def update_job(self, job_id: str, change: JobChange) -> Job | None:
        """Read, change and write, unless another write came between: then again."""
        return self._change(Job, job_id, change)

    def update_jobs(self, changes: Mapping[str, JobChange]) -> Mapping[str, Job | None]:
        """One after the other: a compare-and-set is about one document."""
        return {job_id: self.update_job(job_id, change) for job_id, change in changes.items()}

    def get_batch(self, batch_id: str) -> Batch | None:
        """The batch, or None."""
        return self._get(Batch, batch_id)

    def update_batch(self, batch_id: str, change: BatchChange) -> Batch | None:
        """As `update_job`."""
        return self._change(Batch, batch_id, change)

    def batch_jobs(self, batch_id: str, *, after: int = -1, limit: int = 100) -> list[Job]:
        """Jobs of a batch by position, those behind position `after`."""
        behind = (("batch_id", "==", batch_id), ("position", ">", after))
        return self._find(Job, behind, "position", limit)

    def batch_counts(self, batch_id: str) -> Mapping[Status, int]:
        """How many jobs of the batch are in each status.

        Counted one after the other while jobs move on. Final counts only rise, so that taking
        them from the total never takes an unfinished job for a finished one.
        """
        running = self._count_status(batch_id, Status.RUNNING)
        left = self._documents.count(Query("jobs", (("batch_id", "==", batch_id),)))
        counts = {}
        for status in (each for each in Status if each.is_terminal):
            counts[status] = min(self._count_status(batch_id, status), left) if left else 0
            left -= counts[status]
        counts[Status.RUNNING] = min(running, left)
        counts[Status.QUEUED] = left - counts[Status.RUNNING]
        return {status: count for status, count in counts.items() if count}

    def get_record(self, key: str) -> IdempotencyRecord | None:
        """The idempotency record with this key, expired or not."""
        return self._get(IdempotencyRecord, key)

    def due_jobs(self, now: datetime, limit: int = 500) -> list[Job]:
        """Jobs whose `due_at` has come, the most overdue first."""
        return self._find(Job, (("due_at", "<=", now),), "due_at", limit)

    def due_batches(self, now: datetime, limit: int = 100) -> list[Batch]:
        """Batches whose `due_at` has come, the most overdue first."""
        return self._find(Batch, (("due_at", "<=", now),), "due_at", limit)

    def delete_expired(self, now: datetime, limit: int = 500) -> int:  # noqa: ARG002 - the port's
        """Nothing: Firestore deletes by `expires_at` itself, which therefore needs no index."""
        return 0

    def count_queued(self, before: datetime | None = None, *, singles: bool = False) -> int:
        """Queued jobs, or those of them created before a moment; `singles`: those of no batch."""
        queued: Filters = (("status", "==", Status.QUEUED.value),)
        if singles:
            queued += (("batch_id", "==", None),)
        if before is not None:
            queued += (("created_at", "<", before),)
        return self._documents.count(Query("jobs", queued))

    def count_created(self, since: datetime, client: str | None = None) -> int:
        """Jobs created at or after `since`, by everybody or by one client."""
        created: Filters = (("created_at", ">=", since),)
        if client is not None:
            created = (("client", "==", client), *created)
        return self._documents.count(Query("jobs", created))

    def oldest_created(self, since: datetime, client: str) -> datetime | None:
        """When the oldest of the jobs that `count_created` counts was created."""
        created = (("client", "==", client), ("created_at", ">=", since))
        oldest = self._find(Job, created, "created_at", 1)
        return oldest[0].created_at if oldest else None

    def get_state(self, name: str) -> State:
        """A small named document, `{}` if there is none."""
        found = self._documents.read("states", name)
        state: State = json.loads(found.body) if found else {}
        return state

    def update_state(self, name: str, change: Callable[[State], State]) -> State:
        """As `update_job`; the document is made if there is none."""
        changed: State = {}

        def step(found: Document | None) -> dict[str, Any] | None:
            nonlocal changed
            state: State = json.loads(found.body) if found else {}
            changed = change(state)
            return None if changed is state else {"body": json.dumps(changed)}

        self._documents.change("states", name, step)
        return changed

    def close(self) -> None:
        """Let go of the connection."""
        self._documents.close()

    def _get(self, kind: type[T], name: str) -> T | None:
        found = self._documents.read(_COLLECTIONS[kind], name)
        return from_json(kind, found.body) if found else None

    def _change(self, kind: type[D], name: str, change: Callable[[D], D]) -> D | None:
        changed: D | None = None

        def step(found: Document | None) -> dict[str, Any] | None:
            nonlocal changed
            document = from_json(kind, found.body) if found else None
            changed = change(document) if document else None
            return None if changed is document or changed is None else stored_fields(changed)

        self._documents.change(_COLLECTIONS[kind], name, step)
        return changed

    def _find(self, kind: type[D], filters: Filters, order_by: str, limit: int) -> list[D]:
        query = Query(_COLLECTIONS[kind], filters, order_by, limit)
        return [from_json(kind, found.body) for found in self._documents.find(query)]

    def _count_status(self, batch_id: str, status: Status) -> int:
        filters = (("batch_id", "==", batch_id), ("status", "==", status.value))
        return self._documents.count(Query("jobs", filters))


def _new(document: Job | Batch | IdempotencyRecord, name: str) -> New:
    return New(_COLLECTIONS[type(document)], name, stored_fields(document))
