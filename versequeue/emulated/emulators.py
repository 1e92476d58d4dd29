"""The Cloud SDK's own Firestore and Pub/Sub emulators as child processes, empty at each start."""

import http.client
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from versequeue.child_process import ChildProcess, KeptProcess, free_port, listens
from versequeue.errors import StartupError

#: A project that exists nowhere: what is meant for an emulator must never reach a real one.
PROJECT = "demo-versequeue"
START_LIMIT_S = 90.0
POLL_S = 0.1


def missing() -> str:
    """What this machine lacks for the emulators, as a sentence; empty if nothing."""
    absent = " and ".join(name for name in ("gcloud", "java") if shutil.which(name) is None)
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
        self._data = folder / "pubsub"
        firestore = ["emulators", "firestore", "start"]
        pubsub = ["beta", "emulators", "pubsub", "start", f"--data-dir={self._data}"]
        pubsub.append(f"--project={PROJECT}")
        firestore_log, pubsub_log = folder / "firestore.log", folder / "pubsub.log"
        self._firestore = _Emulator("Firestore", firestore, firestore_port, firestore_log)
        self._pubsub = _Emulator("Pub/Sub", pubsub, pubsub_port, pubsub_log)
        self._both = (self._firestore, self._pubsub)

    def start(self) -> None:
        """Start both, empty, and wait until they answer. Raises as `wait_until_ready`."""
        if reason := missing():
            raise StartupError(reason)
        self._data.mkdir(parents=True, exist_ok=True)
        try:
            for emulator in self._both:
                emulator.start()
            for emulator in self._both:
                emulator.ensure()
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
        """The process groups of those that run."""
        return [emulator.pid for emulator in self._both if emulator.pid]

    def alive(self) -> bool:
        """Whether both are there, however slowly they answer."""
        return all(emulator.running and listens(emulator.port) for emulator in self._both)

    def stop(self) -> None:
        """End both and every process that they have started; safe to repeat."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(_Emulator.stop, self._both))


class _Emulator(KeptProcess):
    """One `gcloud … start` in a process group of its own: gcloud, perhaps a shell, and Java."""

    def __init__(self, noun: str, arguments: list[str], port: int, log: Path) -> None:
        super().__init__()
        self._noun = noun
        self._log = log
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._command = ["gcloud", *arguments, f"--host-port={self.address}"]

    def begin(self) -> ChildProcess:
        environ = os.environ | {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
        return ChildProcess(self._command, environ=environ, log=self._log)

    def ensure(self) -> None:
        noun = f"The {self._noun} emulator"
        self.start().wait_until_ready(self._answers, START_LIMIT_S, noun, POLL_S)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.address, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
