"""A real `versequeue up` for the length of a block, and a plain HTTP connection to it.

The tests start their servers with it too.
"""

import http.client
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.report import ROOT
from versequeue.child_process import ChildProcess
from versequeue.local.host import READY

#: The environment in which a server says nothing but what went wrong.
QUIET = {"VERSEQUEUE_LOG_LEVEL": "ERROR"}
START_LIMIT_S, END_LIMIT_S = 150.0, 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One kept-alive connection: what is measured is the server, not the client's ceremony."""

    def __init__(self, url: str) -> None:
        self._http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET."""
        return self._ask("GET", path, None, headers or {})

    def post(self, path: str, body: object) -> Answer:
        """The answer to a POST: of bytes as plain text, of anything else as JSON."""
        if isinstance(body, bytes):
            return self._ask("POST", path, body, {"Content-Type": "text/plain"})
        kind = {"Content-Type": "application/json"}
        return self._ask("POST", path, json.dumps(body).encode(), kind)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        self._http.request(method, path, body, dict(headers))
        answer = self._http.getresponse()
        return Answer(
            answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        )


@dataclass(frozen=True)
class Server:
    url: str
    process: ChildProcess

    def connect(self) -> Connection:
        """A new connection."""
        return Connection(self.url)


@contextmanager
def up(
    data_dir: Path,
    model: Path | str,
    idle_timeout_s: float = 300.0,
    *,
    port: int = 0,
    backend: str = "sqlite",
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """`versequeue up` on `data_dir`; SIGTERM at the end, and it must then end by itself.

    Of our environment it gets all but the settings of VerseQueue; what it printed is shown at last.
    """
    command = [sys.executable, "-m", "versequeue", "up", "--port", str(port)]
    command += ["--data-dir", str(data_dir), "--model", str(model)]
    command += ["--idle-timeout", str(idle_timeout_s), "--backend", backend]
    environ = {key: value for key, value in os.environ.items() if "VERSEQUEUE" not in key}
    with tempfile.TemporaryDirectory() as folder:
        process = ChildProcess(
            command,
            environ={**environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            cwd=ROOT,
            log=Path(folder) / "log",
            grace_s=END_LIMIT_S,
        )
        try:
            yield Server(_url(process), process)
        finally:
            in_time = process.stop()
            lines = process.printed().splitlines(keepends=True)
            sys.stderr.writelines(line for line in lines if not line.startswith(READY))
        if not in_time:
            raise RuntimeError("`versequeue up` was asked to end and did not")


def _url(process: ChildProcess) -> str:
    return process.wait_for_line(READY, START_LIMIT_S, "`versequeue up`").rstrip("/")


def resident_mib(pid: int, field: str = "VmRSS") -> float:
    """A process's memory in MiB now, or at its peak (`VmHWM`)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))
