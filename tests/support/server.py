"""A real `versequeue up` for a test: a process of its own, on a free port, ended at the end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bench.server import up
from tests.support.waiting import wait_until
from versequeue.child_process import ChildProcess


@dataclass
class Server:
    """One running server and how to talk to it."""

    process: ChildProcess
    url: str
    data_dir: Path
    http: requests.Session = field(default_factory=requests.Session)

    def post(self, path: str, **more: Any) -> requests.Response:
        """POST to a path of this server."""
        return self.http.post(f"{self.url}{path}", timeout=60, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        """GET a path of this server."""
        return self.http.get(f"{self.url}{path}", timeout=60, **more)

    def submit(self, prompt: str, **options: Any) -> dict[str, Any]:
        """Submit a job; its first answer."""
        answer = self.post("/v1/jobs", json={"prompt": prompt, "options": options})
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as it is now."""
        job: dict[str, Any] = self.get(f"/v1/jobs/{job_id}").json()
        return job

    def wait_done(self, job_id: str, limit_s: float = 90) -> dict[str, Any]:
        """The job once it is done."""

        def finished() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["done"] else None

        return wait_until(finished, limit_s, poll_s=0.1)

    def worker_pid(self) -> int | None:
        """The process id of the worker, while there is one."""
        for pid in child_pids(self.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"versequeue.local.worker_process" in command:
                return pid
            if b"/worker_fn/main.py" in command:  # gunicorn's master: the worker is its child
                return next(iter(child_pids(pid)), None)
        return None


def child_pids(pid: int) -> list[int]:
    """The direct children of a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@contextmanager
def running_server(
    data_dir: Path,
    model: Path | str,
    *,
    port: int = 0,
    idle_timeout_s: float = 60,
    backend: str = "sqlite",
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """`versequeue up` as `bench.server` starts it."""
    with up(data_dir, model, idle_timeout_s, port=port, backend=backend, env=env) as started:
        yield Server(started.process, started.url, data_dir)
