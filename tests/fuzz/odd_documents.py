"""Stored documents in which one field is something else: every field there is, every odd value."""

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pytest
from google.cloud import firestore

from tests.fuzz import CASES
from tests.simulation.firestore_ground import MemoryFirestore, Stored
from tests.simulation.sqlite_ground import MEMORY
from versequeue.backends import firestore_documents
from versequeue.backends.firestore_maps import from_map, to_map
from versequeue.backends.firestore_store import FirestoreStore
from versequeue.backends.sqlite_store import SqliteStore

#: What a field is not.
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    7,
    2**40,
    2**70,
    0.5,
    1e308,
    float("nan"),
    "",
    "x" * 100_000,
    "\ud800",
    "http://[",
    "9999-12-31T23:59:59.000000Z",
    "2026-03-01T12:00:00",
    [],
    {},
    [[None]],
    {"a": {"b": []}},
)
KEY_OF = {"records": "key", "tallies": "key", "states": "name"}
#: Of the values each place is given every so-manieth, unless many cases were asked for.
STRIDE = 4
Place = tuple[str | int, ...]


class Ground(Protocol):
    """A store, and a way to write its documents past it."""

    store: Any

    def put(self, table: str, name: str, body: str) -> None:
        """Write the text of a document that is there, and leave its index fields."""

    def body(self, table: str, name: str) -> str:
        """The text of a document."""

    def names(self, table: str) -> list[str]:
        """All that are there."""


class SqliteGround:
    """A SQLite store in memory."""

    def __init__(self) -> None:
        self.store: Any = SqliteStore(MEMORY)
        # It makes its file the owner's alone before SQLite opens it, and opens none by this name.
        Path(MEMORY).unlink(missing_ok=True)
        self.store._file._identity = None  # none lies there that could be replaced
        self._connection = self.store._file._connection()

    def put(self, table: str, name: str, body: str) -> None:
        sql = f"UPDATE {table} SET body = ? WHERE {KEY_OF.get(table, 'id')} = ?"
        assert self._connection.execute(sql, (body, name)).rowcount == 1

    def body(self, table: str, name: str) -> str:
        sql = f"SELECT body FROM {table} WHERE {KEY_OF.get(table, 'id')} = ?"
        return str(self._connection.execute(sql, (name,)).fetchone()[0])

    def names(self, table: str) -> list[str]:
        sql = f"SELECT {KEY_OF.get(table, 'id')} FROM {table}"
        return [name for (name,) in self._connection.execute(sql)]


class FirestoreGround:
    """The real Firestore store over documents in memory."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        faults: Any = SimpleNamespace(boundary=lambda _what, _who, call, *_, **__: call())
        promises: Any = SimpleNamespace(written=lambda *_: None)
        self._client = MemoryFirestore(faults, promises)
        filters = {"FieldFilter": firestore.FieldFilter, "Or": firestore.Or}
        library = SimpleNamespace(Client=lambda **_: self._client, **filters)
        patched.setattr(firestore_documents, "firestore", library)
        self.store: Any = FirestoreStore("odd")

    def put(self, table: str, name: str, body: str) -> None:
        record = json.loads(body)
        kept = to_map(record) if isinstance(record, dict) else body
        self._client.replace_body((table, name), kept)

    def body(self, table: str, name: str) -> str:
        return json.dumps(from_map(self._client.documents[table, name].fields["body"]))

    def names(self, table: str) -> list[str]:
        return [name for of, name in self._client.documents if of == table]

    def put_without_text(self, table: str, name: str) -> None:
        """Take the text away from a document that is there."""
        stored = self._client.documents[table, name]
        fields = {key: value for key, value in stored.fields.items() if key != "body"}
        self._client.documents[table, name] = Stored(fields, stored.update_time)


GROUNDS: dict[str, Callable[[pytest.MonkeyPatch], Ground]] = {
    "sqlite": lambda _patched: SqliteGround(),
    "firestore": FirestoreGround,
}


def places(document: Any, at: Place = ()) -> Iterator[Place]:
    """The places of all values in a document, the document itself first."""
    yield at
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, (*at, key))
    elif isinstance(document, list) and document:
        yield from places(document[0], (*at, 0))


def made_odd(body: str, place: Place, value: Any) -> str:
    """The text of a document with something else in one place."""
    document = copy.deepcopy(json.loads(body))
    if not place:
        return json.dumps(value)
    inside = document
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    return json.dumps(document)


def odd_bodies(body: str, place: Place) -> list[str]:
    """The document with each of the odd values in one place; some of them where time is short."""
    first = len(str(place)) % STRIDE
    values = ODD_VALUES if CASES in os.environ else ODD_VALUES[first::STRIDE]
    return [made_odd(body, place, value) for value in values]
