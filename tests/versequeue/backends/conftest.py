"""The stores that the contract is asked of, and a way to open the same one several times."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulators import EmulatedProject
from tests.support.memory import MemoryStore
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.ports.store import Store

StoreMaker = Callable[[], Store]
RACERS = 8
ON_EMULATOR = pytest.param("firestore", marks=pytest.mark.emulators)


@pytest.fixture
def open_sqlite(tmp_path: Path) -> Iterator[StoreMaker]:
    opened = []

    def open_store() -> Store:
        opened.append(SqliteStore(tmp_path / "store.sqlite3"))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def open_firestore(request: pytest.FixtureRequest) -> Iterator[StoreMaker]:
    from versequeue.backends.firestore_store import FirestoreStore

    project: EmulatedProject = request.getfixturevalue("emulated_project")
    opened = []

    def open_store() -> Store:
        opened.append(FirestoreStore(project.id))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture(params=["memory", "sqlite", ON_EMULATOR])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    open_store: StoreMaker = request.getfixturevalue(f"open_{request.param}")
    return open_store()


@pytest.fixture(params=["sqlite", ON_EMULATOR])
def open_shared(request: pytest.FixtureRequest) -> StoreMaker:
    """Opens the same data again and again, as several instances of a function do."""
    maker: StoreMaker = request.getfixturevalue(f"open_{request.param}")
    return maker


def at_once(race: Callable[[Any], Any], racers: Any) -> list[Any]:
    """What `race` gives for each of the racers, who start together."""
    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(race, racers))
