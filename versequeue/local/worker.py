"""The worker as a process of its own: started, pushed to, stopped, and noticed when it dies.

Run as a module this is that process: the worker function, served on a socket that its parent
opened, until SIGTERM or until the parent is gone.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

from versequeue.stopping import StopFlag, StoppedEarly

#: How long a worker that was asked to stop may take to hand its job back.
GRACE_S = 10.0
#: How soon the child sees a signal.
LOOK_S = 0.1


class WorkerProcess:
    """At most one worker process. Every method may be called from any thread."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._url = ""
        self._ended = False

    def ensure(self) -> tuple[str, str]:
        """Start the process unless it runs; its URL and its name. A dead one is replaced.

        Raises StoppedEarly after `end`.
        """
        with self._lock:
            if self._ended:
                raise StoppedEarly("The server is stopping; no worker is started.")
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._url, self._name

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace time; returns when the process is gone."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def end(self) -> None:
        """As `stop`, and never start again, whoever asks for it."""
        with self._lock:
            self._ended = True
        self.stop()

    def _start(self) -> None:
        self._name = f"local-{uuid.uuid4().hex[:12]}"
        listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        import_path = str(self._source.parent.parent)
        command = [sys.executable, "-m", __spec__.name, str(listener.fileno()), str(self._source)]
        # The pipe to the child's stdin is never written to: its end tells the child that the
        # parent is gone, even after kill -9.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env={**os.environ, "VERSEQUEUE_WORKER": self._name, "PYTHONPATH": import_path},
            start_new_session=True,
        )
        watcher = threading.Thread(
            target=_reset_at_exit, args=(self._process, listener), name="watcher", daemon=True
        )
        watcher.start()


def _reset_at_exit(process: subprocess.Popen[bytes], listener: socket.socket) -> None:
    # A push that waits in the backlog of a dead worker is reset by closing the socket.
    process.wait()
    listener.close()
    if process.stdin:
        process.stdin.close()


def serve(listener_fd: int, source: str) -> int:
    """The child: serve the worker function until SIGTERM, then finish what is in hand."""
    flag = StopFlag()
    signal.signal(signal.SIGTERM, flag.handle)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, name="parent", daemon=True).start()

    import functions_framework
    import waitress

    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "worker", source, "cloudevent"
    )
    listener = socket.socket(fileno=listener_fd)
    server = waitress.create_server(app, sockets=[listener], threads=1, channel_timeout=3600)
    threading.Thread(target=server.run, name="http", daemon=True).start()
    # Not signal.pause(): a signal between the look and the pause would never be seen.
    while flag.alive:
        time.sleep(LOOK_S)
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=GRACE_S - 1)
    return 0


def _exit_with_parent() -> None:
    # The buffered reader would hold a lock that the interpreter needs at its end.
    while os.read(0, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(serve(int(sys.argv[1]), sys.argv[2]))
