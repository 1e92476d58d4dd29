"""The store in one SQLite file, for one machine.

An accepted job survives a power cut: every commit waits for the disk.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from versequeue.backends.sqlite_file import SqliteFile
from versequeue.backends.sqlite_tables import EXPIRING, INSERT, SCHEMA, TABLE, UPDATE
from versequeue.backends.stored import put_off, read_stored, stored_fields
from versequeue.errors import StoreUnavailable, Unreadable
from versequeue.ports.store import (
    BatchChange,
    IdempotencyRecord,
    JobChange,
    KeyTaken,
    State,
    TallyChange,
)
from versequeue.records import format_time
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally

log = logging.getLogger(__name__)
D = TypeVar("D", Job, Batch)

_WAY_OUT = (
    "Free or repair it, or start with another data folder (--data-dir); "
    "moving the file away starts an empty store."
)


class SqliteStore:
    """`versequeue.ports.store.Store` on a file. Raises StartupError if the file cannot serve."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(
            path,
            SCHEMA,
            noun="The job store",
            synchronous="FULL",
            unavailable=StoreUnavailable,
            way_out=_WAY_OUT,
        )

    def create(
        self,
        jobs: Sequence[Job],
        *,
        batch: Batch | None = None,
        record: IdempotencyRecord | None = None,
        joined: tuple[str, BatchChange] | None = None,
        charges: Mapping[str, TallyChange] | None = None,
        now: datetime,
    ) -> None:
        """Write all of it or nothing. Raises KeyTaken if a live record has the same key."""
        with self._file.transaction() as connection:
            if record:
                _claim_key(connection, record, now)
            for key, charge in (charges or {}).items():
                _change_tally(connection, key, charge)
            if joined:
                _change_one(connection, Batch, *joined)
            if batch:
                connection.execute(INSERT[Batch], _columns(batch))
            connection.executemany(INSERT[Job], map(_columns, jobs))

    def get_job(self, job_id: str) -> Job | None:
        """The job, or None."""
        return self._get(Job, job_id)

    def update_job(self, job_id: str, change: JobChange) -> Job | None:
        """Read, change and write in one transaction."""
        return self._change(Job, {job_id: change})[job_id]

    def update_jobs(self, changes: Mapping[str, JobChange]) -> Mapping[str, Job | None]:
        """Read, change and write all of them in one transaction: one wait for the disk."""
        return self._change(Job, changes, leave_unreadable=True)

    def get_batch(self, batch_id: str) -> Batch | None:
        """The batch, or None."""
        return self._get(Batch, batch_id)

    def update_batch(self, batch_id: str, change: BatchChange) -> Batch | None:
        """Read, change and write in one transaction."""
        return self._change(Batch, {batch_id: change})[batch_id]

    def batch_jobs(self, batch_id: str, *, after: int = -1, limit: int = 100) -> list[Job]:
        """Jobs of a batch by position, those behind position `after`."""
        rows = self._file.read(
            "SELECT body FROM jobs WHERE batch_id = ? AND position > ? ORDER BY position LIMIT ?",
            (batch_id, after, limit),
        )
        return [read_stored(Job, body) for (body,) in rows]

    def batch_counts(self, batch_id: str) -> Mapping[Status, int]:
        """How many jobs of the batch are in each status, counted now."""
        rows = self._file.read(
            "SELECT status, count(*) FROM jobs WHERE batch_id = ? GROUP BY status", (batch_id,)
        )
        return {Status(status): count for status, count in rows}

    def get_record(self, key: str) -> IdempotencyRecord | None:
        """The idempotency record with this key, expired or not."""
        rows = self._file.read("SELECT body FROM records WHERE key = ?", (key,))
        return read_stored(IdempotencyRecord, rows[0][0]) if rows else None

    def due_jobs(self, now: datetime, limit: int = 500) -> list[Job]:
        """Unfinished jobs whose `due_at` has come, the most overdue first."""
        return self._due(Job, "due_at", now, limit)

    def due_batches(self, now: datetime, limit: int = 100) -> list[Batch]:
        """Unfinished batches whose `due_at` has come, the most overdue first."""
        return self._due(Batch, "due_at", now, limit)

    def jobs_to_notify(self, now: datetime, limit: int = 500) -> list[Job]:
        """Jobs that have ended and whose `notify_at` has come, the most overdue first."""
        return self._due(Job, "notify_at", now, limit)

    def batches_to_notify(self, now: datetime, limit: int = 100) -> list[Batch]:
        """Batches that have ended and whose `notify_at` has come, the most overdue first."""
        return self._due(Batch, "notify_at", now, limit)

    def delete_expired(self, now: datetime, limit: int = 500) -> int:
        """Delete jobs, batches, records and tallies past `expires_at`; how many."""
        deleted = 0
        with self._file.transaction() as connection:
            for table in EXPIRING:
                cursor = connection.execute(
                    f"DELETE FROM {table} WHERE rowid IN"  # noqa: S608 - names of ours
                    f" (SELECT rowid FROM {table} WHERE expires_at <= ? LIMIT ?)",
                    (format_time(now), limit - deleted),
                )
                deleted += cursor.rowcount
        return deleted

    def count_queued(self, before: datetime | None = None, *, singles: bool = False) -> int:
        """Queued jobs, or those of them created before a moment; `singles`: those of no batch."""
        sql = "SELECT count(*) FROM jobs WHERE status = 'queued'"
        if singles:
            sql += " AND batch_id IS NULL"
        if before is None:
            return self._count(sql)
        return self._count(f"{sql} AND created_at < ?", format_time(before))

    def count_created(self, since: datetime) -> int:
        """Jobs created at or after `since`."""
        return self._count("SELECT count(*) FROM jobs WHERE created_at >= ?", format_time(since))

    def get_state(self, name: str) -> State:
        """A small named document, `{}` if there is none."""
        rows = self._file.read("SELECT body FROM states WHERE name = ?", (name,))
        state: State = json.loads(rows[0][0]) if rows else {}
        return state

    def update_state(self, name: str, change: Callable[[State], State]) -> State:
        """Change a named document in one transaction."""
        with self._file.transaction() as connection:
            query = "SELECT body FROM states WHERE name = ?"
            row = connection.execute(query, (name,)).fetchone()
            state: State = json.loads(row[0]) if row else {}
            changed = change(state)
            if changed is not state:
                connection.execute(
                    "INSERT OR REPLACE INTO states (name, body) VALUES (?, ?)",
                    (name, json.dumps(changed)),
                )
            return changed

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _get(self, kind: type[D], name: str) -> D | None:
        rows = self._file.read(_select(kind), (name,))
        return read_stored(kind, rows[0][0]) if rows else None

    def _due(self, kind: type[D], field: str, now: datetime, limit: int) -> list[D]:
        sql = (
            f"SELECT id, body FROM {TABLE[kind]}"  # noqa: S608 - names of ours
            f" WHERE {field} <= ? ORDER BY {field} LIMIT ?"
        )
        found: list[D] = []
        odd: set[str] = set()
        while not found:
            rows = self._file.read(sql, (format_time(now), limit + len(odd)))
            rows = [row for row in rows if row[0] not in odd]
            for name, body in rows:
                try:
                    found.append(read_stored(kind, body))
                except Unreadable as error:
                    log.warning("%s is left as it is: %s", name, error)
                    self._put_off(kind, field, (name, body), now)
                    odd.add(name)
            if not rows:
                break
        return found

    def _put_off(self, kind: type[D], field: str, found: tuple[str, str], now: datetime) -> None:
        # Unless somebody who can read it has changed it meanwhile.
        sql = (
            f"UPDATE {TABLE[kind]} SET {field} = ?"  # noqa: S608 - names of ours
            " WHERE id = ? AND body = ?"
        )
        with self._file.transaction() as connection:
            connection.execute(sql, (format_time(put_off(now)), *found))

    def _change(
        self,
        kind: type[D],
        changes: Mapping[str, Callable[[D], D]],
        *,
        leave_unreadable: bool = False,
    ) -> dict[str, D | None]:
        changed: dict[str, D | None] = {}
        with self._file.transaction() as connection:
            for name, change in changes.items():
                try:
                    changed[name] = _change_one(connection, kind, name, change)
                except Unreadable as error:
                    if not leave_unreadable:
                        raise
                    log.warning("%s is left as it is: %s", name, error)
                    changed[name] = None
        return changed

    def _count(self, sql: str, *values: str) -> int:
        return int(self._file.read(sql, values)[0][0])


