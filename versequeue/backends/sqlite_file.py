"""One SQLite file in WAL mode: its connections, its transactions and its faults in plain words.

A connection belongs to one thread of one process. A change is one `BEGIN IMMEDIATE`, so that
whoever reads in order to write is alone.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from versequeue.errors import StartupError, VerseQueueError

#: How long a statement waits for another process that is writing.
BUSY_TIMEOUT_S = 5.0
#: Pauses between two tries to get the write lock. SQLite's own busy handler waits up to a tenth of
#: a second between two, in which a process that writes without a break has always taken it again.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.0002, 0.005
#: Between two tries of the switch to WAL while another process opens the same new file.
WAL_PAUSE_S = 0.25

_FAULTS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it cannot be written to",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "it cannot be opened",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is damaged or no SQLite file",
    sqlite3.SQLITE_BUSY: "another process has held its lock for too long",
    sqlite3.SQLITE_LOCKED: "another process has held its lock for too long",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
}
#: Mistakes of the program, which must not look like a fault of the disk.
_MISTAKES = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)

Schema = Sequence[Sequence[str]]


class SqliteFile:
    """Opens `path`, brings its tables up to date, and hands out reads and transactions.

    `schema[n]` holds the statements that lead from version n to n + 1. Raises StartupError when
    the file cannot serve; later faults are raised as what `unavailable` makes of a sentence.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema,
        *,
        noun: str,
        synchronous: str,
        unavailable: Callable[[str], VerseQueueError],
        way_out: str,
    ) -> None:
        self._path = path
        self._noun = noun
        self._synchronous = synchronous
        self._unavailable = unavailable
        self._process = os.getpid()
        self._local = threading.local()
        self._opened: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._opening = threading.Lock()
        self._closed = False
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            keep_private(path)
            self._identity = _identity(path)
            self._migrate(schema)
        except StartupError:
            self.close()
            raise
        except (sqlite3.DatabaseError, OSError) as error:
            self.close()
            reason = fault(error) if isinstance(error, sqlite3.Error) else error.strerror
            raise StartupError(f"{noun} {path} cannot be used: {reason}. {way_out}") from error

    def read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query, from one moment."""
        with self._faults():
            return self._connection().execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write; committed at the end, undone by any exception."""
        with self._faults(), self._writing(self._connection()) as connection:
            yield connection
            # Once more, since it has waited for the lock.
            self._check_place()

    def changed_by_others(self) -> bool:
        """Whether another thread or process wrote since this thread last asked."""
        with self._faults():
            version = self._data_version()
            before: int = self._local.data_version
            self._local.data_version = version
            return version != before

    def close(self) -> None:
        """Close the connections of all threads; every later use raises the `unavailable` error."""
        with self._opening:
            self._closed = True
            for connection in list(self._opened):
                connection.close()

    def _connection(self) -> sqlite3.Connection:
        # SQLite's own record of its locks is wrong after a fork, even for a new connection.
        if self._process != os.getpid():
            raise RuntimeError(f"{self._noun} was opened before a fork: open it after the fork.")
        self._check_place()
        if not hasattr(self._local, "connection"):
            self._local.connection = self._open()
            self._local.data_version = self._data_version()
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _check_place(self) -> None:
        # A connection goes on in a file that was deleted or replaced: what is accepted there is
        # lost, and threads whose connections are younger see another file.
        if not self._closed and _identity(self._path) != self._identity:
            raise self._unavailable(
                f"{self._noun} fails: its file was deleted or replaced while it was in use. "
                "Start the server again."
            )

    def _data_version(self) -> int:
        return int(self._connection().execute("PRAGMA data_version").fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        with self._opening:
            if self._closed:
                raise self._unavailable(f"{self._noun} has been closed.")
            connection = sqlite3.connect(
                self._path,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
            self._opened.add(connection)
        end = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
                break
            except sqlite3.OperationalError as error:
                # This statement often does not wait for the busy timeout.
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > end:
                    raise
                time.sleep(WAL_PAUSE_S)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        # Half a MiB for each thread: the default of two grows the server with the store.
        connection.execute("PRAGMA cache_size = -512")
        return connection

    def _migrate(self, schema: Schema) -> None:
        # Asking for the write lock even if there is nothing to do finds a read-only file out.
        with self._writing(self._connection()) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > len(schema):
                raise StartupError(
                    f"{self._noun} {self._path} was written by a newer version of VerseQueue. "
                    "Use that version, or another data folder."
                )
            for statements in schema[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(schema)}")

    @staticmethod
    @contextmanager
    def _writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        _begin(connection)
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except _MISTAKES as error:
            if self._closed:
                raise self._unavailable(f"{self._noun} has been closed.") from error
            raise
        except sqlite3.DatabaseError as error:
            raise self._unavailable(f"{self._noun} fails: {fault(error)}.") from error


def keep_private(path: Path) -> None:
    """Make the file, and let only its owner read it and SQLite's journals, which take its mode."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        # Somebody else's file is theirs to open or to close.
        with suppress(FileNotFoundError, PermissionError):
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None if there is none, or none that can be seen."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


class _Connection(sqlite3.Connection):
    """A connection that can be remembered weakly: it goes with its thread."""

    def __del__(self) -> None:
        # Refused where opening the file has failed.
        with suppress(sqlite3.ProgrammingError):
            self.close()


def _begin(connection: sqlite3.Connection) -> None:
    waited_s, pause_s = 0.0, FIRST_PAUSE_S
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _begun(connection, last_try=waited_s >= BUSY_TIMEOUT_S):
            time.sleep(pause_s)
            waited_s += pause_s
            pause_s = min(pause_s * 1.25, LONGEST_PAUSE_S)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")


def _begun(connection: sqlite3.Connection, *, last_try: bool) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if last_try or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def fault(error: sqlite3.Error) -> str:
    """What has happened, as the end of a sentence."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _FAULTS.get(code) or str(error)
