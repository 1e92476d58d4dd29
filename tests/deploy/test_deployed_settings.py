"""Services as they are deployed: many may wait, and what an instance shows at its start is not had.

Nobody who asks meanwhile notices either.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from deploy import services
from deploy.functions import function
from deploy.stage import stage
from lyricist.bundle.manifest import Bundle
from lyricist.engine.adapters import engine_class_for
from lyricist.engine.port import Engine
from lyricist.engine.threads import MOST_THREADS
from tests.support.deployment import TARGET
from tests.support.environments import python_of
from tests.support.samples import queued_job
from tests.support.trial import Running, started
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.clock import utc_now
from versequeue.config import Settings
from versequeue.functions.sizes import SIZES
from worker_fn.lyrics import open_lyrics

pytestmark = [pytest.mark.processes, pytest.mark.long]
HELD, HOLD_S = 20, 8
ASKED = {
    "submit": ("POST", "/v1/jobs", {"prompt": "rain", "options": {"lines": 4}}),
    "results": ("GET", "/v1/jobs/job_waits", None),
}


def store_a_job(data_dir: Path) -> None:
    """A job that nobody works on."""
    now = utc_now()
    later = {name: now + timedelta(days=1) for name in ("publish_at", "deadline_at", "expires_at")}
    store = SqliteStore(data_dir / "store.sqlite3")
    store.create([queued_job("job_waits", created_at=now, **later)], now=now)
    store.close()


class Visitor:
    """Somebody with an address of their own, who asks once."""

    def __init__(self, running: Running, number: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", running.port, timeout=60)
        self._address = f"203.0.113.{number}"

    def ask(self, name: str, prefer: str = "") -> None:
        """Send the request; the answer is another matter."""
        method, path, body = ASKED[name]
        headers = {"X-Forwarded-For": self._address, "Content-Type": "application/json"}
        headers |= {"Prefer": prefer} if prefer else {}
        self._connection.request(method, path, json.dumps(body) if body else None, headers)

    def answer(self) -> HTTPResponse:
        """The answer, read to its end."""
        response = self._connection.getresponse()
        response.read()
        self._connection.close()
        return response


@pytest.mark.parametrize("name", ASKED)
def test_twenty_who_wait_do_not_delay_the_next_visitor(name: str, tmp_path: Path) -> None:
    spec, data_dir = function(name), tmp_path / "data"
    data_dir.mkdir()
    store_a_job(data_dir)
    folder = stage(spec, tmp_path / "build", {}).folder
    environ = services.settings(TARGET, spec) | {
        "VERSEQUEUE_BACKEND": "sqlite",
        "VERSEQUEUE_DATA_DIR": str(data_dir),
        "VERSEQUEUE_HASH_KEY": "trial",
    }
    answered = threading.Semaphore(0)

    def hold(visitor: Visitor) -> int:
        status = visitor.answer().status
        answered.release()
        return status

    with (
        started(spec, folder, python_of(folder), environ, tmp_path / "log") as running,
        ThreadPoolExecutor(HELD) as pool,
    ):
        waiting = [Visitor(running, number) for number in range(HELD)]
        for visitor in waiting:
            visitor.ask(name, f"wait={HOLD_S}")
        statuses = pool.map(hold, waiting)
        next_one = Visitor(running, HELD)
        next_one.ask(name)

        assert next_one.answer().status in (200, 202)

        assert not answered.acquire(blocking=False), "the next visitor had to wait for another"
        assert set(statuses) <= {200, 202}


@pytest.mark.parametrize("deployed", [True, False])
def test_only_a_worker_that_is_told_its_processors_takes_no_more_than_it_keeps(
    deployed: bool, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def make(bundle: Bundle, max_rows: int, threads: int, wide_rows: int) -> Engine:
        made.append(threads)
        return engine_class_for(bundle)(bundle, max_rows, threads, wide_rows)

    monkeypatch.setattr("lyricist.writing.writer.engine_class_for", lambda bundle: make)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    variables = SIZES["worker"].variables if deployed else {}
    threads = Settings.from_environ(variables).model_threads

    model = open_lyrics(tiny_bundle, threads)

    asked_for = SIZES["worker"].cpu if deployed else MOST_THREADS
    assert made == [asked_for]
    assert model.lanes == asked_for
