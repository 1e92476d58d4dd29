"""The staged submit, worker and results together, each in its own environment: one song."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.functions import function
from deploy.smoke import SmokeFailed, smoke
from deploy.stage import stage
from deploy.trial import Running, resident_mib, started
from tests.environments import python_of
from versequeue.clock import utc_now
from versequeue.events import push_body, push_headers
from versequeue.queue import Topic
from versequeue.queue_sqlite import SqliteQueue


@contextmanager
def pushing(queue: SqliteQueue, worker: Running) -> Iterator[list[int]]:
    """Hand the queue's messages to the worker; the statuses that it answered."""
    answers: list[int] = []
    ended = threading.Event()

    def push() -> None:
        while not ended.is_set():
            if delivery := queue.lease((Topic.JOBS, Topic.BULK), utc_now(), 600):
                headers = push_headers(delivery.topic, "trial", utc_now())
                path = f"/projects/trial/topics/{delivery.topic}"
                body = push_body(delivery.message, str(delivery.id))
                answers.append(worker.ask("POST", path, body, headers)[0])
                queue.ack(delivery)
            else:
                queue.wait(queue.publishes, 0.1)

    thread = threading.Thread(target=push, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join(30)


@pytest.mark.processes
def test_staged_functions_write_a_song_with_their_own_requirements(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"VERSEQUEUE_DATA_DIR": str(tmp_path / "data"), "VERSEQUEUE_MODEL": "model"}
    (tmp_path / "data").mkdir()
    running = {}
    queue = SqliteQueue(tmp_path / "data" / "queue.sqlite3", utc_now)

    with (
        _started("submit", tmp_path, tiny_bundle, environ) as running["submit"],
        _started("results", tmp_path, tiny_bundle, environ) as running["results"],
        _started("worker", tmp_path, tiny_bundle, environ) as running["worker"],
        pushing(queue, running["worker"]) as answers,
    ):
        urls = {name: f"http://127.0.0.1:{one.port}" for name, one in running.items()}
        lyrics = smoke(urls["submit"], urls["results"], print)
        sizes = {name: round(resident_mib(one.pid)) for name, one in running.items()}
    queue.close()

    assert len(lyrics.splitlines()) == 4
    assert answers == [200]
    assert "succeeded" in capsys.readouterr().out
    print(f"resident MiB: {sizes}")


def test_a_smoke_test_that_reaches_nobody_says_where() -> None:
    with pytest.raises(SmokeFailed, match=r"http://127.0.0.1:9/v1/status cannot be reached"):
        smoke("http://127.0.0.1:9", "http://127.0.0.1:9", print)


@contextmanager
def _started(name: str, folder: Path, bundle: Path, environ: dict[str, str]) -> Iterator[Running]:
    spec = function(name)
    staged = stage(spec, folder / "build", bundle)
    log = folder / f"{name}.log"
    with started(spec, staged.folder, python_of(staged.folder), environ, log) as running:
        yield running
