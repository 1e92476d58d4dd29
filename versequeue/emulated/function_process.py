"""One function as the cloud runs it: a functions-framework process of its own, without --debug.

Owns starting, waiting until it answers, and ending it with its children. Knows no queue.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from versequeue.emulated.emulators import free_port
from versequeue.emulated.reaper import Reaper, end_groups
from versequeue.errors import StartupError
from versequeue.stopping import raise_if_stopping

START_LIMIT_S = 60.0
#: What Cloud Run gives an instance between SIGTERM and its end.
GRACE_S = 10.0
LOOK_S = 0.05


class FunctionProcess:
    """At most one process group that serves the function. Methods may be called by any thread."""

    def __init__(
        self,
        name: str,
        folder: Path,
        signature: str,
        reaper: Reaper,
        *,
        threads: int,
        scratch: Path,
    ) -> None:
        """`folder` has main.py, beside it are the packages; `scratch` has a short path."""
        self.name = name
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._command = [
            *(sys.executable, "-m", "functions_framework", "--source", str(folder / "main.py")),
            *("--target", name, "--signature-type", signature),
            *("--host", "127.0.0.1", "--port", str(self._port)),
        ]
        self._scratch = scratch / name
        self._environ = {
            "PYTHONPATH": str(folder.parent),
            "THREADS": str(threads),
            # Where gunicorn puts its control socket: one place for all is fought over.
            "XDG_RUNTIME_DIR": str(self._scratch),
        }
        self._reaper = reaper
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    @property
    def running(self) -> bool:
        """Whether the process is there; it may still be starting."""
        process = self._process
        return process is not None and process.poll() is None

    def start(self) -> None:
        """Start the process unless it runs, and do not wait for it."""
        with self._lock:
            if self.running or self._ended:
                return
            self._forget()
            self._scratch.mkdir(exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603 - our own function
                self._command,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self._environ},
                start_new_session=True,
            )
            self._reaper.watch(self._process.pid)

    def ensure(self) -> str:
        """Start it unless it runs, wait until it answers; its URL.

        Raises StartupError; StoppedEarly if this process is asked to stop meanwhile.
        """
        self.start()
        limit = time.monotonic() + START_LIMIT_S
        while not self._listens():
            raise_if_stopping()
            if not self.running or time.monotonic() > limit:
                raise StartupError(f"The {self.name} function does not start; its output says why.")
            time.sleep(LOOK_S)
        return self.url

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace time; returns when all of it is gone."""
        with self._lock:
            process = self._process
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(GRACE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._forget()

    def end(self) -> None:
        """As `stop`, and never start again, whoever asks for it."""
        self._ended = True
        self.stop()

    def _forget(self) -> None:
        # The leader of the group has ended; what it started may not have.
        if self._process is not None:
            end_groups([self._process.pid], grace_s=1.0)
            self._reaper.forget(self._process.pid)
            self._process = None

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True
