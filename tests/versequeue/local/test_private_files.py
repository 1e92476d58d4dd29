"""Who may read what a server keeps: its owner, and nobody else on the machine."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.model_bundles import tiny_bundle
from tests.support.server import Server, running_server
from versequeue.backends.sqlite_store import SqliteStore

__all__ = ["tiny_bundle"]


def modes(folder: Path) -> dict[str, int]:
    """The mode of the folder and of each file in it."""
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    return {".": stat.S_IMODE(folder.stat().st_mode), **found}


def open_to_others(folder: Path) -> list[str]:
    return [name for name, mode in modes(folder).items() if mode & 0o077]


@pytest.fixture
def server(tmp_path: Path, tiny_bundle: Path) -> Iterator[Server]:
    data_dir = tmp_path / "data"
    with running_server(data_dir, tiny_bundle) as running:
        yield running


@pytest.mark.processes
def test_nobody_else_can_read_what_a_server_keeps(server: Server) -> None:
    server.wait_done(server.submit("a secret", lines=4)["id"])
    found = modes(server.data_dir)
    assert {
        "store.sqlite3",
        "store.sqlite3-wal",
        "queue.sqlite3",
        "hash.key",
        "webhook.key",
        "push.key",
    } <= set(found)
    assert open_to_others(server.data_dir) == []


@pytest.mark.processes
def test_a_folder_that_an_earlier_version_left_open_is_closed(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    data_dir = tmp_path / "old"
    with running_server(data_dir, tiny_bundle):
        pass
    data_dir.chmod(0o755)
    for path in data_dir.iterdir():
        path.chmod(0o644)
    with running_server(data_dir, tiny_bundle):
        assert open_to_others(data_dir) == []


def test_a_store_is_private_whoever_opens_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "store.sqlite3"
    for leftover in (path, path.with_name("store.sqlite3-wal")):
        leftover.touch(mode=0o644)
    store = SqliteStore(path)
    store.get_state("health")
    found = modes(folder)
    store.close()
    assert found.pop(".")
    assert set(found.values()) == {0o600}
