"""A real `versequeue up` for a test: a process of its own, on a free port, ended at the end."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.support.paths import ROOT
from tests.support.waiting import wait_until

READY = "VerseQueue is ready at "


@dataclass
class Server:
    """One running server and how to talk to it."""

    process: subprocess.Popen[str]
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

        return wait_until(finished, limit_s, poll_s=0.1) or {}

    def worker_pid(self) -> int | None:
        """The process id of the worker, while there is one."""
        for pid in child_pids(self.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"versequeue.local.worker" in command:
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
    """`versequeue up` on `data_dir`; SIGTERM at the end, and it must then end by itself."""
    command = [sys.executable, "-m", "versequeue", "up", "--port", str(port)]
    command += ["--data-dir", str(data_dir), "--model", str(model)]
    command += ["--idle-timeout", str(idle_timeout_s), "--backend", backend]
    environ = {key: value for key, value in os.environ.items() if "VERSEQUEUE" not in key}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Server(process, _url(process), data_dir)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        if process.stdout:
            process.stdout.close()


def _url(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith(READY), f"up did not start: {line!r}, status {process.poll()}"
    return line.removeprefix(READY).strip().rstrip("/")
