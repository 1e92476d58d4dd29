"""The submit and results functions as one WSGI app, over a store and a queue without processes.

For tests of what goes over the wire: handlers and routing are the real ones, the worker's part is
played by `write`. In memory time is moved by hand; on disk it is the machine's, or freezegun's.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from flask import Request
from werkzeug.test import Client, TestResponse

from tests.support.memory import MemoryQueue, MemoryStore
from tests.support.paths import ROOT
from tests.support.samples import song_of
from versequeue.api.results_jobs import results_handlers
from versequeue.api.router import Api
from versequeue.api.submit_jobs import submit_handlers
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.clock import utc_now
from versequeue.config import Settings
from versequeue.contract.server_views import MeterLine, MeterWord, RhymesView, RhymingView
from versequeue.local.app import LocalApp
from versequeue.ports.queue import Topic
from versequeue.ports.store import Store
from versequeue.rules.job import Metrics, Stage
from versequeue.service.batches import Batches
from versequeue.service.jobs import Jobs
from versequeue.service.reads import Reads
from versequeue.service.worker import WorkerSide


class Clock(Protocol):
    """The time, and a way to let some of it go by."""

    def __call__(self) -> datetime: ...

    def pass_s(self, seconds: float) -> None: ...


@dataclass
class ManualClock:
    """Stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let `seconds` go by."""
        self.now += timedelta(seconds=seconds)


class SystemClock:
    """Goes on by itself."""

    def __call__(self) -> datetime:
        return utc_now()

    def pass_s(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class ApiUnderTest:
    """Both functions at once, and what they work on; `client` speaks HTTP with them."""

    client: Client
    store: Store
    queue: MemoryQueue
    jobs: Jobs
    batches: Batches
    worker_side: WorkerSide
    clock: Clock

    def post_job(self, body: Any = None, **more: Any) -> TestResponse:
        """POST /v1/jobs with a JSON body."""
        return self.client.post("/v1/jobs", json=body, **more)

    def submit(self, prompt: str = "rain", **more: Any) -> str:
        """The id of a new job."""
        answer = self.post_job({"prompt": prompt, **more})
        assert answer.status_code == 202, answer.text
        job_id: str = answer.get_json()["id"]
        return job_id

    def write(self, job_id: str, lines: tuple[str, ...] = ("one", "two")) -> None:
        """Do the worker's part: claim the job and succeed with these lines."""
        attempt = self.worker_side.claim(job_id, Stage.WRITING)
        assert attempt
        attempt.succeed(song_of(*lines), Metrics(generate_s=1.0, cold_start=False))

    def messages(self, topic: Topic) -> list[dict[str, Any]]:
        """Take and acknowledge every message of a topic, the oldest first."""
        found = []
        while delivery := self.queue.lease([topic], self.clock(), 600):
            self.queue.ack(delivery)
            found.append(dict(delivery.message))
        return found


class FewSounds:
    """A table of one word, `rain`, in which every letter is a stressed syllable."""

    def rhymes(self, word: str) -> RhymesView | None:
        """What rhymes with `rain`; None for all else."""
        perfect, slant = (
            (RhymingView("again", 2), RhymingView("train", 1)),
            (RhymingView("name", 1),),
        )
        return RhymesView(word, 1, perfect, slant) if word == "rain" else None

    def nearest(self, word: str) -> tuple[str, ...]:
        """`rain` for whatever begins like it."""
        return ("rain", "ran") if word.startswith("ra") else ()

    def meter(self, line: str) -> MeterLine:
        """A sign for each letter."""
        words = tuple(MeterWord(word, "/" * len(word)) for word in line.split())
        return MeterLine(sum(len(word.stresses) for word in words), words)


def make_api(
    settings: Settings | None = None, store: Store | None = None, clock: Clock | None = None
) -> ApiUnderTest:
    """An API of its own with nothing in it; in memory and on a clock that is moved by hand."""
    clock = clock or ManualClock()
    settings = settings or Settings(hash_key="test", webhook_allow_private=True)
    store = store or MemoryStore()
    queue = MemoryQueue(clock)
    times: dict[str, Any] = {
        "clock": clock,
        "monotonic": lambda: clock().timestamp(),
        "sleep": clock.pass_s,
    }
    jobs = Jobs(store, queue, settings, **times)
    batches = Batches(store, queue, settings, **times)
    # Nothing comes back meanwhile, however busy the machine is.
    reads = Reads(settings.reads_per_minute, monotonic=lambda: 0.0)
    app = LocalApp(
        submit=_wsgi(Api("submit", submit_handlers(jobs, batches, reads), settings, reads)),
        results=_wsgi(
            Api("results", results_handlers(jobs, batches, reads, FewSounds()), settings, reads)
        ),
        web=ROOT / "web",
        settings=settings,
    )
    worker_side = WorkerSide(store, queue, settings, "worker", clock)
    return ApiUnderTest(Client(app), store, queue, jobs, batches, worker_side, clock)


def api_on_disk(path: Path, settings: Settings | None = None) -> ApiUnderTest:
    """The same on a database in the folder `path`, which threads may share, in real time."""
    settings = settings or Settings(data_dir=path, progress_interval_s=0)
    return make_api(settings, SqliteStore(path / "store.sqlite3"), SystemClock())


def _wsgi(api: Api) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return api(Request(environ))(environ, start_response)

    return app


def is_problem(answer: TestResponse, status: int, slug: str) -> dict[str, Any]:
    """Assert that this is that problem document; the document."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    document: dict[str, Any] = answer.get_json()
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["detail"]
    return document


def pointers(document: dict[str, Any]) -> list[str]:
    """Which fields a problem document names."""
    return [error["pointer"] for error in document["errors"]]
