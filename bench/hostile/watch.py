"""What a server takes of its machine while it is attacked: memory, disk, messages; looked at often.

Reads /proc and the queue's file from outside. Knows nothing of attacks.
"""

import os
import sqlite3
import threading
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from stat import S_ISREG

from bench.server import resident_mib

LOOK_S = 0.3
#: A look that fails because a process or file is just going is made again at the next time.
GONE = (OSError, StopIteration, sqlite3.Error)


class Watch(AbstractContextManager["Watch"]):
    """Looks at one server from the start of a block to its end, and keeps the peaks."""

    def __init__(self, pid: int, data_dir: Path, spool: Path) -> None:
        """`spool` is where the server puts its temporary files."""
        self._pid = pid
        self._data_dir = data_dir
        self._spool = spool
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="watch", daemon=True)
        #: peak of the resident memory of all its processes together
        self.memory_mib = 0.0
        #: peak of what it has on the disk: its folder, and files without a name that it holds open
        self.disk_mib = 0.0
        #: peak of the messages that are stored
        self.messages = 0

    def __enter__(self) -> "Watch":
        """Begin to look."""
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """A last look."""
        self._over.set()
        self._thread.join()
        self._look()

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        pids = family(self._pid)
        self.memory_mib = max(self.memory_mib, sum(map(_memory_mib, pids)))
        unnamed = sum(map(_unnamed_mib, pids))
        named = folder_mib(self._data_dir) + folder_mib(self._spool)
        self.disk_mib = max(self.disk_mib, named + unnamed)
        self.messages = max(self.messages, stored_messages(self._data_dir))


def family(pid: int) -> list[int]:
    """A process and everything that it started."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def folder_mib(folder: Path) -> float:
    """What the files of a folder take on the disk."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total / 2**20


def stored_messages(data_dir: Path) -> int:
    """The messages on the embedded queue, of all topics."""
    with suppress(*GONE), closing(sqlite3.connect(data_dir / "queue.sqlite3", timeout=1)) as file:
        return int(file.execute("SELECT count(*) FROM messages").fetchone()[0])
    return 0


def _memory_mib(pid: int) -> float:
    with suppress(*GONE):
        return resident_mib(pid)
    return 0.0


def _unnamed_mib(pid: int) -> float:
    total = 0
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found = os.stat(link)
                if S_ISREG(found.st_mode) and not found.st_nlink:
                    total += found.st_blocks * 512
    return total / 2**20
