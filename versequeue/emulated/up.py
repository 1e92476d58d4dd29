"""`up --backend emulators`: the deployment on Google's own emulators. What dies starts again."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
import waitress

from versequeue.emulated.emulators import PROJECT, Emulators
from versequeue.emulated.forwarding import Activator, Forward
from versequeue.emulated.function_process import FunctionProcess
from versequeue.emulated.topics import create_topics
from versequeue.functions import wiring
from versequeue.functions.sizes import SIZES
from versequeue.local import host
from versequeue.local.app import LocalApp
from versequeue.local.front import front_server
from versequeue.local.host import PAGE, ROOT, THREADS, UpOptions
from versequeue.local.loops import daemons, keep_on, raise_descriptor_limit, start_all
from versequeue.local.model_check import have_models
from versequeue.ports.queue import Topic
from versequeue.stopping import StoppedEarly, raise_if_stopping
from versequeue.waiting import wait_until

log = logging.getLogger(__name__)
#: How often the parts are looked after.
LOOK_S = 0.5
SWEEP_LIMIT_S = 300.0
WARM_LIMIT_S, WARM_REQUEST_S = 60.0, 20.0
#: Requests that reach the store and change nothing.
_FIRST_REQUESTS = (("sweep", "/"), ("submit", "/v1/jobs/job_nobody/cancel"))


def run_up(options: UpOptions) -> int:
    """Serve until SIGINT or SIGTERM; the exit status. Raises StartupError with one sentence."""
    raise_descriptor_limit()
    with ExitStack() as stack:
        listener = stack.enter_context(host.listening(options.host, options.port))
        stack.enter_context(host.data_dir_lock(options.data_dir))
        emulators = Emulators(options.data_dir / "emulators")
        # Firestore takes about one write a second to one document.
        os.environ.setdefault("VERSEQUEUE_PROGRESS_INTERVAL_S", "1")
        # Both functions have waiters, and the same threads here pass all of them on.
        os.environ.setdefault("VERSEQUEUE_WAITERS", str(THREADS // 6))
        os.environ.update(host.embedded_environ(options, os.environ))
        os.environ.update(emulators.environ)
        os.environ["VERSEQUEUE_BACKEND"] = "gcp"
        os.environ["VERSEQUEUE_PROJECT"] = PROJECT
        os.environ["VERSEQUEUE_TRUSTED_PROXIES"] = "1"
        server = EmulatedServer(options, listener, emulators)
        flag = host.hear_signals()
        try:
            stack.enter_context(server)
        except StoppedEarly:
            return 0
        host.say_ready(options.host, listener)
        host.wait_for_signal(flag)
    return 0


class EmulatedServer:
    """Context manager: everything runs inside it, and no process is left at its end."""

    def __init__(self, options: UpOptions, listener: socket.socket, emulators: Emulators) -> None:
        have_models(wiring.settings())
        self._stopping = threading.Event()
        self._emulators = emulators
        self._scratch = TemporaryDirectory(prefix="versequeue-")
        kinds = {"submit": "http", "results": "http", "notify": "cloudevent", "sweep": "http"}
        self._functions = {name: self._function(name, kind) for name, kind in kinds.items()}
        self._worker = self._function("worker", "cloudevent")
        self._activator = Activator(self._worker, options.idle_timeout_s)
        forwards = {name: Forward(self._functions[name].url) for name in ("submit", "results")}
        app = LocalApp(**forwards, web=PAGE, settings=wiring.settings())
        self._front = front_server(app, listener)
        self._pushes = waitress.create_server(
            self._activator, host="127.0.0.1", port=0, threads=8, channel_timeout=3600
        )
        self._sweep_interval_s = wiring.settings().sweep_interval_s
        self._threads = daemons(
            http=self._loop(self._front.run, "the HTTP server"),
            pushes=self._loop(self._pushes.run, "the pushes' server"),
            keeper=self._loop(self._keep, "the keeper"),
            sweeper=self._loop(self._sweep, "the sweep"),
        )

    def __enter__(self) -> "EmulatedServer":
        """Start the emulators and the functions beside each other; return when all answer."""
        try:
            for function in self._functions.values():
                function.start()
            self._start_emulators()
            for function in self._functions.values():
                function.ensure()
            self._warm_up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        start_all(self._threads)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the worker first, so that it can hand its job back; the emulators last."""
        self._stopping.set()
        self._worker.end()
        with ThreadPoolExecutor() as pool:
            for function in self._functions.values():
                pool.submit(function.end)
        # The sweeper's request has ended with its function; the keeper starts nothing any more.
        for thread in self._threads[2:]:
            if thread.ident:
                thread.join()
        self._emulators.stop()
        self._front.close()
        self._pushes.close()
        self._scratch.cleanup()

    def _function(self, name: str, kind: str) -> FunctionProcess:
        told, scratch = SIZES[name].variables, Path(self._scratch.name)
        return FunctionProcess(name, ROOT / f"{name}_fn", kind, environ=told, scratch=scratch)

    def _start_emulators(self) -> None:
        self._emulators.stop()
        self._emulators.start()
        worker = f"http://127.0.0.1:{self._pushes.effective_port}"
        notify = self._functions["notify"].url
        create_topics(PROJECT, {Topic.JOBS: worker, Topic.BULK: worker, Topic.NOTIFY: notify})

    def _warm_up(self) -> None:
        # The emulators' first answers take seconds, longer than a visitor's request may.
        for name, path in _FIRST_REQUESTS:
            url = f"{self._functions[name].url}{path}"
            with suppress(TimeoutError):
                wait_until(partial(_is_warm, url), WARM_LIMIT_S, LOOK_S)

    def _loop(self, turn: Callable[[], object], noun: str) -> Callable[[], None]:
        return partial(keep_on, turn, self._stopping, noun)

    def _keep(self) -> None:
        if not self._stopping.wait(LOOK_S):
            self._look_after()

    def _look_after(self) -> None:
        for function in self._functions.values():
            if not function.running:
                log.warning("the %s function has ended; it is started again", function.name)
                function.start()
        if not self._emulators.alive():
            log.warning("an emulator has ended; both start again and have forgotten every job")
            self._start_emulators()
        if self._activator.stop_if_idle():
            wiring.worker_side("up").show_stopped()

    def _sweep(self) -> None:
        url = self._functions["sweep"].url
        requests.post(url, timeout=SWEEP_LIMIT_S).raise_for_status()
        self._stopping.wait(self._sweep_interval_s)


def _is_warm(url: str) -> bool:
    raise_if_stopping()
    try:
        return requests.post(url, timeout=WARM_REQUEST_S).status_code < 500
    except requests.RequestException as error:
        log.info("not warm yet: %s", error)
        return False
