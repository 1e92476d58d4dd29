"""A Firestore in memory under the real `FirestoreStore`: every RPC is a boundary.

Only what a document database promises: a commit is whole or nothing and checks its preconditions;
reads, searches and counts are of their own moments. An answer may be lost after a commit.
"""

import itertools
import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

from google.api_core import exceptions
from google.cloud import firestore

from tests.simulation.faults import Faults
from tests.simulation.ports import QueuePort
from tests.simulation.promises import Promises
from tests.support.memory import MemoryQueue
from versequeue.backends.firestore_maps import from_map
from versequeue.backends.firestore_store import FirestoreStore
from versequeue.ports.queue import Topic

T = TypeVar("T")
Path = tuple[str, str]
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "!=": operator.ne,
    "not-in": lambda value, wanted: value not in wanted,
}


@dataclass(frozen=True)
class Stored:
    """One document, with the number of the commit that wrote it."""

    fields: dict[str, Any]
    update_time: int


class Snapshot:
    """A document as it was read."""

    def __init__(self, reference: "Reference", stored: Stored | None) -> None:
        self.reference, self._stored = reference, stored
        self.id = reference.path[1]
        self.exists = stored is not None
        self.update_time = stored.update_time if stored else None

    def get(self, field: str) -> Any:
        """One field; None if it is not there."""
        return self._stored.fields.get(field) if self._stored else None

    def to_dict(self) -> dict[str, Any] | None:
        """All fields."""
        return dict(self._stored.fields) if self._stored else None


class Reference:
    """The place of one document."""

    def __init__(self, client: "MemoryFirestore", path: Path) -> None:
        self.client, self.path = client, path
        self.id = path[1]

    def get(self, **_: Any) -> Snapshot:
        """One read."""
        return self.client.rpc(f"get {self.id}", lambda: self.client.snapshot(self), writes=False)


class Search:
    """A collection, or what is left of it behind filters."""

    def __init__(self, client: "MemoryFirestore", collection: str) -> None:
        self.client, self.collection = client, collection
        self.filters: tuple[Any, ...] = ()
        self.order = ""
        self.most = 0

    def document(self, name: str) -> Reference:
        """The place of a document."""
        return Reference(self.client, (self.collection, name))

    def where(self, *, filter: Any) -> "Search":  # noqa: A002 - the library's
        """Those for which this holds too."""
        return self._with(filters=(*self.filters, filter))

    def order_by(self, field: str, **_: Any) -> "Search":
        """In this order."""
        return self._with(order=field)

    def limit(self, most: int) -> "Search":
        """Only the first of them."""
        return self._with(most=most)

    def stream(self, **_: Any) -> list[Snapshot]:
        """One search, from one moment."""
        return self.client.rpc(f"find {self.collection}", self._found, writes=False)

    def get(self, **_: Any) -> list[Snapshot]:
        """One search, from one moment."""
        return self.stream()

    def count(self, **_: Any) -> Any:
        """What counts them when it is asked."""

        def get(**_: Any) -> Any:
            counted = self.client.rpc(f"count {self.collection}", self._found, writes=False)
            return [[SimpleNamespace(value=len(counted))]]

        return SimpleNamespace(get=get)

    def sum(self, field: str, **_: Any) -> Any:
        """What adds up this field of theirs when it is asked."""

        def get(**_: Any) -> Any:
            found = self.client.rpc(f"sum {self.collection}", self._found, writes=False)
            return [[SimpleNamespace(value=sum(one.get(field) or 0 for one in found))]]

        return SimpleNamespace(get=get)

    def _with(self, **changed: Any) -> "Search":
        other = Search(self.client, self.collection)
        vars(other).update({**vars(self), **changed})
        return other

    def _found(self) -> list[Snapshot]:
        documents = self.client.documents
        found = [
            (path, stored)
            for path, stored in documents.items()
            if path[0] == self.collection and all(_holds(one, stored) for one in self.filters)
        ]
        if self.order:
            found.sort(key=lambda pair: (pair[1].fields[self.order], pair[0]))
        found = found[: self.most] if self.most else found
        return [Snapshot(Reference(self.client, path), stored) for path, stored in found]


class Writes:
    """A batch of writes, committed as a whole."""

    def __init__(self, client: "MemoryFirestore") -> None:
        self._client = client
        self._writes: list[tuple[str, Reference, dict[str, Any], Any]] = []

    def create(self, reference: Reference, fields: dict[str, Any]) -> None:
        """The document must not be there."""
        self._writes.append(("create", reference, fields, None))

    def update(self, reference: Reference, fields: dict[str, Any], option: Any = None) -> None:
        """The document must be there, and as old as `option` says."""
        self._writes.append(("update", reference, fields, option))

    def set(self, reference: Reference, fields: dict[str, Any], **_: Any) -> None:
        """Whatever was there."""
        self._writes.append(("set", reference, fields, None))

    def delete(self, reference: Reference, option: Any = None) -> None:
        """The document goes."""
        self._writes.append(("delete", reference, {}, option))

    def commit(self, **_: Any) -> None:
        """All of them or none. Raises AlreadyExists, NotFound or FailedPrecondition."""
        names = " ".join(reference.id for _, reference, _, _ in self._writes)
        self._client.rpc(f"commit {names}", lambda: self._client.commit(self._writes), writes=True)


