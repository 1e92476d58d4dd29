"""A child process: started in a group of its own, waited for, and ended with all that it started.

No child outlives this process: each is named to one reaper (`versequeue.reaper`), which ends its
group when this process dies, even by kill -9.
"""

import atexit
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from versequeue import reaper
from versequeue.errors import StartupError
from versequeue.reaper import GRACE_S, end_groups
from versequeue.stopping import StoppedEarly, raise_if_stopping
from versequeue.waiting import wait_until

T = TypeVar("T")
#: Above those of well-known services, below those that Linux and macOS hand out; so many of them
#: are tried.
_PORTS, _MOST_PORTS_TRIED = range(20_000, 32_768), 100
# The child itself names its group to the reaper, before it becomes the command: were it left to
# the parent, a kill -9 between the start and the naming would leave the child for ever. Its
# standard input is the reaper's pipe until then. A reaper that is gone must not hold it up, nor be
# spoken of: after Ctrl-C it may be the first to go.
_NAMED_TO_REAPER = """trap '' PIPE; echo "+$$" >&0 2>/dev/null; trap - PIPE; exec "$@" </dev/null"""
_reaper_lock = threading.Lock()


class ChildProcess(AbstractContextManager["ChildProcess"]):
    """One command as a child, started at once. Methods may be called by any thread."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        pass_fds: Sequence[int] = (),
        grace_s: float = GRACE_S,
    ) -> None:
        """`environ` is all of its environment, else ours; without a `log` it prints where we do."""
        self._log = log
        self._grace_s = grace_s
        with log.open("wb") if log else nullcontext() as output:
            self._process = subprocess.Popen(  # noqa: S603 - our callers' fixed words
                ["/bin/sh", "-c", _NAMED_TO_REAPER, "sh", *map(str, command)],
                stdin=_reaper_input(),
                stdout=output,
                stderr=output,
                env=environ,
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        #: Its process id, and that of its group.
        self.pid = self._process.pid

    def __exit__(self, *_: object) -> None:
        """As `stop`: a child that is used in a `with` block ends with it."""
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it is there; it may still be starting."""
        return self._process.poll() is None

    def wait(self, limit_s: float | None = None) -> int:
        """Its exit status, once it has ended. Raises subprocess.TimeoutExpired."""
        return self._process.wait(limit_s)

    def send_signal(self, number: int) -> None:
        """A signal to it alone, not to what it started."""
        self._process.send_signal(number)

    def stop(self) -> bool:
        """SIGTERM to its group, SIGKILL after the grace time; whether it ended without that.

        Returns when every process of the group is gone.
        """
        in_time = end_groups([self.pid], self._grace_s, self._process.poll)
        self._process.wait()
        self._forget()
        return in_time

    def kill(self) -> None:
        """SIGKILL to its whole group at once: it does not answer, so it cannot be asked."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._forget()

    def _forget(self) -> None:
        with suppress(OSError):  # the reaper is gone
            os.write(_reaper_input(), f"-{self.pid}\n".encode())

    def printed(self) -> str:
        """What it has written to its log so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log else ""

    def wait_until_ready(
        self, ready: Callable[[], T | None], limit_s: float, noun: str, poll_s: float = 0.05
    ) -> T:
        """The first truthy value of `ready`. Raises StartupError if it ends before, or is late.

        Raises StoppedEarly if this process is asked to stop meanwhile.
        """

        def look() -> T | None:
            raise_if_stopping()
            if not (found := ready()) and not self.running:
                raise TimeoutError
            return found

        try:
            return wait_until(look, limit_s, poll_s)
        except TimeoutError:
            raise StartupError(f"{noun} does not start{self._last_words()}") from None

    def wait_for_line(self, beginning: str, limit_s: float, noun: str) -> str:
        """The rest of the first line of its log that begins so. Raises as `wait_until_ready`."""

        def rest() -> str | None:
            whole = (line for line in self.printed().splitlines(keepends=True) if line[-1] == "\n")
            found = (line for line in whole if line.startswith(beginning))
            return next(found, "").removeprefix(beginning).strip()

        return self.wait_until_ready(rest, limit_s, noun)

    def _last_words(self) -> str:
        if self._log is None:
            return "; its output says why."
        lines = self.printed().split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
        return f": see {self._log}, which ends with: {last}"


class KeptProcess(ABC):
    """At most one child of a kind, replaced when it has died. Any thread may call every method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._ended = False

    @abstractmethod
    def begin(self) -> ChildProcess:
        """Start the process; called while none runs."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        child = self._child
        return child.pid if child and child.running else None

    @property
    def running(self) -> bool:
        """Whether the process is there; it may still be starting."""
        return self.pid is not None

    def start(self) -> ChildProcess:
        """Start the process unless it runs; what a dead one left running is ended first.

        Does not wait until it is ready. Raises StoppedEarly after `end`.
        """
        with self._lock:
            if self._ended:
                raise StoppedEarly("The server is stopping; nothing is started any more.")
            if self._child is None or not self._child.running:
                self._stop()
                self._child = self.begin()
            return self._child

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace time; returns when all of it is gone."""
        with self._lock:
            self._stop()

    def kill(self) -> None:
        """SIGKILL, for one that hangs; the next `start` starts a new one."""
        with self._lock:
            if self._child is not None:
                self._child.kill()
                self._child = None

    def end(self) -> None:
        """As `stop`, and never start again, whoever asks for it."""
        self._ended = True
        self.stop()

    def _stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment. StartupError if there is none.

    One that no system hands out by itself: another program, or a connection, would be given it
    before the child for which it was looked for listens there.
    """
    for _ in range(_MOST_PORTS_TRIED):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise StartupError("There is no free port on loopback.")


def listens(port: int) -> bool:
    """Whether somebody listens on this port of loopback, however slow to take the connection."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return True


def _reaper_input() -> int:
    with _reaper_lock:
        return _start_reaper()


@cache
def _start_reaper() -> int:
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-I", "-S", reaper.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
    assert process.stdin  # noqa: S101 - asked for above
    atexit.register(_let_go, process)
    return process.stdin.fileno()


def _let_go(reaper_process: "subprocess.Popen[bytes]") -> None:
    # With no child left it ends at once. Else it needs our own end, which gives up the dead ones.
    with suppress(subprocess.TimeoutExpired):
        reaper_process.communicate(timeout=1)
