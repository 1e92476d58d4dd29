"""The store in one SQLite file. An accepted job survives a power cut: commits wait for the disk."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from versequeue.backends.document_store import (
    D,
    DocumentStore,
    Stored,
    T,
    furthest,
    index_fields,
    name_of,
    read_state,
    read_stored,
    read_tally,
    readable,
    readable_jobs,
)
from versequeue.backends.sqlite_file import SqliteFile
from versequeue.backends.sqlite_tables import EXPIRING, INSERT, SCHEMA, SELECT, TABLE, UPDATE
from versequeue.errors import StoreUnavailable
from versequeue.ports import store as port
from versequeue.records import format_time, to_json
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally

_WAY_OUT = (
    "Free or repair it, or start with another data folder (--data-dir); "
    "moving the file away starts an empty store."
)


_STATUSES = frozenset(Status)


class _Row(NamedTuple):
    name: str
    body: str
    order: Any


class SqliteStore(DocumentStore[_Row]):
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
        record: port.IdempotencyRecord | None = None,
        joined: tuple[str, port.BatchChange] | None = None,
        charges: Mapping[str, port.TallyChange] | None = None,
        now: datetime,
    ) -> None:
        with self._file.transaction() as connection:
            if record:
                _claim_key(connection, record, now)
            for key, charge in (charges or {}).items():
                row = connection.execute(SELECT[Tally], (key,)).fetchone()
                tally = charge(read_tally(key, row[0]) if row else None)
                connection.execute(INSERT[Tally], _columns(tally))
            if joined:
                _change_one(connection, Batch, *joined)
            if batch:
                connection.execute(INSERT[Batch], _columns(batch))
            connection.executemany(INSERT[Job], [_columns(job) for job in jobs])

    def update_jobs(self, changes: Mapping[str, port.JobChange]) -> Mapping[str, Job | None]:
        """All of them in one transaction: one wait for the disk."""
        with self._file.transaction() as connection:
            return {
                job_id: readable(job_id, partial(_change_one, connection, Job, job_id, change))
                for job_id, change in changes.items()
            }

    def ended_jobs(self, batch_id: str, since: datetime) -> list[Job]:
        rows = self._file.read(
            "SELECT id, body FROM jobs WHERE batch_id = ? AND finished_at >= ?"
            " ORDER BY finished_at",
            (batch_id, format_time(since)),
        )
        return readable_jobs(rows)

    def batch_counts(self, batch_id: str) -> Mapping[Status, int]:
        rows = self._file.read(
            "SELECT status, count(*) FROM jobs WHERE batch_id = ? GROUP BY status", (batch_id,)
        )
        counts = Counter({status: count for status, count in rows if status in _STATUSES})
        # A newer version may know more of them: what has such a one is not taken for finished.
        counts[Status.QUEUED] += sum(count for status, count in rows if status not in _STATUSES)
        return {Status(status): count for status, count in counts.items() if count}

    def batch_unfinished(self, batch_id: str) -> int:
        counts = self.batch_counts(batch_id)
        return sum(count for status, count in counts.items() if not status.is_terminal)

    def batch_worker_s(self, batch_id: str) -> float:
        sql = "SELECT total(worker_s) FROM jobs WHERE batch_id = ?"
        return float(self._file.read(sql, (batch_id,))[0][0])

    def delete_expired(self, now: datetime, limit: int = 500) -> int:
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
        sql = "SELECT count(*) FROM jobs WHERE status = 'queued'"
        if singles:
            sql += " AND batch_id IS NULL"
        if before is None:
            return self._count(sql)
        return self._count(f"{sql} AND created_at < ?", format_time(before))

    def queued_jobs(self, before: datetime, limit: int) -> list[Job]:
        sql = (
            "SELECT id, body FROM jobs WHERE status = 'queued' AND batch_id IS NULL"
            " AND created_at < ? ORDER BY created_at LIMIT ?"
        )
        rows = self._file.read(sql, (format_time(before), limit))
        return readable_jobs(rows)

    def held_jobs(self, limit: int) -> list[Job]:
        sql = "SELECT id, body FROM jobs WHERE status = 'held' ORDER BY created_at LIMIT ?"
        return readable_jobs(self._file.read(sql, (limit,)))

    def count_running(self) -> int:
        return self._count("SELECT count(*) FROM jobs WHERE status = 'running'")

    def oldest_jobs(self, status: Status, limit: int) -> list[Job]:
        sql = (
            f"SELECT id, body FROM jobs WHERE status = '{status.value}'"  # noqa: S608 - ours
            " ORDER BY created_at LIMIT ?"
        )
        return readable_jobs(self._file.read(sql, (limit,)))

    def count_created(self, since: datetime) -> int:
        return self._count("SELECT count(*) FROM jobs WHERE created_at >= ?", format_time(since))

    def get_state(self, name: str) -> port.State:
        rows = self._file.read("SELECT body FROM states WHERE name = ?", (name,))
        return read_state(name, rows[0][0]) if rows else {}

    def update_state(self, name: str, change: Callable[[port.State], port.State]) -> port.State:
        with self._file.transaction() as connection:
            query = "SELECT body FROM states WHERE name = ?"
            row = connection.execute(query, (name,)).fetchone()
            state = read_state(name, row[0]) if row else {}
            changed = change(state)
            if changed is not state:
                connection.execute(
                    "INSERT OR REPLACE INTO states (name, body) VALUES (?, ?)",
                    (name, json.dumps(changed)),
                )
            return changed

    def close(self) -> None:
        self._file.close()

    def _get(self, kind: type[T], name: str) -> T | None:
        rows = self._file.read(SELECT[kind], (name,))
        return read_stored(kind, name, rows[0][0]) if rows else None

    def _change(self, kind: type[D], name: str, change: Callable[[D], D]) -> D | None:
        with self._file.transaction() as connection:
            return _change_one(connection, kind, name, change)

    def _rows(self, batch_id: str, after: int, limit: int) -> list[_Row]:
        sql = (
            "SELECT id, body, position FROM jobs WHERE batch_id = ? AND position > ?"
            " ORDER BY position LIMIT ?"
        )
        return [_Row(*row) for row in self._file.read(sql, (batch_id, after, limit))]

    def _newest(self, client: str | None, before: port.Place | None, limit: int) -> list[_Row]:
        wanted, values = ["1"], []
        if client is not None:
            wanted.append("client = ?")
            values.append(client)
        if before:
            wanted.append("(created_at, id) < (?, ?)")
            values += [format_time(before.created_at), before.job_id]
        sql = (
            f"SELECT id, body, created_at FROM jobs WHERE {' AND '.join(wanted)}"  # noqa: S608
            " ORDER BY created_at DESC, id DESC LIMIT ?"
        )
        return [_Row(*row) for row in self._file.read(sql, (*values, limit))]

    def _search(self, kind: type[D], field: str, now: datetime, limit: int) -> list[_Row]:
        # Each part is read off the index; an OR would walk over all that is not due.
        parts = [
            f"SELECT * FROM (SELECT id, body, {field} FROM {TABLE[kind]}"  # noqa: S608 - names of ours
            f" WHERE {field} {comparison} ORDER BY {field} LIMIT ?)"
            for comparison in ("<= ?", "> ?")
        ]
        sql = f"{' UNION ALL '.join(parts)} LIMIT ?"
        values = (format_time(now), limit, format_time(furthest(now)), limit, limit)
        return [_Row(*row) for row in self._file.read(sql, values)]

    def _index(self, kind: type[D], found: _Row, fields: Mapping[str, Any]) -> None:
        cells = ", ".join(f"{name} = :{name}" for name in fields)
        sql = f"UPDATE {TABLE[kind]} SET {cells} WHERE id = :id AND body = :was"  # noqa: S608
        with self._file.transaction() as connection:
            connection.execute(sql, {**_cells(fields), "id": found.name, "was": found.body})

    def _count(self, sql: str, *values: str) -> int:
        return int(self._file.read(sql, values)[0][0])


def _read(connection: sqlite3.Connection, kind: type[T], name: str) -> T | None:
    row = connection.execute(SELECT[kind], (name,)).fetchone()
    return read_stored(kind, name, row[0]) if row else None


def _change_one(
    connection: sqlite3.Connection, kind: type[D], name: str, change: Callable[[D], D]
) -> D | None:
    document = _read(connection, kind, name)
    if document is None:
        return None
    changed = change(document)
    if changed is not document:
        connection.execute(UPDATE[kind], _columns(changed))
    return changed


def _claim_key(
    connection: sqlite3.Connection, record: port.IdempotencyRecord, now: datetime
) -> None:
    query = "SELECT body FROM records WHERE key = ? AND expires_at > ?"
    row = connection.execute(query, (record.key, format_time(now))).fetchone()
    if row:
        raise port.KeyTaken(read_stored(port.IdempotencyRecord, record.key, row[0]))
    connection.execute(INSERT[port.IdempotencyRecord], _columns(record))


def _columns(document: Stored) -> dict[str, Any]:
    return {"name": name_of(document), **_cells(index_fields(document)), "body": to_json(document)}


def _cells(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: format_time(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
    }
