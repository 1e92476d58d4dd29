"""The server of a run, on one port for all its lives, and everything that is done to it.

A fault is a method that ends with the fault being over. What a machine cannot do (mount a small
disk, step a clock) it leaves out, and says so.
"""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from pathlib import Path

from tests.histories.stepped_clock import SteppedClock
from tests.support.server import Server, child_pids, running_server
from versequeue.child_process import free_port

LEASE_S = 1.5
#: How long a fault lasts: longer than a lease, so that what is stopped loses its jobs.
HOLD_S = 2.5
DISK = "size=48m"
#: A process went while it was looked at.
GONE = (ProcessLookupError, FileNotFoundError)
SETTINGS = {
    "VERSEQUEUE_LEASE_S": str(LEASE_S),
    "VERSEQUEUE_SWEEP_INTERVAL_S": "1",
    "VERSEQUEUE_PROGRESS_INTERVAL_S": "0.1",
    "VERSEQUEUE_LOG_LEVEL": "CRITICAL",
}
SQLITE_FAULTS = (
    *("kill_worker", "kill_server", "stop_worker", "stop_server"),
    *("fill_disk", "step_clock", "lock_store", "take_descriptors"),
)
EMULATED_FAULTS = ("kill_worker", "stop_worker", "kill_function", "stop_function")


class Machine(AbstractContextManager["Machine"]):
    """One data folder and the servers that run on it, one after the other."""

    def __init__(
        self, folder: Path, model: Path, backend: str, seed: int, longest_step_s: int
    ) -> None:
        """`longest_step_s` is how far the clock is set back or ahead at most."""
        self._data_dir = folder / "data"
        self._model = model
        self._backend = backend
        self._longest_step_s = longest_step_s
        self._dice = random.Random(f"machine {seed}")
        # With few of them rows fail, and are tried again.
        self._max_attempts = self._dice.choice(("1", "2", "5"))
        self._over = threading.Event()
        self._clock = SteppedClock(folder)
        self._port = free_port()
        self._mounts = ExitStack()
        self._life = ExitStack()
        self._server: Server | None = None
        #: what cannot be done here
        self.left_out: set[str] = set()
        #: what was done, in order
        self.struck: list[str] = []
        #: what was done last each time that the server ended by itself
        self.ended_after: list[str] = []
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "Machine":
        """Prepare the disk and the clock, and start."""
        self._data_dir.mkdir()
        self._mount()
        if self._backend != "sqlite" or not self._clock.works:
            self.left_out.add("step_clock")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the server, and take the disk away."""
        self._life.close()
        self._mounts.close()

    @property
    def faults(self) -> list[str]:
        """The names of what can be done to this server."""
        every = SQLITE_FAULTS if self._backend == "sqlite" else EMULATED_FAULTS
        return [name for name in every if name not in self.left_out]

    @property
    def server(self) -> Server:
        """The server as it runs now."""
        assert self._server is not None
        return self._server

    def start(self) -> None:
        """A new server on the same folder and port."""
        env = SETTINGS | {"VERSEQUEUE_MAX_ATTEMPTS": self._max_attempts}
        if "step_clock" not in self.left_out:
            env |= self._clock.environ
        self._server = self._life.enter_context(
            running_server(
                self._data_dir, self._model, port=self._port, backend=self._backend, env=env
            )
        )

    def strike(self, name: str) -> None:
        """Do it; a server that has ended by itself is started again, and that is noted."""
        self.struck.append(name)
        act: Callable[[], None] = getattr(self, name)
        with suppress(*GONE):
            act()
        self.look_after()

    def look_after(self) -> None:
        """Start the server again if it has ended by itself."""
        if not self.server.process.running:
            self.ended_after.append(self.struck[-1] if self.struck else "the start")
            self._restart()

    def kill_worker(self) -> None:
        """SIGKILL to the worker, if there is one."""
        with suppress(*GONE):
            if pid := self.server.worker_pid():
                os.kill(pid, signal.SIGKILL)

    def stop_worker(self) -> None:
        """The worker stands still for longer than its lease, and goes on."""
        if pid := self.server.worker_pid():
            self._stand_still(pid)

    def kill_server(self) -> None:
        """SIGKILL to the server, and a new one."""
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(10)
        self._restart()

    def stop_server(self) -> None:
        """The server stands still, its worker does not."""
        self._stand_still(self.server.process.pid)

    def kill_function(self) -> None:
        """SIGKILL to one process of one function."""
        os.kill(self._dice.choice(self._functions()), signal.SIGKILL)

    def stop_function(self) -> None:
        """One process of one function stands still."""
        self._stand_still(self._dice.choice(self._functions()))

    def fill_disk(self) -> None:
        """No byte is left on the disk of the data folder, for a while."""
        filler = self._data_dir / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        self._hold()
        filler.unlink()

    def step_clock(self) -> None:
        """The clock of every process of the server is set, back or ahead, and stays there."""
        offset_s = self._dice.choice((-1, 1)) * self._dice.choice((5, self._longest_step_s))
        self._clock.set(offset_s)
        self.struck[-1] += f" {offset_s:+d}"
        self._hold()

    def lock_store(self) -> None:
        """Somebody else holds the store's write lock, longer than a writer waits for it."""
        with closing(sqlite3.connect(self._data_dir / "store.sqlite3", timeout=5)) as store:
            with suppress(sqlite3.OperationalError):
                store.execute("BEGIN IMMEDIATE")
            self._hold(2.4 * HOLD_S)
            store.rollback()

    def take_descriptors(self) -> None:
        """The server gets no new file descriptor, for a while."""
        pid = self.server.process.pid
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 1, usual[1]))
        self._hold()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)

    def _hold(self, length_s: float = HOLD_S) -> None:
        """Let it last; in the middle of it the worker dies, or does not."""
        self._over.wait(length_s / 2)
        if self._dice.random() < 0.5:
            self.kill_worker()
        self._over.wait(length_s / 2)

    def _stand_still(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        self._over.wait(HOLD_S)
        os.kill(pid, signal.SIGCONT)

    def _functions(self) -> list[int]:
        masters = [
            pid
            for pid in child_pids(self.server.process.pid)
            if b"functions_framework" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        return [pid for master in masters for pid in (master, *child_pids(master))]

    def _restart(self) -> None:
        self._life.close()
        self.start()

    def _mount(self) -> None:
        mount = ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(self._data_dir)]
        if self._backend != "sqlite" or subprocess.run(mount, capture_output=True).returncode:
            self.left_out.add("fill_disk")
            return
        self._mounts.callback(subprocess.run, ["umount", "--lazy", str(self._data_dir)])
