"""The staged submit, worker and results together, each in its own environment: one song."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.functions import function
from deploy.smoke import SmokeFailed, smoke
from deploy.stage import stage
from lyricist.building.recipes import tiny_recipe
from lyricist.building.release import packaged_gguf
from lyricist.checkpoints.gguf_file import GgufFile
from tests.support.bucket import storage
from tests.support.environments import python_of
from tests.support.trial import Running, resident_mib, started
from versequeue.backends.sqlite_queue import SqliteQueue
from versequeue.clock import utc_now
from versequeue.functions.push import push_body, push_headers
from versequeue.ports.queue import Topic

pytestmark = pytest.mark.long


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


@contextmanager
def singing(
    folder: Path,
    bundle: Path | None,
    environ: dict[str, str],
    worker_python: Path | None = None,
) -> Iterator[str]:
    """The lyrics that the staged functions wrote for the smoke test, and the worker still up."""
    (folder / "data").mkdir()
    environ = {"VERSEQUEUE_DATA_DIR": str(folder / "data"), **environ}
    queue = SqliteQueue(folder / "data" / "queue.sqlite3", utc_now)
    with (
        _started("submit", folder, bundle, environ) as submit,
        _started("results", folder, bundle, environ) as results,
        _started("worker", folder, bundle, environ, worker_python) as worker,
        pushing(queue, worker) as answers,
    ):
        urls = [f"http://127.0.0.1:{one.port}" for one in (submit, results)]
        yield smoke(urls[0], urls[1], print)
        assert answers == [200]
        print(
            f"resident MiB: {[round(resident_mib(one.pid)) for one in (submit, results, worker)]}"
        )
    queue.close()


@pytest.mark.processes
def test_staged_functions_write_a_song_with_their_own_requirements(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    with singing(tmp_path, tiny_bundle, {"VERSEQUEUE_MODEL": "model"}) as lyrics:
        assert len(lyrics.splitlines()) == 4


@pytest.mark.processes
def test_a_staged_worker_without_a_model_fetches_it_from_a_bucket(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    with storage() as bucket:
        for path in tiny_bundle.iterdir():
            bucket.objects[f"songs/tiny/{path.name}"] = path.read_bytes()
        environ = {"VERSEQUEUE_MODEL": "gs://songs/tiny", "STORAGE_EMULATOR_HOST": bucket.url}

        with singing(tmp_path, None, environ) as lyrics:
            assert len(lyrics.splitlines()) == 4


@pytest.mark.processes
def test_a_saved_model_is_loaded_after_the_fork_and_writes(
    tmp_path: Path,
) -> None:
    from lyricist.building.saved_model import export_saved_model  # imports TensorFlow

    bundle = tmp_path / "served"
    recipe = tiny_recipe(GgufFile(packaged_gguf()), None)
    export_saved_model(recipe, bundle, lambda stage, share: None)
    environ = {"VERSEQUEUE_MODEL": "model"}
    everything = Path(sys.executable)  # TensorFlow is large: no environment of its own for it

    with singing(tmp_path, bundle, environ, worker_python=everything) as lyrics:
        assert len(lyrics.splitlines()) == 4


def test_a_smoke_test_that_reaches_nobody_says_where() -> None:
    with pytest.raises(SmokeFailed, match=r"http://127.0.0.1:9/v1/status cannot be reached"):
        smoke("http://127.0.0.1:9", "http://127.0.0.1:9", print)


@contextmanager
def _started(
    name: str,
    folder: Path,
    bundle: Path | None,
    environ: dict[str, str],
    python: Path | None = None,
) -> Iterator[Running]:
    spec = function(name)
    staged = stage(spec, folder / "build", {"model": bundle} if bundle else {})
    log = folder / f"{name}.log"
    python = python or python_of(staged.folder)
    with started(spec, staged.folder, python, environ, log) as running:
        yield running
