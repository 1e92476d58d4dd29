"""The emulators as processes: they start, they end with all that they started, they forget."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulators import require_emulators
from tests.support.samples import NOW, queued_job
from tests.support.waiting import wait_until
from versequeue.emulated.emulators import PROJECT, Emulators, missing
from versequeue.errors import StartupError, StoreUnavailable
from versequeue.ports.store import Store

pytestmark = [pytest.mark.emulators, pytest.mark.processes, pytest.mark.long]


@pytest.fixture
def own_emulators(tmp_path: Path) -> Iterator[Emulators]:
    """Emulators that the test may kill."""
    require_emulators()
    started = Emulators(tmp_path)
    yield started
    started.stop()


def test_they_are_killed_noticed_ended_and_started_again_with_nothing_in_them(
    own_emulators: Emulators, monkeypatch: pytest.MonkeyPatch
) -> None:
    from versequeue.backends.firestore_store import FirestoreStore

    own_emulators.start()
    for name, value in own_emulators.environ.items():
        monkeypatch.setenv(name, value)
    store = FirestoreStore(PROJECT)
    store.create([queued_job()], now=NOW)
    assert own_emulators.alive()

    firestore, pubsub = own_emulators.groups
    os.killpg(firestore, signal.SIGKILL)
    wait_until(lambda: not own_emulators.alive(), limit_s=20)
    with pytest.raises(StoreUnavailable):
        store.get_job("job_1")
    own_emulators.stop()
    assert _processes(firestore) == _processes(pubsub) == []

    own_emulators.start()
    wait_until(lambda: _is_forgotten(store, "job_1"), limit_s=30)
    store.create([queued_job()], now=NOW)
    store.close()


def test_a_port_that_is_taken_is_a_sentence_that_names_the_log(tmp_path: Path) -> None:
    require_emulators()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        unlucky = Emulators(tmp_path, firestore_port=port)
        with pytest.raises(
            StartupError, match=r"Firestore emulator does not start.*firestore\.log"
        ):
            unlucky.start()
    ours = f"127.0.0.1:{port}|{tmp_path}"
    left = subprocess.run(["pgrep", "-f", "--", ours], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def test_a_machine_without_the_cloud_sdk_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert missing() == "" or "need" in missing()
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(StartupError, match=r"gcloud and java.*Java 17"):
        Emulators(tmp_path).start()


def _is_forgotten(store: Store, job_id: str) -> bool:
    try:
        return store.get_job(job_id) is None
    except StoreUnavailable:  # the connection waits a little before it tries again
        return False


def _processes(group: int) -> list[str]:
    listed = subprocess.run(
        ["pgrep", "-g", str(group)], capture_output=True, text=True, check=False
    )
    return listed.stdout.split()
