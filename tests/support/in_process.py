"""Both functions' handlers over a store on disk and a queue in memory, without a server."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Request
from werkzeug.test import Client, TestResponse

from tests.support.memory import MemoryQueue
from tests.support.paths import ROOT
from versequeue.api.edge import Api
from versequeue.api.results_jobs import ResultsApi
from versequeue.api.submit_jobs import SubmitApi
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.clock import utc_now
from versequeue.config import Settings
from versequeue.local.app import LocalApp
from versequeue.ports.store import Store
from versequeue.rules.job import Metrics, Stage
from versequeue.service.jobs import Service
from versequeue.service.worker import Desk

WEB = ROOT / "web"


@dataclass
class InProcess:
    """The service, its parts, and a client of its HTTP side."""

    service: Service
    store: Store
    queue: MemoryQueue
    desk: Desk
    client: Client

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
        attempt = self.desk.claim(job_id, Stage.WRITING)
        assert attempt
        output = {
            "lyrics": "\n".join(lines),
            "title": "T",
            "sections": [{"name": "Verse 1", "lines": list(lines)}],
            "rhyme": {"scheme": "AABB", "score": 1.0},
            "receipt": {
                "model": "m",
                "model_digest": "d",
                "seed": 1,
                "input_digest": "i",
                "version": "v",
            },
        }
        attempt.succeed(output, Metrics(generate_s=1.0, cold_start=False))


def in_process(
    path: Path,
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    store: Store | None = None,
) -> InProcess:
    """Everything but the server and the worker, on a database in the folder `path`."""
    settings = settings or Settings(data_dir=path, progress_interval_s=0)
    store = store or SqliteStore(path / "store.sqlite3")
    queue = MemoryQueue(clock)
    service = Service(store, queue, settings, clock=clock)
    app = LocalApp(
        submit=_wsgi(Api("submit", SubmitApi(service).handlers(), settings)),
        results=_wsgi(Api("results", ResultsApi(service).handlers(), settings)),
        web=WEB,
    )
    desk = Desk(store, queue, settings, "worker", clock)
    return InProcess(service, store, queue, desk, Client(app))


def _wsgi(api: Api) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return api(Request(environ))(environ, start_response)

    return app
