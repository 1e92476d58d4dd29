"""A real `versequeue up` for the length of a block, and a plain HTTP connection to it."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


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
        """The answer to a POST of JSON."""
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
    pid: int

    def connect(self) -> Connection:
        """A new connection."""
        return Connection(self.url)


@contextmanager
def up(data_dir: Path, bundle: Path, idle_timeout_s: float = 300.0) -> Iterator[Server]:
    """`versequeue up` on a free port."""
    command = [sys.executable, "-m", "versequeue", "up", "--port", "0"]
    command += ["--data-dir", str(data_dir), "--model", str(bundle.resolve())]
    command += ["--idle-timeout", str(idle_timeout_s)]
    env = {**os.environ, "VERSEQUEUE_LOG_LEVEL": "ERROR"}
    for name in ("VERSEQUEUE_DATA_DIR", "VERSEQUEUE_MODEL"):
        env.pop(name, None)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            if "http://" not in line:
                raise RuntimeError("`versequeue up` did not start")
            yield Server("http://" + line.split("http://")[1].strip().rstrip("/"), process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            process.kill()


def resident_mib(pid: int, field: str = "VmRSS") -> float:
    """A process's memory in MiB now, or at its peak (`VmHWM`)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))
