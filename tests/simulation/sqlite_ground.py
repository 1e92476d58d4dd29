"""The real SQLite store and queue in memory: every call is a boundary, every commit is witnessed.

SQLite's own promises (a transaction is whole or nothing, a killed process leaves nothing half
done) are taken for granted here; tests/versequeue/local kills real processes.
"""

from pathlib import Path
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.ports import Port, QueuePort
from tests.simulation.promises import Promises
from tests.simulation.stand_ins import put
from versequeue.backends import sqlite_file
from versequeue.backends.sqlite_queue import SqliteQueue
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.errors import StoreUnavailable
from versequeue.ports.queue import Topic

MEMORY = Path(":memory:")


class SqliteGround:
    """One store and one queue, for all processes of a world on one machine."""

    def __init__(self, faults: Faults, promises: Promises, max_deliveries: int) -> None:
        # There is no file by this name that could be made the owner's alone, or be replaced; nor
        # may there be one, which another world in the same folder would delete.
        with put([(sqlite_file, "keep_private", lambda _path: None)]):
            self._real = SqliteStore(MEMORY)
            self._queue = SqliteQueue(MEMORY, faults.world.clock, max_deliveries=max_deliveries)
        self._connection = self._real._file._connection()
        self._promises = promises
        self._changes: list[tuple[str, str | None, str | None]] = []
        self._watch()
        self.store: Any = Port(faults, self._real, "store", StoreUnavailable, self._flush)
        self.queue: Any = QueuePort(faults, self._queue, promises.published)
        self.broker: Any = self._queue

    def put_body(self, table: str, name: str, body: str) -> None:
        """Write a row's document as another version of the program would."""
        self._connection.execute(f"UPDATE {table} SET body = ? WHERE id = ?", (body, name))
        self._changes.clear()

    def body(self, table: str, name: str) -> str | None:
        """A row's document as it is stored."""
        found = self._connection.execute(f"SELECT body FROM {table} WHERE id = ?", (name,))
        row = found.fetchone()
        return row[0] if row else None

    def depth(self, topic: Topic) -> int:
        """Messages of a topic that are not acknowledged."""
        sql = "SELECT count(*) FROM messages WHERE topic = ?"
        return int(self._queue._file.read(sql, (topic.value,))[0][0])

    def close(self) -> None:
        """Let go of the two files."""
        self._real.close()
        self._queue.close()

    def _watch(self) -> None:
        # A temporary trigger sees whatever statement the store may come to use.
        self._connection.create_function(
            "witness", 3, lambda *seen: self._changes.append(seen), deterministic=False
        )
        for table in ("jobs", "batches"):
            for event, old, new in (
                ("INSERT", "NULL", "new.body"),
                ("UPDATE", "old.body", "new.body"),
                ("DELETE", "old.body", "NULL"),
            ):
                self._connection.execute(
                    f"CREATE TEMP TRIGGER watch_{table}_{event} AFTER {event} ON {table} "
                    f"BEGIN SELECT witness('{table}', {old}, {new}); END"
                )

    def _flush(self, committed: bool) -> None:
        changes, self._changes = self._changes, []
        if committed:
            for table, before, after in changes:
                self._promises.written(table, before, after)
