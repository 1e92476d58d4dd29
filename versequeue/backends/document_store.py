"""What a store keeps of a document: the fields that it is searched by, and all of it."""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from versequeue.clock import utc_now
from versequeue.errors import Unreadable
from versequeue.ports.store import BatchChange, IdempotencyRecord, JobChange, Place, State
from versequeue.records import CANNOT_READ, from_record, parse_time
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job
from versequeue.rules.tally import Tally
from versequeue.rules.transitions import FURTHEST_S

log = logging.getLogger(__name__)
Stored = Job | Batch | IdempotencyRecord | Tally
#: A document as `records` writes it: JSON text, or the same as data.
Body = str | Mapping[str, Any]
T = TypeVar("T", Job, Batch, IdempotencyRecord, Tally)
D = TypeVar("D", Job, Batch)
R = TypeVar("R")
#: A document that this version cannot read is left alone for so long before it is due again.
UNREADABLE_FOR_S = 300
#: What a song of no batch is searched by in a batch's place where it gives way to others: who has
#: the right of way is found by having neither.
GIVES_WAY = "gives way"
#: What a later job that waits for company is searched by in the place of its status: it is not
#: counted among those that somebody has been asked to write.
HELD = "held"
#: So much is told of what is wrong with a document: it may be as long as the document.
MOST_SAID = 200


def index_fields(document: Stored) -> dict[str, Any]:
    """What `document` is searched by, as its store keeps it beside the body."""
    fields: dict[str, Any] = {"expires_at": document.expires_at}
    if isinstance(document, Job | Batch):
        fields |= {"due_at": document.due_at, "notify_at": document.notify_at}
    if isinstance(document, Job):
        fields |= {
            "status": HELD if document.is_held else document.status.value,
            "batch_id": document.batch_id or (GIVES_WAY if document.in_bulk else None),
            "position": document.position,
            "client": document.client,
            "created_at": document.created_at,
            "finished_at": document.finished_at,
            "worker_s": document.metrics.worker_s,
        }
    return fields


def name_of(document: Stored) -> str:
    """The name under which `document` is stored."""
    return document.id if isinstance(document, Job | Batch) else document.key


def read_stored(kind: type[T], name: str, body: Body) -> T:
    """The document in `body`. Raises Unreadable, for example if a newer version wrote it."""
    try:
        document = from_record(kind, record_of(body))
        if name_of(document) != name:
            # A change of it would be written to another one.
            raise ValueError(f"it is {name_of(document)!r} inside")
        if isinstance(document, Job | Batch):
            _searched_text(document).encode()  # half a character is no index field
    except CANNOT_READ as error:
        said = f"{error!s:.{MOST_SAID}}"
        raise Unreadable(f"{kind.__name__} {name} cannot be read: {said}.") from error
    return document


def _searched_text(document: Job | Batch) -> str:
    batch_id = document.batch_id if isinstance(document, Job) else None
    return f"{document.client}{batch_id}"


def read_tally(name: str, body: Body) -> Tally | None:
    """The tally in `body`; one that cannot be read begins anew, else it would stop everybody."""
    return readable(name, lambda: read_stored(Tally, name, body))


def read_state(name: str, body: Body) -> State:
    """The named document in `body`; one that cannot be read begins anew."""
    try:
        state = record_of(body)
    except CANNOT_READ:
        state = None
    if isinstance(state, dict):
        return state
    log.warning("what is stored as %r cannot be read, and begins anew", name)
    return {}


def record_of(body: Body) -> Any:
    """The record in a body, if it is one. Raises one of CANNOT_READ if it is no JSON."""
    return json.loads(body) if isinstance(body, str) else body


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
    def body(self) -> Body: ...
    @property
    def order(self) -> Any:
        """The index field by which it was searched."""


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
    def _rows(self, batch_id: str, after: int, limit: int) -> Sequence[F]:
        """The jobs of a batch by the index field `position`, those behind `after`."""

    @abstractmethod
    def _newest(self, client: str | None, before: Place | None, limit: int) -> Sequence[F]:
        """The jobs of a client, or of all, by the index field `created_at`, the newest first."""

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

    def batch_jobs(
        self, batch_id: str, *, after: int = -1, limit: int = 100, readable_only: bool = False
    ) -> list[Job]:
        while found := self._rows(batch_id, after, limit):
            reads = [partial(_read_row, one) for one in found]
            if not readable_only:
                return [read() for read in reads]
            jobs = [readable(one.name, read) for one, read in zip(found, reads, strict=True)]
            if known := [job for job in jobs if job]:
                return known
            after = found[-1].order
        return []

    def newest_jobs(self, client: str | None, before: Place | None, limit: int) -> list[Job]:
        jobs: list[Job] = []
        while left := limit - len(jobs):
            found = self._newest(client, before, left)
            jobs += readable_jobs((each.name, each.body) for each in found)
            if len(found) < left:
                break
            before = Place(_moment(found[-1].order), found[-1].name)
        return jobs

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
        known = readable(found.name, lambda: read_stored(kind, found.name, found.body))
        if known is None:
            self._index(kind, found, {field: put_off(now)})
        elif getattr(known, field) is None:
            # An older version has indexed it: it meant both moments by `due_at`.
            self._index(kind, found, index_fields(known))
            return None
        return known


def readable(name: str, read: Callable[[], R | None]) -> R | None:
    """What `read` gives; None, and a line in the log, if that raises Unreadable."""
    try:
        return read()
    except Unreadable as error:
        log.warning("%s is left as it is: %s", name, error)
        return None


def readable_jobs(found: Iterable[tuple[str, Body]]) -> list[Job]:
    """The jobs among these names and bodies; what cannot be read is logged and left out."""
    jobs = [readable(name, partial(read_stored, Job, name, body)) for name, body in found]
    return [job for job in jobs if job]


def _moment(order: datetime | str) -> datetime:
    return parse_time(order) if isinstance(order, str) else order


def _read_row(found: Found) -> Job:
    # Whoever pages through a batch goes on behind the position of the last job.
    job = read_stored(Job, found.name, found.body)
    if job.position != found.order:
        raise Unreadable(f"Job {job.id} cannot be read: it is at {found.order} and {job.position}.")
    return job
