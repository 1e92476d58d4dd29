"""Firestore as documents that have one body: reads, searches, and compare-and-set.

The precondition of a change is the update time of what was read: whoever was slower reads again.
Faults become StoreUnavailable within seconds.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore

from versequeue.backends.firestore_maps import from_map, to_map
from versequeue.backends.google_calls import PASSING_FAULTS, Connection, require_project, retry_for
from versequeue.errors import StoreUnavailable

Fields = dict[str, Any]
#: (field, operator, value), all of which must hold
Filters = tuple[tuple[str, str, Any], ...]

#: A call may take so long, the retries of a read included, before it is given up.
RPC_TIMEOUT_S = 5.0
#: Writing a thousand documents at once takes longer.
CREATE_TIMEOUT_S = 15.0
#: Tries of a change that others win, and the longest pause between two of them.
TRIES, LONGEST_PAUSE_S = 12, 0.2
#: Tries of a write whose answer is lost.
UNCERTAIN_TRIES = 2

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")
_OTHERS_WERE_FIRST = (
    exceptions.Aborted,
    exceptions.AlreadyExists,
    exceptions.FailedPrecondition,
    exceptions.NotFound,
)
_REASONS = (
    (exceptions.GatewayTimeout, "it does not answer in time"),
    (exceptions.ServiceUnavailable, "it cannot be reached"),
    (exceptions.RetryError, "it cannot be reached"),
    (exceptions.TooManyRequests, "a quota is used up"),
    (exceptions.Forbidden, "access is denied"),
    (exceptions.Unauthorized, "access is denied"),
    (GoogleAuthError, "there are no valid credentials"),
)


@dataclass(frozen=True)
class Document:
    """A document as it was read."""

    name: str
    #: a record; text if an older version wrote it
    body: Any
    #: precondition of a change
    update_time: Any
    #: the index field by which it was searched
    order: Any = None


@dataclass(frozen=True)
class Query:
    """A search by index fields: equal ones and at most one range, in the order of that range."""

    collection: str
    filters: Filters
    order_by: str = ""
    limit: int = 0
    #: also those whose `order_by` is greater than this
    beyond: Any = None
    #: the last first, and then only what is behind this (order, name)
    backwards: bool = False
    behind: tuple[Any, str] | None = None


@dataclass(frozen=True)
class New:
    """A document to be written; `instead_of` is what it was when it was read, if it was there."""

    collection: str
    name: str
    fields: Fields
    instead_of: Document | None = None


class Exists(Exception):
    """One of the documents to be written is not as it was read, or is there already."""


class Documents:
    """One Firestore database. Connects at its first use, so that a process may fork before.

    Raises StartupError without a project.
    """

    def __init__(self, project: str) -> None:
        project = require_project(project)
        self._connection = Connection(lambda: firestore.Client(project=project), _hang_up)

    def read(self, collection: str, name: str) -> Document | None:
        """The document; None if there is none, or can be none, of that name."""
        if not _NAME.fullmatch(name):
            return None
        with _faults(), self._connection.client() as client:
            reference = client.collection(collection).document(name)
            found = reference.get(**_limits())
            return _document(found, "") if found.exists else None

    def change(
        self, collection: str, name: str, step: Callable[[Document | None], Fields | None]
    ) -> None:
        """Write what `step` makes of the document. If another write came between, it runs again.

        `step` is given None where there is none, and returns None where nothing is to be written.
        What it raises passes through.
        """
        sent: object = None
        uncertain = 0
        for pause_s in pauses(TRIES):
            found = self.read(collection, name)
            if found and found.body == sent:
                return  # it was written; only the answer was lost
            fields = step(found)
            if fields is None:
                return
            try:
                self._write([New(collection, name, fields, found)], RPC_TIMEOUT_S)
            except Exists:
                time.sleep(pause_s)
            except PASSING_FAULTS as error:
                sent = fields["body"]
                uncertain += 1
                if uncertain == UNCERTAIN_TRIES:
                    raise _unavailable(error) from error
            else:
                return
        raise StoreUnavailable("Too many are changing the same document; try again.")

    def create(self, documents: Sequence[New]) -> None:
        """Write all of them or none. Raises Exists, also if a lost answer was that it is done."""
        for tries_left in reversed(range(UNCERTAIN_TRIES)):
            try:
                self._write(documents, CREATE_TIMEOUT_S)
            except PASSING_FAULTS as error:
                if not tries_left:
                    raise _unavailable(error) from error
            else:
                return

    def find(self, query: Query) -> list[Document]:
        """The documents that match, in order."""
        with _faults(), self._connection.client() as client:
            found = _asked(client, query).stream(**_limits())
            return [_document(each, query.order_by) for each in found]

    def count(self, query: Query) -> int:
        """How many match, counted by Firestore."""
        with _faults(), self._connection.client() as client:
            [[counted]] = _asked(client, query).count().get(**_limits())
            return int(counted.value)

    def sum(self, query: Query, field: str) -> float:
        """The sum of this index field of those that match, added up by Firestore."""
        with _faults(), self._connection.client() as client:
            [[summed]] = _asked(client, query).sum(field).get(**_limits())
            return float(summed.value)

    def close(self) -> None:
        """Let go of the connection; a later use connects again."""
        self._connection.close()

    def _write(self, documents: Sequence[New], timeout_s: float) -> None:
        # Uncertain ends pass through: only the caller can find out what became of the write.
        with _faults(but=PASSING_FAULTS), self._connection.client() as client:
            writes = client.batch()
            for document in documents:
                reference = client.collection(document.collection).document(document.name)
                fields = _as_stored(document.fields)
                if document.instead_of:
                    read_at = client.write_option(last_update_time=document.instead_of.update_time)
                    writes.update(reference, fields, option=read_at)
                else:
                    writes.create(reference, fields)
            try:
                writes.commit(retry=None, timeout=timeout_s)
            except _OTHERS_WERE_FIRST as error:
                raise Exists from error


def _hang_up(client: Any) -> None:
    # The client's own `close` leaves its channel open (google-cloud-firestore 2.34.1).
    client._firestore_api.transport.close()


def _asked(client: Any, query: Query) -> Any:
    """The search as the library has it."""
    found = client.collection(query.collection)
    for field, operator, value in query.filters:
        wanted: Any = firestore.FieldFilter(field, operator, value)
        if query.beyond and field == query.order_by:
            wanted = firestore.Or([wanted, firestore.FieldFilter(field, ">", query.beyond)])
        found = found.where(filter=wanted)
    if query.backwards:
        down = {"direction": firestore.Query.DESCENDING}
        found = found.order_by(query.order_by, **down).order_by("__name__", **down)
    elif query.order_by:
        found = found.order_by(query.order_by)
    if query.behind:
        found = found.start_after(
            dict(zip((query.order_by, "__name__"), query.behind, strict=True))
        )
    return found.limit(query.limit) if query.limit else found


def _limits() -> dict[str, Any]:
    return {"retry": retry_for(RPC_TIMEOUT_S), "timeout": RPC_TIMEOUT_S}


@contextmanager
def _faults(but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    try:
        yield
    except but:
        raise
    except (exceptions.GoogleAPIError, GoogleAuthError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> StoreUnavailable:
    names = (reason for kind, reason in _REASONS if isinstance(error, kind))
    reason = next(names, f"it answers {type(error).__name__}")
    return StoreUnavailable(f"The job store fails: {reason}.")


def _as_stored(fields: Fields) -> Fields:
    return {**fields, "body": to_map(fields["body"])} if "body" in fields else fields


def _document(found: Any, order_by: str) -> Document:
    # The library raises KeyError for a field that is not there.
    fields = found.to_dict()
    body = fields.get("body")
    with suppress(ValueError, TypeError):  # somebody's edit: whoever reads it finds that out
        body = from_map(body) if isinstance(body, Mapping) else body
    return Document(found.id, body, found.update_time, fields.get(order_by))


def pauses(tries: int) -> Iterator[float]:
    """How long to wait after each of so many tries that others have won."""
    for number in range(tries):
        yield random.uniform(0, min(0.01 * 2**number, LONGEST_PAUSE_S))
