"""The embedded server's parts: one WSGI app on one port, a dispatcher, a sweeper, a notifier."""

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import functions_framework

from versequeue.backends.sqlite_queue import SqliteQueue
from versequeue.functions import wiring
from versequeue.local.app import LocalApp
from versequeue.local.dispatcher import Dispatcher, NotifyDispatcher
from versequeue.local.front import CONNECTIONS_OF_ONE, front_server
from versequeue.local.host import ROOT, UpOptions
from versequeue.local.model_check import check_model
from versequeue.local.worker import WorkerProcess
from versequeue.service.sweep import sweep

log = logging.getLogger(__name__)


class LocalServer:
    """Context manager: everything runs inside it and is stopped at its end."""

    def __init__(self, options: UpOptions, listener: socket.socket) -> None:
        settings = wiring.settings()
        folder = wiring.model_folder(settings)
        check_model(folder, options.model)
        queue = wiring.queue()
        assert isinstance(queue, SqliteQueue)  # noqa: S101 - `up` runs on the embedded backend
        self.failed = threading.Event()
        self._stopping = threading.Event()
        self._side = wiring.worker_side("up")
        self._worker = WorkerProcess(ROOT / "worker_fn" / "main.py")
        self._dispatcher = Dispatcher(queue, self._worker, self._side, options.idle_timeout_s)
        self._notifier = NotifyDispatcher(queue)
        app = LocalApp(
            submit=load_function("submit"), results=load_function("results"), web=ROOT / "web"
        )
        # A proxy's connections are everybody's, and it has limits of its own.
        of_one = 0 if settings.trusted_proxies else CONNECTIONS_OF_ONE
        self._server = front_server(app, listener, of_one=of_one)
        self._threads = [
            threading.Thread(target=self._guard, args=(run,), name=name, daemon=True)
            for name, run in (
                ("http", self._server.run),
                ("dispatcher", self._dispatcher.run),
                ("notifier", self._notifier.run),
                ("sweeper", self._sweep_on),
            )
        ]

    def __enter__(self) -> "LocalServer":
        """Take up what an earlier `up` left, then start everything."""
        self._dispatcher.take_over()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the worker, which hands its job back, then everything else."""
        self._stopping.set()
        self._dispatcher.stop()
        self._notifier.stop()
        self._worker.end()
        # Not the HTTP server's: it may be in a long poll, and ends with this process.
        for thread in self._threads[1:]:
            thread.join(timeout=5)
        self._side.show_stopped()
        self._server.close()

    def _guard(self, run: Callable[[], Any]) -> None:
        try:
            run()
        except Exception:
            if not self._stopping.is_set():
                log.exception("a part of the server has failed")
                self.failed.set()

    def _sweep_on(self) -> None:
        interval_s = wiring.settings().sweep_interval_s
        while not self._stopping.wait(interval_s):
            try:
                sweep(wiring.store(), wiring.queue())
            except Exception:
                log.exception("the sweep failed; the next tick tries again")


def load_function(name: str) -> Callable[..., Any]:
    """The WSGI app that functions-framework makes of a function, as it does in the cloud."""
    source = str(ROOT / f"{name}_fn" / "main.py")
    app: Callable[..., Any] = functions_framework.create_app(  # type: ignore[no-untyped-call]
        name, source, "http"
    )
    return app
