"""The store in Firestore: what is searched as index fields, beside the whole document as a map.

Firestore's own TTL policy deletes what is past its retention. The indexes are in
deploy/firestore.indexes.json.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from versequeue.backends import firestore_documents as firestore
from versequeue.backends.document_store import (
    HELD,
    D,
    DocumentStore,
    Stored,
    T,
    furthest,
    index_fields,
    name_of,
    read_state,
    read_stored,
    read_tally,
    readable,
    readable_jobs,
)
from versequeue.backends.firestore_documents import Document, Exists, New, Query
from versequeue.errors import StoreUnavailable
from versequeue.ports import store as port
from versequeue.records import to_record
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally

_COLLECTIONS: dict[type, str] = {
    Job: "jobs",
    Batch: "batches",
    port.IdempotencyRecord: "records",
    Tally: "tallies",
}
ENDED = [status.value for status in Status if status.is_terminal]
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
        documents = [_new(batch)] if batch else []
        documents += [_new(job) for job in jobs]
        for pause_s in firestore.pauses(CREATE_TRIES):
            # First: a key that is taken is told so, also where the limit is used up.
            claimed = [_new(record, self._expired(record, now))] if record else []
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

    def ended_jobs(self, batch_id: str, since: datetime) -> list[Job]:
        ended = (("batch_id", "==", batch_id), ("finished_at", ">=", since))
        found = self._documents.find(Query("jobs", ended, "finished_at"))
        return readable_jobs((each.name, each.body) for each in found)

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

    def batch_unfinished(self, batch_id: str) -> int:
        """One count, which a job cannot slip through as it moves from one status to the next.

        Not by those that are known: what a newer version calls otherwise has not ended.
        """
        filters = (("batch_id", "==", batch_id), ("status", "not-in", ENDED))
        return self._documents.count(Query("jobs", filters))

    def batch_worker_s(self, batch_id: str) -> float:
        return self._documents.sum(Query("jobs", (("batch_id", "==", batch_id),)), "worker_s")

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
        found = self._documents.find(Query("jobs", filters, "created_at", limit))
        return readable_jobs((each.name, each.body) for each in found)

    def count_running(self) -> int:
        running = (("status", "==", Status.RUNNING.value),)
        return self._documents.count(Query("jobs", running))

    def oldest_jobs(self, status: Status, limit: int) -> list[Job]:
        wanted = (("status", "==", status.value),)
        found = self._documents.find(Query("jobs", wanted, "created_at", limit))
        return readable_jobs((each.name, each.body) for each in found)

    def held_jobs(self, limit: int) -> list[Job]:
        held = Query("jobs", (("status", "==", HELD),), "created_at", limit)
        return readable_jobs((each.name, each.body) for each in self._documents.find(held))

    def count_created(self, since: datetime) -> int:
        return self._documents.count(Query("jobs", (("created_at", ">=", since),)))

    def get_state(self, name: str) -> port.State:
        found = self._documents.read("states", name)
        return _state_in(name, found)

    def update_state(self, name: str, change: Callable[[port.State], port.State]) -> port.State:
        changed: port.State = {}

        def step(found: Document | None) -> dict[str, Any] | None:
            nonlocal changed
            state = _state_in(name, found)
            changed = change(state)
            return None if changed is state else {"body": changed}

        self._documents.change("states", name, step)
        return changed

    def close(self) -> None:
        self._documents.close()

    def _get(self, kind: type[T], name: str) -> T | None:
        found = self._documents.read(_COLLECTIONS[kind], name)
        return _read(kind, found) if found else None

    def _change(self, kind: type[D], name: str, change: Callable[[D], D]) -> D | None:
        changed: D | None = None

        def step(found: Document | None) -> dict[str, Any] | None:
            nonlocal changed
            document = _read(kind, found) if found else None
            changed = change(document) if document else None
            return None if changed is document or changed is None else _fields(changed)

        self._documents.change(_COLLECTIONS[kind], name, step)
        return changed

    def _changed(
        self, joined: tuple[str, port.BatchChange] | None, charges: Mapping[str, port.TallyChange]
    ) -> list[New]:
        changed = []
        for key, charge in charges.items():
            found = self._documents.read("tallies", key)
            tally = charge(read_tally(key, found.body) if found else None)
            changed.append(_new(tally, found))
        if joined and (found := self._documents.read("batches", joined[0])):
            batch = joined[1](_read(Batch, found))
            changed.append(_new(batch, found))
        return changed

    def _is_ours(self, documents: Sequence[New]) -> bool:
        # Written by us, though the answer was lost. All are written or none, so one tells of all.
        if not documents:
            return False
        found = self._documents.read(documents[0].collection, documents[0].name)
        return found is not None and found.body == documents[0].fields["body"]

    def _expired(self, record: port.IdempotencyRecord, now: datetime) -> Document | None:
        found = self._documents.read("records", record.key)
        known = _read(port.IdempotencyRecord, found) if found else None
        if known and known.expires_at > now:
            raise port.KeyTaken(known)
        return found

    def _rows(self, batch_id: str, after: int, limit: int) -> list[Document]:
        behind = (("batch_id", "==", batch_id), ("position", ">", after))
        return self._documents.find(Query("jobs", behind, "position", limit))

    def _newest(self, client: str | None, before: port.Place | None, limit: int) -> list[Document]:
        own = () if client is None else (("client", "==", client),)
        after = (before.created_at, before.job_id) if before else None
        return self._documents.find(
            Query("jobs", own, "created_at", limit, backwards=True, behind=after)
        )

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


def _read(kind: type[T], found: Document) -> T:
    return read_stored(kind, found.name, found.body)


def _new(document: Stored, instead_of: Document | None = None) -> New:
    return New(_COLLECTIONS[type(document)], name_of(document), _fields(document), instead_of)


def _fields(document: Stored) -> dict[str, Any]:
    return {**index_fields(document), "body": to_record(document)}


def _state_in(name: str, found: Document | None) -> port.State:
    return dict(read_state(name, found.body)) if found else {}
