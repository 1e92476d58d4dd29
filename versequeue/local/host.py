"""What every `versequeue up` stands on: its options, address, data folder, secrets and signals."""

import atexit
import base64
import fcntl
import os
import secrets
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path

from versequeue.config import Settings
from versequeue.errors import StartupError
from versequeue.named_models import NamedModel, as_text
from versequeue.stopping import StopFlag
from versequeue.webhooks.signing import write_secret

_PACKAGE = Path(str(files("versequeue"))).resolve()
#: The folder in which this package and the functions lie: a clone, or site-packages.
ROOT = _PACKAGE.parent
#: What lies beside the packages in a clone, a wheel has in here (setup.py).
SHIPPED = _PACKAGE / "shipped"
IS_CLONE = not SHIPPED.is_dir()
HOME = ROOT if IS_CLONE else SHIPPED
#: main.py of the worker function, and the page's folder, unless they are another model's.
WORKER, PAGE = ROOT / "worker_fn" / "main.py", HOME / "web"
#: What the line begins with that says where the server is.
READY = "VerseQueue is ready at "
#: What a browser on this machine may call a server that listens on loopback.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
WEBHOOK_KEY_FILE, PUSH_KEY_FILE = "webhook.key", "push.key"
#: What lies in the data folder beside the databases, which look after themselves, and folders.
OUR_FILES = ("*.key", "*.lock")
#: Threads that answer requests.
THREADS = 24
#: How soon a signal is seen.
LOOK_S = 0.2


@dataclass(frozen=True)
class UpOptions:
    """What the command line says."""

    host: str = "127.0.0.1"
    port: int = 8080
    data_dir: Path = Path(".versequeue")
    models: tuple[NamedModel, ...] = Settings.models
    idle_timeout_s: float = 300.0
    worker: Path = WORKER
    page: Path = PAGE


def embedded_environ(options: UpOptions, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of an embedded server as variables; what the owner has set stays."""
    standard = {
        "VERSEQUEUE_BACKEND": "sqlite",
        "VERSEQUEUE_DATA_DIR": str(options.data_dir),
        "VERSEQUEUE_MODEL": as_text(options.models),
        "VERSEQUEUE_WARM_S": str(options.idle_timeout_s + 60),
    }
    # Nobody but this machine's own users reaches it, unless a proxy lets others in.
    proxied = environ.get("VERSEQUEUE_TRUSTED_PROXIES", "").strip() not in ("", "0")
    at_home = is_loopback(options.host) and not proxied
    proposed = {
        "VERSEQUEUE_HASH_KEY": kept_secret(options.data_dir / "hash.key", bytes.hex),
        "VERSEQUEUE_WEBHOOK_SECRET": kept_secret(options.data_dir / WEBHOOK_KEY_FILE, write_secret),
        "VERSEQUEUE_PUSH_KEY": kept_secret(options.data_dir / PUSH_KEY_FILE, write_push_key),
        "VERSEQUEUE_WEBHOOK_ALLOW_PRIVATE": "1" if at_home else "0",
        "VERSEQUEUE_HOSTS": " ".join((*LOOPBACK_NAMES, options.host)) if at_home else "",
        "VERSEQUEUE_WAITERS": str(THREADS // 3),
        "VERSEQUEUE_PROGRESS_INTERVAL_S": "0.25",
        "VERSEQUEUE_SWEEP_INTERVAL_S": "5",
        "VERSEQUEUE_LOG_LEVEL": "WARNING",
    }
    return {**{key: environ.get(key, value) for key, value in proposed.items()}, **standard}


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a Python that is to import what this one does.

    In a clone it is told where; site-packages in PYTHONPATH would come before Python's own modules.
    """
    return {**environ, "PYTHONPATH": str(ROOT)} if IS_CLONE else dict(environ)


def write_push_key(key: bytes) -> str:
    """The text of a key for pushes."""
    return base64.urlsafe_b64encode(key).decode()


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
                f"Cannot listen on {host}:{port}: {reason}. "
                "Choose another: --port N, or make up PORT=N."
            ) from error
        yield listener


@contextmanager
def data_dir_lock(data_dir: Path) -> Iterator[None]:
    """Keep the data folder for this process. Raises StartupError if it cannot be had.

    What it writes from now on only its owner can read; so it is with what lies there already.
    """
    os.umask(0o077)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        keep_private(data_dir)
        handle = (data_dir / "up.lock").open("w")
    except OSError as error:
        raise StartupError(f"Cannot write to {data_dir}: {error.strerror}.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartupError(
                f"Another `versequeue up` is using {data_dir}; stop it, or give this one a folder "
                "and a port of its own: --data-dir FOLDER --port N, or make up DATA_DIR=FOLDER "
                "PORT=N."
            ) from error
        yield


def keep_private(data_dir: Path) -> None:
    """Close the folder and our own files in it to everybody but their owner."""
    ours = [file for pattern in OUR_FILES for file in data_dir.glob(pattern)]
    for path in (data_dir, *ours):
        about = path.stat()
        # A folder that all may write to, such as /tmp, is not for us to close.
        shared = about.st_mode & stat.S_ISVTX or about.st_uid != os.getuid()
        if about.st_mode & 0o077 and not shared:
            path.chmod(stat.S_IMODE(about.st_mode) & 0o700)


def kept_secret(path: Path, write: Callable[[bytes], str]) -> str:
    """32 random bytes as `write` writes them, kept in `path` for us alone. Raises StartupError."""
    try:
        path.touch(mode=0o600)
        if not path.read_text().strip():
            path.write_text(write(secrets.token_bytes(32)))
        return path.read_text().strip()
    except OSError as error:
        raise StartupError(f"Cannot write to {path.parent}: {error.strerror}.") from error


def hear_signals() -> StopFlag:
    """Let SIGINT and SIGTERM, however many, set a flag instead of ending the process."""
    # A handler that set an Event would deadlock when it interrupts a wait on that very Event.
    flag = StopFlag()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, flag.handle)
        # Python takes its handlers back before it has ended, and the next signal would kill it.
        atexit.register(signal.signal, signum, signal.SIG_IGN)
    return flag


def wait_for_signal(flag: StopFlag) -> None:
    """Return once a signal has come, and say so: to hand back what is being written takes time."""
    while flag.alive:
        time.sleep(LOOK_S)
    sys.stderr.write("Stopping. What is not written yet is kept, and goes on at the next start.\n")


def say_ready(host: str, listener: socket.socket) -> None:
    """Print the one line that says where the server is."""
    sys.stdout.write(f"{READY}http://{host}:{listener.getsockname()[1]}/\n")
    sys.stdout.flush()
