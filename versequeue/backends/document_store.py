"""What a store keeps of a document: the fields that it is searched by, and all of it as JSON."""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from versequeue.clock import utc_now
from versequeue.errors import Unreadable
from versequeue.ports.store import BatchChange, IdempotencyRecord, JobChange, State
from versequeue.records import from_json, to_json
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job
from versequeue.rules.tally import Tally
from versequeue.rules.transitions import FURTHEST_S

log = logging.getLogger(__name__)
Stored = Job | Batch | IdempotencyRecord | Tally
T = TypeVar("T", Job, Batch, IdempotencyRecord, Tally)
D = TypeVar("D", Job, Batch)
#: A document that this version cannot read is left alone for so long before it is due again.
UNREADABLE_FOR_S = 300


def fields_of(document: Stored) -> dict[str, Any]:
    """The index fields of `document`, and `body`, from which it is read again."""
    fields = {"expires_at": document.expires_at, "body": to_json(document)}
    if isinstance(document, Job | Batch):
        fields |= {"due_at": document.due_at, "notify_at": document.notify_at}
    if isinstance(document, Job):
        fields |= {
            "status": document.status.value,
            "batch_id": document.batch_id,
            "position": document.position,
            "client": document.client,
            "created_at": document.created_at,
        }
    return fields


def read_stored(kind: type[T], body: str) -> T:
    """The document in `body`. Raises Unreadable, for example if a newer version wrote it."""
    try:
        return from_json(kind, body)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"This {kind.__name__.lower()} cannot be read: {error}.") from error


def read_state(name: str, body: str) -> State:
    """The named document in `body`; `{}`, and a line in the log, if that is none."""
    try:
        return dict(json.loads(body))
    except (ValueError, TypeError) as error:
        log.warning("the document %r cannot be read and begins anew: %s", name, error)
        return {}


def put_off(now: datetime) -> datetime:
    """When a document that cannot be read is due again, however far ahead `now` looks."""
    return min(now, utc_now()) + timedelta(seconds=UNREADABLE_FOR_S)


def furthest(now: datetime) -> datetime:
    """What is to be looked at later than this is due now: the clock was set back meanwhile."""
    return now + timedelta(seconds=FURTHEST_S)


class Found(Protocol):
    """A document as a search has found it."""

    @property
    def name(self) -> str: ...
    @property
    def body(self) -> str: ...


F = TypeVar("F", bound=Found)


class DocumentStore(ABC, Generic[F]):
    """How every store does what `ports.store.Store` promises of one document, and of those due."""

    @abstractmethod
    def _get(self, kind: type[T], name: str) -> T | None: ...

    @abstractmethod
    def _change(self, kind: type[D], name: str, change: Callable[[D], D]) -> D | None: ...

    @abstractmethod
    def _search(self, kind: type[D], field: str, now: datetime, limit: int) -> Sequence[F]:
        """The documents whose index `field` has come, the most overdue first, then those in which
        it is further ahead than `furthest(now)`.
        """

    @abstractmethod
    def _index(self, kind: type[D], found: F, fields: Mapping[str, Any]) -> None:
        """Write these index fields, unless somebody has changed the document meanwhile."""

    def get_job(self, job_id: str) -> Job | None:
        return self._get(Job, job_id)

    def update_job(self, job_id: str, change: JobChange) -> Job | None:
        return self._change(Job, job_id, change)

    def get_batch(self, batch_id: str) -> Batch | None:
        return self._get(Batch, batch_id)

    def update_batch(self, batch_id: str, change: BatchChange) -> Batch | None:
        return self._change(Batch, batch_id, change)

    def get_record(self, key: str) -> IdempotencyRecord | None:
        return self._get(IdempotencyRecord, key)

    def due_jobs(self, now: datetime, limit: int = 500) -> list[Job]:
        return self._due(Job, "due_at", now, limit)

    def due_batches(self, now: datetime, limit: int = 100) -> list[Batch]:
        return self._due(Batch, "due_at", now, limit)

    def jobs_to_notify(self, now: datetime, limit: int = 500) -> list[Job]:
        return self._due(Job, "notify_at", now, limit)

    def batches_to_notify(self, now: datetime, limit: int = 100) -> list[Batch]:
        return self._due(Batch, "notify_at", now, limit)

    def _due(self, kind: type[D], field: str, now: datetime, limit: int) -> list[D]:
        due: list[D] = []
        odd: set[str] = set()
        while not due:
            found = self._search(kind, field, now, limit + len(odd))
            new = [one for one in found if one.name not in odd]
            for one in new:
                if known := self._known(kind, field, one, now):
                    due.append(known)
                else:
                    odd.add(one.name)
            if not new:
                break
        return due

    def _known(self, kind: type[D], field: str, found: F, now: datetime) -> D | None:
        # What is due; None if that is not to be known, or a mistake of the index.
        known = readable(found.name, lambda: read_stored(kind, found.body))
        if known is None:
            self._index(kind, found, {field: put_off(now)})
        elif getattr(known, field) is None:
            # An older version has indexed it: it meant both moments by `due_at`.
            self._index(kind, found, fields_of(known))
            return None
        return known


def readable(name: str, read: Callable[[], D | None]) -> D | None:
    """What `read` gives; None, and a line in the log, if that raises Unreadable."""
    try:
        return read()
    except Unreadable as error:
        log.warning("%s is left as it is: %s", name, error)
        return None