class MemoryFirestore:
    """The client that `versequeue.backends.firestore_documents` makes, and its database."""

    def __init__(self, faults: Faults, promises: Promises) -> None:
        self.documents: dict[Path, Stored] = {}
        self._faults, self._promises = faults, promises
        self._times = itertools.count(1)
        #: what is hung up on; nothing is held that would have to be let go of
        self._firestore_api = SimpleNamespace(transport=SimpleNamespace(close=lambda: None))

    def collection(self, name: str) -> Search:
        """All documents of one kind."""
        return Search(self, name)

    def batch(self) -> Writes:
        """Writes that are committed together."""
        return Writes(self)

    def write_option(self, *, last_update_time: int) -> int:
        """A precondition."""
        return last_update_time

    def get_all(self, references: Any, **_: Any) -> Iterator[Snapshot]:
        """Several documents, from one moment."""
        asked = list(references)
        yield from self.rpc("get_all", lambda: [self.snapshot(one) for one in asked], writes=False)

    def rpc(self, what: str, call: Callable[[], T], *, writes: bool) -> T:
        """One call over the network."""
        return self._faults.boundary(
            f"firestore {what}", "store", call, exceptions.ServiceUnavailable, writes=writes
        )

    def snapshot(self, reference: Reference) -> Snapshot:
        """The document as it is now."""
        return Snapshot(reference, self.documents.get(reference.path))

    def commit(self, writes: list[tuple[str, Reference, dict[str, Any], Any]]) -> None:
        """Check every precondition, then write everything."""
        for kind, reference, _, option in writes:
            stored = self.documents.get(reference.path)
            if kind == "create" and stored:
                raise _error(exceptions.AlreadyExists, reference)
            if kind in ("update", "delete") and not stored:
                raise _error(exceptions.NotFound, reference)
            if option is not None and stored and stored.update_time != option:
                raise _error(exceptions.FailedPrecondition, reference)
        changed = [
            self._apply(kind, reference.path, fields) for kind, reference, fields, _ in writes
        ]
        for table, before, after in changed:
            self._promises.written(table, before, after)

    def expire(self) -> None:
        """What Firestore's own TTL policy does some time after `expires_at`."""
        now = self._faults.world.now
        for path, stored in list(self.documents.items()):
            expires_at = stored.fields.get("expires_at")
            if expires_at is not None and expires_at <= now:
                del self.documents[path]
                self._promises.written(path[0], _body(stored), None)

    def replace_body(self, path: Path, body: Any) -> None:
        """A commit of somebody else's."""
        fields = {**self.documents[path].fields, "body": body}
        self.documents[path] = Stored(fields, next(self._times))

    def _apply(
        self, kind: str, path: Path, fields: dict[str, Any]
    ) -> tuple[str, str | None, str | None]:
        stored = self.documents.pop(path, None)
        if kind != "delete":
            kept = stored.fields if stored and kind == "update" else {}
            self.documents[path] = Stored({**kept, **fields}, next(self._times))
        after = self.documents.get(path)
        return path[0], _body(stored), _body(after)


class FirestoreGround:
    """The real store over the database in memory, and a queue in memory for Pub/Sub."""

    def __init__(self, faults: Faults, promises: Promises, max_deliveries: int) -> None:
        self.client = MemoryFirestore(faults, promises)
        self.store: Any = FirestoreStore("simulated")
        self.broker = MemoryQueue(lambda: faults.world.now, max_deliveries=max_deliveries)
        self.queue: Any = QueuePort(faults, self.broker, promises.published)

    def library(self) -> SimpleNamespace:
        """`google.cloud.firestore` as the documents use it."""
        filters = {"FieldFilter": firestore.FieldFilter, "Or": firestore.Or}
        return SimpleNamespace(Client=lambda **_: self.client, **filters)

    def depth(self, topic: Topic) -> int:
        """Messages of a topic that are not acknowledged."""
        return self.broker.depth(topic)

    def put_body(self, table: str, name: str, body: str) -> None:
        """Write a document as another version of the program would."""
        self.client.replace_body((table, name), body)

    def body(self, table: str, name: str) -> str | None:
        """A document's text as it is stored."""
        stored = self.client.documents.get((table, name))
        return _body(stored)

    def close(self) -> None:
        """Nothing to let go of."""


def _error(kind: Any, reference: Reference) -> Exception:
    error: Exception = kind(reference.id)
    return error


def _body(stored: Stored | None) -> str | None:
    body = stored.fields.get("body") if stored else None
    return json.dumps(from_map(body)) if isinstance(body, Mapping) else body


def _holds(wanted: Any, stored: Stored) -> bool:
    if isinstance(wanted, firestore.Or):
        return any(_holds(one, stored) for one in wanted.filters)
    value = stored.fields.get(wanted.field_path)
    if wanted.op_string == "==" or wanted.value is None:
        return bool(value == wanted.value)
    return value is not None and bool(COMPARISONS[wanted.op_string](value, wanted.value))
