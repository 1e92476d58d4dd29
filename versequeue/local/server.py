"""The embedded server's parts: one WSGI app on one port, a dispatcher, a sweeper, a notifier."""

import logging
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import functions_framework

from versequeue.backends.sqlite_queue import SqliteQueue
from versequeue.errors import VerseQueueError
from versequeue.functions import wiring
from versequeue.functions.notify import check_keys, notify_target, receiver_of
from versequeue.local.app import LocalApp
from versequeue.local.dispatcher import Dispatcher
from versequeue.local.front import CONNECTIONS_OF_ONE, front_server
from versequeue.local.host import ROOT, UpOptions
from versequeue.local.loops import daemons, keep_on, start_all
from versequeue.local.model_check import have_models
from versequeue.local.notify import NotifyDispatcher
from versequeue.local.worker_process import WorkerProcess
from versequeue.service.sweep import sweep

log = logging.getLogger(__name__)


class LocalServer:
    """Context manager: everything runs inside it and is stopped at its end."""

    def __init__(self, options: UpOptions, listener: socket.socket) -> None:
        settings = wiring.settings()
        check_keys()
        self._about = have_models(settings)
        queue = wiring.queue()
        assert isinstance(queue, SqliteQueue)  # noqa: S101 - `up` runs on the embedded backend
        self._stopping = threading.Event()
        self._side = wiring.worker_side("up")
        self._worker = WorkerProcess(options.worker)
        self._dispatcher = Dispatcher(queue, self._worker, self._side, options.idle_timeout_s)
        self._notifier = NotifyDispatcher(queue, notify_target, receiver_of)
        functions = {name: load_function(name) for name in ("submit", "results")}
        app = LocalApp(**functions, web=options.page, settings=settings)
        # A proxy's connections are everybody's, and it has limits of its own.
        of_one = 0 if settings.trusted_proxies else CONNECTIONS_OF_ONE
        self._server = front_server(app, listener, of_one=of_one)
        self._threads = daemons(
            http=self._loop(self._server.run, "the HTTP server"),
            dispatcher=self._dispatcher.run,
            notifier=self._notifier.run,
            sweeper=self._loop(self._sweep, "the sweep"),
        )

    def __enter__(self) -> "LocalServer":
        """Take up what an earlier `up` left, then start everything."""
        self._dispatcher.take_over()
        self._describe_models()
        start_all(self._threads)
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
        try:
            self._side.show_stopped()
        except VerseQueueError as error:
            log.warning("the worker will look as if it were there for a while: %s", error)
        self._server.close()

    def _describe_models(self) -> None:
        try:
            self._side.describe_models(self._about)
        except VerseQueueError as error:
            log.warning("what the models are is told once they are loaded: %s", error)

    def _loop(self, turn: Callable[[], object], noun: str) -> Callable[[], None]:
        return partial(keep_on, turn, self._stopping, noun)

    def _sweep(self) -> None:
        # First of all: a server that is restarted again and again would never come to it.
        sweep(wiring.store(), wiring.queue())
        self._stopping.wait(wiring.settings().sweep_interval_s)


def load_function(name: str) -> Callable[..., Any]:
    """The WSGI app that functions-framework makes of a function, as it does in the cloud."""
    source = str(ROOT / f"{name}_fn" / "main.py")
    app: Callable[..., Any] = functions_framework.create_app(  # type: ignore[no-untyped-call]
        name, source, "http"
    )
    return app