def _select(kind: type[Job] | type[Batch]) -> str:
    return f"SELECT body FROM {TABLE[kind]} WHERE id = ?"  # noqa: S608 - a name of ours


def _change_one(
    connection: sqlite3.Connection, kind: type[D], name: str, change: Callable[[D], D]
) -> D | None:
    row = connection.execute(_select(kind), (name,)).fetchone()
    if row is None:
        return None
    document = read_stored(kind, row[0])
    changed = change(document)
    if changed is not document:
        connection.execute(UPDATE[kind], _columns(changed))
    return changed


def _claim_key(connection: sqlite3.Connection, record: IdempotencyRecord, now: datetime) -> None:
    query = "SELECT body FROM records WHERE key = ? AND expires_at > ?"
    row = connection.execute(query, (record.key, format_time(now))).fetchone()
    if row:
        raise KeyTaken(read_stored(IdempotencyRecord, row[0]))
    connection.execute(
        "INSERT OR REPLACE INTO records (key, expires_at, body) VALUES (:key, :expires_at, :body)",
        {"key": record.key, **_cells(stored_fields(record))},
    )


def _change_tally(connection: sqlite3.Connection, key: str, charge: TallyChange) -> None:
    row = connection.execute("SELECT body FROM tallies WHERE key = ?", (key,)).fetchone()
    tally = charge(read_stored(Tally, row[0]) if row else None)
    connection.execute(
        "INSERT OR REPLACE INTO tallies (key, expires_at, body) VALUES (:key, :expires_at, :body)",
        {"key": key, **_cells(stored_fields(tally))},
    )


def _columns(document: Job | Batch) -> dict[str, Any]:
    return {"id": document.id, **_cells(stored_fields(document))}


def _cells(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: format_time(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
    }
