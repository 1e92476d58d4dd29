"""The store in one SQLite file, for one machine.

Owns the tables: an index column for every field that is searched, beside the whole document as
JSON. An accepted job survives a power cut: every commit waits for the disk.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from versequeue.backends.sqlite_file import SqliteFile
from versequeue.backends.stored import stored_fields
from versequeue.errors import StoreUnavailable
from versequeue.ports.store import BatchChange, IdempotencyRecord, JobChange, KeyTaken, State
from versequeue.records import format_time, from_json, parse_time
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status

D = TypeVar("D", Job, Batch)

_TABLES = (
    """CREATE TABLE jobs (
        id TEXT PRIMARY KEY, status TEXT NOT NULL, batch_id TEXT, position INTEGER NOT NULL,
        client TEXT NOT NULL, created_at TEXT NOT NULL, due_at TEXT, expires_at TEXT NOT NULL,
        body TEXT NOT NULL)""",
    "CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX jobs_queued ON jobs (created_at) WHERE status = 'queued'",
    # With the status, so that a batch is counted from the index alone.
    "CREATE INDEX jobs_batch ON jobs (batch_id, position, status) WHERE batch_id IS NOT NULL",
    "CREATE INDEX jobs_created ON jobs (created_at)",
    "CREATE INDEX jobs_client ON jobs (client, created_at)",
    "CREATE INDEX jobs_expires ON jobs (expires_at)",
    """CREATE TABLE batches (
        id TEXT PRIMARY KEY, due_at TEXT, expires_at TEXT NOT NULL, body TEXT NOT NULL)""",
    "CREATE INDEX batches_due ON batches (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX batches_expires ON batches (expires_at)",
    "CREATE TABLE records (key TEXT PRIMARY KEY, expires_at TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX records_expires ON records (expires_at)",
    "CREATE TABLE states (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
)
#: What later versions changed in these tables, in order: a file is given those that it lacks.
_CHANGES = (
    # With all that is asked for, so that a place in the queue is counted from the index alone.
    # SQLite looks the status up even where the index is of one status only.
    (
        "DROP INDEX jobs_queued",
        "CREATE INDEX jobs_queued ON jobs (created_at, batch_id, status) WHERE status = 'queued'",
    ),
)
_TABLE: dict[type, str] = {Job: "jobs", Batch: "batches"}
#: The values are named as in `_columns`.
_INSERT: dict[type, str] = {
    Job: "INSERT INTO jobs (id, status, batch_id, position, client, created_at, due_at,"
    " expires_at, body) VALUES (:id, :status, :batch_id, :position, :client, :created_at,"
    " :due_at, :expires_at, :body)",
    Batch: "INSERT INTO batches (id, due_at, expires_at, body)"
    " VALUES (:id, :due_at, :expires_at, :body)",
}
#: Only what a change may touch: SQLite writes the index of every column that is named here.
_UPDATE: dict[type, str] = {
    Job: "UPDATE jobs SET status = :status, due_at = :due_at, expires_at = :expires_at,"
    " body = :body WHERE id = :id",
    Batch: "UPDATE batches SET due_at = :due_at, expires_at = :expires_at, body = :body"
    " WHERE id = :id",
}
_WAY_OUT = (
    "Free or repair it, or start with another data folder (--data-dir); "
    "moving the file away starts an empty store."
)


class SqliteStore:
    """`versequeue.ports.store.Store` on a file. Raises StartupError if the file cannot serve."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(
            path,
            (_TABLES, *_CHANGES),
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
        now: datetime,
    ) -> None:
        """Write all of it or nothing. Raises KeyTaken if a live record has the same key."""
        with self._file.transaction() as connection:
            if record:
                _claim_key(connection, record, now)
            if batch:
                connection.execute(_INSERT[Batch], _columns(batch))
            connection.executemany(_INSERT[Job], map(_columns, jobs))

    def get_job(self, job_id: str) -> Job | None:
        """The job, or None."""
        return self._get(Job, job_id)

    def update_job(self, job_id: str, change: JobChange) -> Job | None:
        """Read, change and write in one transaction."""
        return self.update_jobs({job_id: change})[job_id]

    def update_jobs(self, changes: Mapping[str, JobChange]) -> Mapping[str, Job | None]:
        """Read, change and write all of them in one transaction: one wait for the disk."""
        return self._change(Job, changes)

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
        return [from_json(Job, body) for (body,) in rows]

    def batch_counts(self, batch_id: str) -> Mapping[Status, int]:
        """How many jobs of the batch are in each status, counted now."""
        rows = self._file.read(
            "SELECT status, count(*) FROM jobs WHERE batch_id = ? GROUP BY status", (batch_id,)
        )
        return {Status(status): count for status, count in rows}

    def get_record(self, key: str) -> IdempotencyRecord | None:
        """The idempotency record with this key, expired or not."""
        rows = self._file.read("SELECT body FROM records WHERE key = ?", (key,))
        return from_json(IdempotencyRecord, rows[0][0]) if rows else None

    def due_jobs(self, now: datetime, limit: int = 500) -> list[Job]:
        """Jobs whose `due_at` has come, the most overdue first."""
        return self._due(Job, now, limit)

    def due_batches(self, now: datetime, limit: int = 100) -> list[Batch]:
        """Batches whose `due_at` has come, the most overdue first."""
        return self._due(Batch, now, limit)

    def delete_expired(self, now: datetime, limit: int = 500) -> int:
        """Delete jobs, batches and records past `expires_at`; how many."""
        deleted = 0
        with self._file.transaction() as connection:
            for table in ("jobs", "batches", "records"):
                cursor = connection.execute(
                    f"DELETE FROM {table} WHERE rowid IN"  # noqa: S608 - names from the line above
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

    def count_created(self, since: datetime, client: str | None = None) -> int:
        """Jobs created at or after `since`, by everybody or by one client."""
        sql = "SELECT count(*) FROM jobs WHERE created_at >= ?"
        if client is None:
            return self._count(sql, format_time(since))
        return self._count(f"{sql} AND client = ?", format_time(since), client)

    def oldest_created(self, since: datetime, client: str) -> datetime | None:
        """When the oldest of the jobs that `count_created` counts was created."""
        sql = "SELECT min(created_at) FROM jobs WHERE client = ? AND created_at >= ?"
        [[oldest]] = self._file.read(sql, (client, format_time(since)))
        return parse_time(oldest) if oldest else None

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
        return from_json(kind, rows[0][0]) if rows else None

    def _due(self, kind: type[D], now: datetime, limit: int) -> list[D]:
        table = _TABLE[kind]
        sql = f"SELECT body FROM {table} WHERE due_at <= ? ORDER BY due_at LIMIT ?"  # noqa: S608
        rows = self._file.read(sql, (format_time(now), limit))
        return [from_json(kind, body) for (body,) in rows]

    def _change(
        self, kind: type[D], changes: Mapping[str, Callable[[D], D]]
    ) -> dict[str, D | None]:
        with self._file.transaction() as connection:
            return {
                name: _change_one(connection, kind, name, change)
                for name, change in changes.items()
            }

    def _count(self, sql: str, *values: str) -> int:
        return int(self._file.read(sql, values)[0][0])


def _select(kind: type[Job] | type[Batch]) -> str:
    return f"SELECT body FROM {_TABLE[kind]} WHERE id = ?"  # noqa: S608 - a name of ours


def _change_one(
    connection: sqlite3.Connection, kind: type[D], name: str, change: Callable[[D], D]
) -> D | None:
    row = connection.execute(_select(kind), (name,)).fetchone()
    if row is None:
        return None
    document = from_json(kind, row[0])
    changed = change(document)
    if changed is not document:
        connection.execute(_UPDATE[kind], _columns(changed))
    return changed


def _claim_key(connection: sqlite3.Connection, record: IdempotencyRecord, now: datetime) -> None:
    query = "SELECT body FROM records WHERE key = ? AND expires_at > ?"
    row = connection.execute(query, (record.key, format_time(now))).fetchone()
    if row:
        raise KeyTaken(from_json(IdempotencyRecord, row[0]))
    connection.execute(
        "INSERT OR REPLACE INTO records (key, expires_at, body) VALUES (:key, :expires_at, :body)",
        {"key": record.key, **_cells(stored_fields(record))},
    )


def _columns(document: Job | Batch) -> dict[str, Any]:
    return {"id": document.id, **_cells(stored_fields(document))}


def _cells(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: format_time(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
    }
