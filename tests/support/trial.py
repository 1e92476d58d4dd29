"""Starting a staged folder as the host would, and timing it to its first answer.

Byte-compiles it as the host's build does, and runs functions-framework without --debug, so that
the fork which hosts make happens here too.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from deploy.functions import FunctionSpec
from versequeue.child_process import ChildProcess, free_port
from versequeue.errors import StartupError

#: The framework answers this path by itself, without calling the function.
READY_PATH = "/robots.txt"
#: How finely the time to the first answer is measured.
POLL_S = 0.01
#: How long the function may take over what it has in hand.
GRACE_S = 20.0


class TrialFailed(Exception):
    """A staged function did not come up; the text ends with what it wrote."""


@dataclass(frozen=True)
class Running:
    """A function that answers."""

    port: int
    pid: int
    log: Path
    #: `time.monotonic()` when the process was started
    begun_s: float

    def age_s(self) -> float:
        """Seconds since the process was started."""
        return time.monotonic() - self.begun_s

    def cpu_s(self) -> float:
        """Processor time that it and its children have used: a start's cost on any busy machine."""
        ticks = sum(int(n) for pid in _family(self.pid) for n in _stat(pid)[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of one request. Raises OSError or HTTPException if nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            self.ask("GET", READY_PATH)
        except (OSError, HTTPException):
            return False
        return True


def byte_compile(folder: Path, python: Path) -> None:
    """What the build of Cloud Run functions does last, so that no start has to."""
    command = [str(python), "-m", "compileall", "-q", str(folder)]
    subprocess.run(command, check=True, timeout=60)


@contextmanager
def started(
    spec: FunctionSpec,
    folder: Path,
    python: Path,
    environ: Mapping[str, str],
    log: Path,
    limit_s: float = 60,
) -> Iterator[Running]:
    """The function in `folder` under `python`, ended afterwards. Raises TrialFailed."""
    port = free_port()
    arguments = ["--target", spec.name, "--signature-type", spec.signature, "--port", str(port)]
    program = python.parent / "functions-framework"
    begun_s = time.monotonic()
    with ChildProcess(
        [program, *arguments, "--host", "127.0.0.1"],
        environ={"PATH": os.defpath, "HOME": str(folder), **environ},
        cwd=folder,
        log=log,
        grace_s=GRACE_S,
    ) as process:
        running = Running(port, process.pid, log, begun_s)
        try:
            noun = f"The staged function {spec.name}"
            process.wait_until_ready(running.answers, limit_s, noun, POLL_S)
        except StartupError as failure:
            raise TrialFailed(f"{failure}\n{process.printed()[-3000:]}") from None
        yield running


def resident_mib(pid: int) -> float:
    """Memory that a process and its children hold, in MiB (Linux)."""
    total = 0.0
    for one in _family(pid):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            pss = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
            total += int(pss.split()[1]) / 1024
        except (OSError, StopIteration):
            continue  # it has ended
    return total


def _family(pid: int) -> list[int]:
    found = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [one for one in found if one == pid or _stat(one)[1:2] == [str(pid)]]


def _stat(pid: int) -> list[str]:
    """What /proc tells of a process from its state on; nothing once it has ended (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
