"""huey on SQLite, doing what the queue benchmark asks of everyone: note when a job was taken.

Run as a module it is the consumer: one worker thread, no scheduler.
"""

import logging
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: huey looks for work after this many seconds, each look 1.15 times later, up to 10 s.
SHIPPED_DELAY_S = 0.1
TUNED_DELAY_S = 0.01


def make(path: str) -> tuple[Any, Any]:
    """(the queue on the file, the task)."""
    from huey import SqliteHuey

    # The prompt as the argument, the result kept, and a sync at every commit, as VerseQueue does.
    queue = SqliteHuey(filename=path, fsync=True, utc=True)

    @queue.task()  # type: ignore[untyped-decorator, unused-ignore]
    def note(prompt: str, job_id: str = "") -> dict[str, Any]:
        if job_id:
            mark(path, job_id, "running")
        claimed_at = time.time()
        if job_id:
            mark(path, job_id, "succeeded")
        return {"prompt": prompt, "claimed_at": claimed_at}

    return queue, note


def sender(path: str, note: Any, *, with_table: bool) -> Callable[[str], Any]:
    """Enqueues a prompt; with a table, after storing a job whose status anybody can ask for."""
    if not with_table:
        return lambda prompt: note(prompt)
    _table(path).execute(
        "CREATE TABLE jobs (id TEXT PRIMARY KEY, prompt TEXT, status TEXT, changed_at REAL)"
    )

    def send(prompt: str) -> Any:
        job_id = uuid.uuid4().hex
        _table(path).execute(
            "INSERT INTO jobs VALUES (?, ?, 'queued', ?)", (job_id, prompt, time.time())
        )
        return note(prompt, job_id)

    return send


def mark(path: str, job_id: str, status: str) -> None:
    """Store a job's status, as an application on top of huey must to be able to tell it."""
    sql = "UPDATE jobs SET status = ?, changed_at = ? WHERE id = ?"
    _table(path).execute(sql, (status, time.time(), job_id))


_tables: dict[str, sqlite3.Connection] = {}


def _table(path: str) -> sqlite3.Connection:
    if path not in _tables:
        place = Path(path).with_name("jobs.db")
        connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _tables[path] = connection
    return _tables[path]


def consume(path: str, delay_s: float) -> None:
    """Work until terminated."""
    logging.disable(logging.CRITICAL)
    queue, _ = make(path)
    longest_s = 10.0 if delay_s == SHIPPED_DELAY_S else delay_s
    consumer = queue.create_consumer(
        workers=1,
        periodic=False,
        initial_delay=delay_s,
        max_delay=longest_s,
        check_worker_health=False,
    )
    consumer.run()


if __name__ == "__main__":
    # By its import name, so that the task has the same name on both sides.
    from bench import peer_huey

    peer_huey.consume(sys.argv[1], float(sys.argv[2]))
