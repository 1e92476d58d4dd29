"""The Cloud SDK's own Firestore and Pub/Sub emulators as child processes.

Owns starting them, knowing whether they live, and stopping them without leaving a process. They
keep nothing: after a restart the store is empty and the topics have to be created again.
"""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from versequeue.errors import StartupError
from versequeue.stopping import raise_if_stopping

#: A project that exists nowhere: what is meant for an emulator must never reach a real one.
PROJECT = "demo-versequeue"
START_LIMIT_S = 90.0
STOP_LIMIT_S = 10.0
LOOK_S = 0.1
_PROGRAMS = ("gcloud", "java")


def missing() -> str:
    """What this machine lacks for the emulators, as a sentence; empty if nothing."""
    absent = " and ".join(name for name in _PROGRAMS if shutil.which(name) is None)
    if not absent:
        return ""
    return (
        f"The Google Cloud emulators need {absent}: install the Google Cloud SDK with its "
        "components cloud-firestore-emulator and pubsub-emulator, and Java 17 or newer."
    )


class Emulators:
    """Both emulators on loopback. Use `start`, and `stop` in every case."""

    def __init__(self, folder: Path, *, firestore_port: int = 0, pubsub_port: int = 0) -> None:
        """Port 0 means any free one; logs and the little that they store go to `folder`."""
        data = folder / "pubsub"
        self._folder = folder
        self._data = data
        self._firestore = _Emulator(
            "Firestore",
            ["emulators", "firestore", "start"],
            firestore_port or free_port(),
            folder / "firestore.log",
        )
        self._pubsub = _Emulator(
            "Pub/Sub",
            ["beta", "emulators", "pubsub", "start", f"--data-dir={data}", f"--project={PROJECT}"],
            pubsub_port or free_port(),
            folder / "pubsub.log",
        )

    def start(self, watch: Callable[[int], None] | None = None) -> None:
        """Start both, empty, and wait until they answer; `watch` is told each process group.

        Raises StartupError; StoppedEarly if this process is asked to stop meanwhile.
        """
        if reason := missing():
            raise StartupError(reason)
        self._data.mkdir(parents=True, exist_ok=True)
        both = (self._firestore, self._pubsub)
        try:
            for emulator in both:
                group = emulator.start()
                if watch:
                    watch(group)
            for emulator in both:
                emulator.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which Google's client libraries find the emulators."""
        return {
            "FIRESTORE_EMULATOR_HOST": self._firestore.address,
            "PUBSUB_EMULATOR_HOST": self._pubsub.address,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }

    @property
    def groups(self) -> list[int]:
        """The process groups of those that were started."""
        both = (self._firestore.group, self._pubsub.group)
        return [group for group in both if group is not None]

    def alive(self) -> bool:
        """Whether both are there, however slowly they answer."""
        return self._firestore.listens() and self._pubsub.listens()

    def stop(self) -> None:
        """End both and every process that they have started; safe to repeat."""
        for emulator in (self._firestore, self._pubsub):
            emulator.signal(signal.SIGTERM)
        for emulator in (self._firestore, self._pubsub):
            emulator.wait_until_gone()


class _Emulator:
    """One `gcloud … start` in a process group of its own: gcloud, perhaps a shell, and Java."""

    def __init__(self, noun: str, arguments: list[str], port: int, log: Path) -> None:
        self._noun = noun
        self._arguments = arguments
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._port = port
        self.address = f"127.0.0.1:{port}"

    def start(self) -> int:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - fixed words, a port and a path
                ["gcloud", *self._arguments, f"--host-port={self.address}"],  # noqa: S607
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
                start_new_session=True,
            )
        return self._process.pid

    def wait_until_ready(self) -> None:
        limit = time.monotonic() + START_LIMIT_S
        while not self.answers():
            raise_if_stopping()
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > limit:
                raise StartupError(f"The {self._noun} emulator does not start: see {self._log}.")
            time.sleep(LOOK_S)

    @property
    def group(self) -> int | None:
        return self._process.pid if self._process else None

    def listens(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=5).close()
        except TimeoutError:
            return True
        except OSError:
            return False
        return True

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(self.address, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def signal(self, number: int) -> bool:
        """Send it to the whole group; whether a process of it was left to receive it."""
        if self._process is None:
            return False
        self._process.poll()
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def wait_until_gone(self) -> None:
        limit = time.monotonic() + STOP_LIMIT_S
        asking = 0
        while self.signal(asking) and time.monotonic() < limit:
            time.sleep(LOOK_S)
        if self.signal(signal.SIGKILL) and self._process:
            self._process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
