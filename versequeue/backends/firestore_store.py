"""The store in Firestore: what is searched as index fields, beside the document as JSON text.

Text and not a map, since a caller's metadata may have keys that Firestore refuses. Firestore's own
TTL policy deletes what is past its retention. The indexes are in deploy/firestore.indexes.json.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from versequeue.backends import firestore_documents as firestore
from versequeue.backends.document_store import (
    D,
    DocumentStore,
    Stored,
    T,
    fields_of,
    furthest,
    read_state,
    read_stored,
    readable,
)
from versequeue.backends.firestore_documents import Document, Exists, New, Query
from versequeue.errors import StoreUnavailable
from versequeue.ports import store as port
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally

_COLLECTIONS: dict[type, str] = {
    Job: "jobs",
    Batch: "batches",
    port.IdempotencyRecord: "records",
    Tally: "tallies",
}
#: How often a creation is tried while others change the tallies that it is charged to.
CREATE_TRIES = 60


class FirestoreStore(DocumentStore[Document]):
    """`versequeue.ports.store.Store` on Firestore. Raises StartupError without a project."""

    def __init__(self, project: str) -> None:
        self._documents = firestore.Documents(project)

    def create(
        self,
        jobs: Sequence[Job],
        *,
        batch: Batch | None = None,
        record: port.IdempotencyRecord | None = None,
        joined: tuple[str, port.BatchChange] | None = None,
        charges: Mapping[str, port.TallyChange] | None = None,
        now: datetime,
    ) -> None:
        documents = [_new(batch, batch.id)] if batch else []
        documents += [_new(job, job.id) for job in jobs]
        for pause_s in firestore.pauses(CREATE_TRIES):
            # First: a key that is taken is told so, also where the limit is used up.
            claimed = [_new(record, record.key, self._expired(record, now))] if record else []
            changed = self._changed(joined, charges or {})
            try:
                self._documents.create([*claimed, *documents, *changed])
            except Exists:
                if self._is_ours([*documents, *claimed] or changed):
                    return
                if not (record or changed):
                    raise
            else:
                return
            time.sleep(pause_s)
        raise StoreUnavailable("Too many are using up the same limit; try again.")

    def update_jobs(self, changes: Mapping[str, port.JobChange]) -> Mapping[str, Job | None]:
        """One after the other: a compare-and-set is about one document."""
        return {
            job_id: readable(job_id, partial(self.update_job, job_id, change))
            for job_id, change in changes.items()
        }

    def batch_jobs(self, batch_id: str, *, after: int = -1, limit: int = 100) -> list[Job]:
        behind = (("batch_id", "==", batch_id), ("position", ">", after))
        found = self._documents.find(Query("jobs", behind, "position", limit))
        return [read_stored(Job, each.body) for each in found]

    def batch_counts(self, batch_id: str) -> Mapping[Status, int]:
        """How many jobs of the batch are in each status, counted one by one while jobs move on.

        Final counts only rise, and the rest is the total less those: so no unfinished job is taken
        for a finished one.
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

    def delete_expired(self, now: datetime, limit: int = 500) -> int:  # noqa: ARG002 - the port's
        """Nothing: Firestore deletes by `expires_at` itself, which therefore needs no index."""
        return 0

    def count_queued(self, before: datetime | None = None, *, singles: bool = False) -> int:
        queued: firestore.Filters = (("status", "==", Status.QUEUED.value),)
        if singles:
            queued += (("batch_id", "==", None),)
        if before is not None:
            queued += (("created_at", "<", before),)
        return self._documents.count(Query("jobs", queued))

    def queued_jobs(self, before: datetime, limit: int) -> list[Job]:
        filters = (
            ("status", "==", Status.QUEUED.value),
            ("batch_id", "==", None),
            ("created_at", "<", before),
        )
        documents = self._documents.find(Query("jobs", filters, "created_at", limit))
        found = (readable(each.name, partial(read_stored, Job, each.body)) for each in documents)
        return [job for job in found if job]

    def count_created(self, since: datetime) -> int:
        return self._documents.count(Query("jobs", (("created_at", ">=", since),)))

    def get_state(self, name: str) -> port.State:
        found = self._documents.read("states", name)
        return read_state(name, found.body) if found else {}

    def update_state(self, name: str, change: Callable[[port.State], port.State]) -> port.State:
        changed: port.State = {}

        def step(found: Document | None) -> dict[str, Any] | None:
            nonlocal changed
            state = read_state(name, found.body) if found else {}
            changed = change(state)
            return None if changed is state else {"body": json.dumps(changed)}

        self._documents.change("states", name, step)
        return changed

    def close(self) -> None:
        self._documents.close()

    def _get(self, kind: type[T], name: str) -> T | None:
        found = self._documents.read(_COLLECTIONS[kind], name)
        return read_stored(kind, found.body) if found else None

    def _change(self, kind: type[D], name: str, change: Callable[[D], D]) -> D | None:
        changed: D | None = None

        def step(found: Document | None) -> dict[str, Any] | None:
            nonlocal changed
            document = read_stored(kind, found.body) if found else None
            changed = change(document) if document else None
            return None if changed is document or changed is None else fields_of(changed)

        self._documents.change(_COLLECTIONS[kind], name, step)
        return changed

    def _changed(
        self, joined: tuple[str, port.BatchChange] | None, charges: Mapping[str, port.TallyChange]
    ) -> list[New]:
        changed = []
        for key, charge in charges.items():
            found = self._documents.read("tallies", key)
            tally = charge(read_stored(Tally, found.body) if found else None)
            changed.append(_new(tally, key, found))
        if joined and (found := self._documents.read("batches", joined[0])):
            batch = joined[1](read_stored(Batch, found.body))
            changed.append(_new(batch, batch.id, found))
        return changed

    def _is_ours(self, documents: Sequence[New]) -> bool:
        # Written by us, though the answer was lost. All are written or none, so one tells of all.
        if not documents:
            return False
        found = self._documents.read(documents[0].collection, documents[0].name)
        return found is not None and found.body == documents[0].fields["body"]

    def _expired(self, record: port.IdempotencyRecord, now: datetime) -> Document | None:
        found = self._documents.read("records", record.key)
        known = read_stored(port.IdempotencyRecord, found.body) if found else None
        if known and known.expires_at > now:
            raise port.KeyTaken(known)
        return found

    def _search(self, kind: type[D], field: str, now: datetime, limit: int) -> list[Document]:
        due = Query(_COLLECTIONS[kind], ((field, "<=", now),), field, limit, beyond=furthest(now))
        return self._documents.find(due)

    def _index(self, kind: type[D], found: Document, fields: Mapping[str, Any]) -> None:
        change = New(_COLLECTIONS[kind], found.name, dict(fields), found)
        with suppress(Exists):
            self._documents.create([change])

    def _count_status(self, batch_id: str, status: Status) -> int:
        filters = (("batch_id", "==", batch_id), ("status", "==", status.value))
        return self._documents.count(Query("jobs", filters))


def _new(document: Stored, name: str, instead_of: Document | None = None) -> New:
    return New(_COLLECTIONS[type(document)], name, fields_of(document), instead_of)
