"""The worker as a process of its own. Run as a module this is that process, until SIGTERM."""

import os
import signal
import socket
import sys
import threading
import time
import uuid
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import functions_framework
import waitress

from versequeue.child_process import ChildProcess, KeptProcess
from versequeue.functions import wiring
from versequeue.local.host import child_environ
from versequeue.local.loops import daemons
from versequeue.reaper import GRACE_S
from versequeue.stopping import StopFlag

#: How soon the child sees a signal.
LOOK_S = 0.1
#: A message names a few jobs.
MAX_MESSAGE_BYTES = 64 * 1024


class WorkerProcess(KeptProcess):
    """At most one worker process. Every method may be called by any thread."""

    def __init__(self, source: Path) -> None:
        super().__init__()
        self._source = source
        self._address = ("", "")

    def ensure(self) -> tuple[str, str]:
        """Start the process unless it runs; its URL and name. Raises StoppedEarly after `end`."""
        self.start()
        return self._address

    def begin(self) -> ChildProcess:
        """A worker with a new name, on a new port. It can be pushed to at once."""
        name = f"local-{uuid.uuid4().hex[:12]}"
        with ExitStack() as undo:
            listener = undo.enter_context(socket.create_server(("127.0.0.1", 0), backlog=16))
            address = (f"http://127.0.0.1:{listener.getsockname()[1]}/", name)
            child = self._child_on(listener, name)
            undo.callback(child.kill)
            # Where no thread is left this raises: a worker that nobody watches is none.
            [watcher] = daemons(watcher=partial(_reset_at_exit, child, listener))
            watcher.start()
            undo.pop_all()
        self._address = address
        return child

    def _child_on(self, listener: socket.socket, name: str) -> ChildProcess:
        about = listener.fileno(), os.getpid()
        return ChildProcess(
            [sys.executable, "-m", __spec__.name, *map(str, about), self._source],
            environ={**child_environ(os.environ), "VERSEQUEUE_WORKER": name},
            pass_fds=[listener.fileno()],
        )


def _reset_at_exit(child: ChildProcess, listener: socket.socket) -> None:
    # A push that waits in the backlog of a dead worker is reset by closing the socket.
    child.wait()
    listener.close()


def serve(listener_fd: int, parent: int, source: str) -> int:
    """The child: serve the worker function until SIGTERM, or until `parent` is gone.

    What is in hand is finished.
    """
    flag = StopFlag()
    signal.signal(signal.SIGTERM, flag.handle)
    wiring.settings()  # from here on the log has its level and form, waitress's notes too
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "worker", source, "cloudevent"
    )
    listener = socket.socket(fileno=listener_fd)
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=1,
        channel_timeout=3600,
        # Any program on this machine can connect, and a page in its browser, too.
        max_request_body_size=MAX_MESSAGE_BYTES,
    )
    threading.Thread(target=server.run, name="http", daemon=True).start()
    # Not signal.pause(): a signal between the look and the pause would never be seen.
    while flag.alive:
        time.sleep(LOOK_S)
        if os.getppid() != parent:  # the reaper, which sends the signal then, may be gone too
            flag.alive = False
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=GRACE_S - 1)
    return 0


if __name__ == "__main__":
    sys.exit(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
