"""`versequeue up`: everything on one machine, from one command, until Ctrl-C.

Serves the very functions that are deployed, and the page, on one port; starts the worker as a
process of its own when there is work; runs the sweep. Knows nothing of models.
"""

import base64
import fcntl
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from versequeue.errors import StartupError
from versequeue.stopping import StopFlag

#: How soon a signal is seen.
LOOK_S = 0.2


@dataclass(frozen=True)
class UpOptions:
    """What the command line says."""

    host: str = "127.0.0.1"
    port: int = 8080
    data_dir: Path = Path(".versequeue")
    model: str = "default"
    idle_timeout_s: float = 300.0
    backend: str = "sqlite"


def run_up(options: UpOptions) -> int:
    """Serve until SIGINT or SIGTERM; the exit status. Raises StartupError with one sentence."""
    if options.backend == "emulators":
        from versequeue.local_emulators import run_up_on_emulators

        return run_up_on_emulators(options)
    with ExitStack() as stack:
        listener = stack.enter_context(listening(options.host, options.port))
        stack.enter_context(data_dir_lock(options.data_dir))
        os.environ.update(embedded_environ(options, os.environ))
        from versequeue.local_server import LocalServer

        server = LocalServer(options, listener)
        flag = hear_signals()
        stack.enter_context(server)
        port = listener.getsockname()[1]
        sys.stdout.write(f"VerseQueue is ready at http://{options.host}:{port}/\n")
        sys.stdout.flush()
        wait_for_signal(flag, server.failed)
    return 0 if not server.failed.is_set() else 1


def embedded_environ(options: UpOptions, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of an embedded server as variables; what the owner has set stays."""
    standard = {
        "VERSEQUEUE_BACKEND": "sqlite",
        "VERSEQUEUE_DATA_DIR": str(options.data_dir),
        "VERSEQUEUE_MODEL": options.model,
        "VERSEQUEUE_WARM_S": str(options.idle_timeout_s + 60),
    }
    proposed = {
        "VERSEQUEUE_HASH_KEY": kept_secret(options.data_dir / "hash.key", hash_key),
        "VERSEQUEUE_WEBHOOK_SECRET": kept_secret(options.data_dir / "webhook.key", webhook_secret),
        "VERSEQUEUE_WEBHOOK_ALLOW_PRIVATE": "1",
        "VERSEQUEUE_PROGRESS_INTERVAL_S": "0.25",
        "VERSEQUEUE_SWEEP_INTERVAL_S": "5",
        "VERSEQUEUE_LOG_LEVEL": "WARNING",
    }
    return {**{key: environ.get(key, value) for key, value in proposed.items()}, **standard}


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises StartupError if the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1024)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StartupError(
                f"Cannot listen on {host}:{port}: {reason}. Choose another with --port."
            ) from error
        yield listener


@contextmanager
def data_dir_lock(data_dir: Path) -> Iterator[None]:
    """Keep the data folder for this process. Raises StartupError if it cannot be had."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = (data_dir / "up.lock").open("w")
    except OSError as error:
        raise StartupError(f"Cannot write to {data_dir}: {error.strerror}.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartupError(
                f"Another `versequeue up` is using {data_dir}; stop it, or give --data-dir."
            ) from error
        yield


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in the file at `path`, made once for each data folder and readable by us only."""
    try:
        path.touch(mode=0o600)
        if not path.read_text().strip():
            path.write_text(make())
        return path.read_text().strip()
    except OSError as error:
        raise StartupError(f"Cannot write to {path.parent}: {error.strerror}.") from error


def hash_key() -> str:
    """A secret under which clients are hashed."""
    return secrets.token_hex(32)


def webhook_secret() -> str:
    """A secret that webhooks are signed with."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def hear_signals() -> StopFlag:
    """Let SIGINT and SIGTERM, however many, set a flag instead of ending the process."""
    # A handler that set an Event would deadlock when it interrupts a wait on that very Event.
    flag = StopFlag()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, flag.handle)
    return flag


def wait_for_signal(flag: StopFlag, failed: threading.Event) -> None:
    """Return once a signal has come, or when `failed` is set."""
    while flag.alive and not failed.wait(LOOK_S):
        continue
