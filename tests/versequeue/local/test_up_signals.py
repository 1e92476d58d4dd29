"""Ctrl-C and SIGTERM at any moment of `versequeue up`: it ends soon, and leaves no process."""

import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.emulators import require_emulators
from tests.support.paths import ROOT
from tests.support.waiting import wait_until
from versequeue.local.host import READY

pytestmark = [pytest.mark.processes, pytest.mark.long]
MARK = "UP_SIGNALS_TEST"
#: Long enough for a worker's grace time and a slow machine, and far from for ever.
END_LIMIT_S = 60.0
ASKED = (signal.SIGTERM, signal.SIGINT)


@dataclass
class Up:
    """A server that was just started, and everything that it starts."""

    process: "subprocess.Popen[str]"
    mark: str
    log: Path

    def family(self) -> list[str]:
        """The command lines of all processes that have inherited the mark."""
        return list(filter(None, (_marked(folder, self.mark) for folder in _processes())))

    def let_run(self, seconds: float) -> None:
        """Return after that time, or at the server's end."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def ready(self) -> str:
        """The address, once it is served."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith(READY), self.log.read_text()
        return line.removeprefix(READY).strip()

    def ended(self) -> int:
        """The exit status; where there is none in time, every thread's stack is in the message."""
        try:
            return self.process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(10)
            pytest.fail(f"it did not end:\n{self.log.read_text()}")


def start_up(folder: Path, model: Path, backend: str) -> Up:
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "versequeue",
        "up",
        "--port",
        "0",
        "--backend",
        backend,
    ]
    environ = {name: value for name, value in os.environ.items() if "VERSEQUEUE" not in name}
    mark = uuid.uuid4().hex
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--data-dir", str(folder / "data"), "--model", str(model)],
            cwd=ROOT,
            env={**environ, MARK: mark, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    return Up(process, mark, folder / "log")


def submit(url: str) -> None:
    """A job that is long enough to be met in the middle."""
    body = {"prompt": "rain on the roof", "options": {"lines": 40}}
    assert requests.post(f"{url}v1/jobs", json=body, timeout=30).status_code == 202


def asked_to_end(up: Up, chance: random.Random) -> None:
    """One signal or two, either of them any of both."""
    for _ in range(chance.choice((1, 2))):
        if up.process.poll() is None:
            up.process.send_signal(chance.choice(ASKED))
        up.let_run(chance.uniform(0, 0.3))


def nothing_is_left(up: Up) -> None:
    wait_until(lambda: not up.family(), END_LIMIT_S, poll_s=0.1)


@pytest.fixture
def start(tmp_path: Path, tiny_bundle: Path) -> Iterator[Callable[[str], Up]]:
    """Starts a server on a backend; whatever a failed test leaves of it is killed."""
    started: list[Up] = []

    def start_one(backend: str) -> Up:
        started.append(start_up(tmp_path / "up", tiny_bundle, backend))
        return started[-1]

    yield start_one
    for up in started:
        for folder in filter(lambda each: _marked(each, up.mark), _processes()):
            os.kill(int(folder.name), signal.SIGKILL)
        with up.process:  # closes its output and collects it
            up.process.kill()


@pytest.mark.parametrize("seed", range(6))
def test_a_signal_at_any_moment_of_the_start_ends_it(start: Callable[[str], Up], seed: int) -> None:
    chance = random.Random(seed)
    up = start("sqlite")

    up.let_run(chance.uniform(0, 2.5))
    asked_to_end(up, chance)

    # Until it serves, a signal does what it does to every process.
    assert up.ended() in (0, 1, 130, -signal.SIGTERM, -signal.SIGINT)
    nothing_is_left(up)


@pytest.mark.parametrize(
    ("backend", "seed"),
    [
        *(("sqlite", seed) for seed in range(6)),
        *(pytest.param("emulators", seed, marks=pytest.mark.emulators) for seed in range(2)),
    ],
)
def test_a_signal_at_any_moment_of_a_song_ends_it_in_order(
    start: Callable[[str], Up], backend: str, seed: int
) -> None:
    if backend == "emulators":
        require_emulators()
    chance = random.Random(seed)
    up = start(backend)

    submit(up.ready())
    up.let_run(chance.uniform(0, 4))
    asked_to_end(up, chance)

    assert up.ended() == 0, up.log.read_text()
    nothing_is_left(up)


def test_a_signal_while_a_dead_worker_is_replaced_ends_it_in_order(
    start: Callable[[str], Up],
) -> None:
    up = start("sqlite")

    submit(up.ready())
    [worker] = wait_until(lambda: list(workers(up)), 30)
    os.kill(worker, signal.SIGKILL)
    up.process.send_signal(signal.SIGTERM)

    assert up.ended() == 0, up.log.read_text()
    nothing_is_left(up)


@pytest.mark.emulators
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_while_the_emulators_start_leaves_neither_of_them(
    start: Callable[[str], Up], signum: signal.Signals
) -> None:
    require_emulators()
    up = start("emulators")

    wait_until(lambda: any("gcloud" in line for line in up.family()[1:]), 60)
    up.let_run(random.Random(signum).uniform(0, 1))
    up.process.send_signal(signum)

    assert up.ended() == (-signum if signum is signal.SIGKILL else 0), up.log.read_text()
    nothing_is_left(up)


def workers(up: Up) -> Iterator[int]:
    """Process ids of the embedded server's worker."""
    for folder in _processes():
        if "versequeue.local.worker_process" in _marked(folder, up.mark):
            yield int(folder.name)


def _processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*")


def _marked(process: Path, mark: str) -> str:
    """The command line of a living process that has the mark; else nothing."""
    try:
        if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
            return (process / "cmdline").read_bytes().decode().replace("\0", " ")
    except OSError:
        return ""
    return ""
