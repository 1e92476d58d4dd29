"""The tables of the queue's file, and every statement on a single message."""

import json
import sqlite3
from datetime import datetime, timedelta
from typing import Any

from versequeue.ports.queue import Topic
from versequeue.records import CANNOT_READ, format_time, parse_time

#: Dead letters that are kept to be looked at; the sweep looks after what they spoke of.
MAX_DEAD_LETTERS = 1000
SCHEMA = (
    (
        # AUTOINCREMENT: the number of a message that is gone is never given to another one.
        """CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, body TEXT NOT NULL,
            published_at TEXT NOT NULL, due_at TEXT NOT NULL,
            deliveries INTEGER NOT NULL DEFAULT 0)""",
        "CREATE INDEX messages_due ON messages (topic, due_at, id)",
        """CREATE TABLE dead_letters (
            id INTEGER PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL,
            published_at TEXT NOT NULL, died_at TEXT NOT NULL, deliveries INTEGER NOT NULL)""",
    ),
    ("CREATE INDEX messages_said ON messages (topic, body) WHERE deliveries = 0",),
)

#: Id, body, time of publishing and deliveries, as `next_due` gives them.
IN_HAND = (
    "SELECT id, body, published_at, deliveries FROM messages"
    " WHERE topic = ? AND deliveries > 0 AND id > ? ORDER BY id LIMIT ?"
)


def add(connection: sqlite3.Connection, topic: Topic, body: str, now: datetime) -> None:
    """A new message, due now; none if one that says the same waits for its first delivery."""
    moment = format_time(now)
    connection.execute(
        "INSERT INTO messages (topic, body, published_at, due_at) SELECT ?, ?, ?, ?"
        " WHERE NOT EXISTS"
        " (SELECT 1 FROM messages WHERE topic = ? AND body = ? AND deliveries = 0)",
        (topic.value, body, moment, moment, topic.value, body),
    )


def next_due(
    connection: sqlite3.Connection, topic: Topic, now: datetime, past: int
) -> tuple[int, str, str, int] | None:
    """Id, body, time of publishing and deliveries of the message that is due first.

    `past`: so many that are due before it are left out.
    """
    found: tuple[int, str, str, int] | None = connection.execute(
        "SELECT id, body, published_at, deliveries FROM messages"
        " WHERE topic = ? AND due_at <= ? ORDER BY due_at, id LIMIT 1 OFFSET ?",
        (topic.value, format_time(now), past),
    ).fetchone()
    return found


def read(body: str) -> dict[str, Any] | None:
    """The message, or None if it cannot be read: it must not keep the others back."""
    try:
        message = json.loads(body)
    except CANNOT_READ:
        return None
    return message if isinstance(message, dict) else None


def read_time(text: str) -> datetime | None:
    """The moment, or None if it cannot be read."""
    try:
        return parse_time(text)
    except CANNOT_READ:
        return None


def hold(connection: sqlite3.Connection, message_id: int, number: int, until: datetime) -> None:
    """Note its delivery with this number, which lasts until then."""
    connection.execute(
        "UPDATE messages SET deliveries = ?, due_at = ? WHERE id = ?",
        (number, format_time(until), message_id),
    )


def move(
    connection: sqlite3.Connection,
    message_id: int,
    number: int,
    due_at: datetime,
    *,
    uncounted: bool = False,
) -> bool:
    """Deliver it then; False if a later delivery than this one holds it."""
    sql = "UPDATE messages SET due_at = ?, deliveries = ? WHERE id = ? AND deliveries = ?"
    values = (format_time(due_at), number - uncounted, message_id, number)
    return connection.execute(sql, values).rowcount == 1


def bring_forward(connection: sqlite3.Connection, now: datetime, by: timedelta) -> int:
    """Let all that comes later than now come so much earlier; how many."""
    later = connection.execute(
        "SELECT id, due_at FROM messages WHERE due_at > ?", (format_time(now),)
    ).fetchall()
    # One whose time cannot be read is looked at now.
    moments = [(one, read_time(due_at) or now) for one, due_at in later]
    connection.executemany(
        "UPDATE messages SET due_at = ? WHERE id = ?",
        [(format_time(max(now, due_at - by)), one) for one, due_at in moments],
    )
    return len(later)


def bury(connection: sqlite3.Connection, message_id: int, now: datetime) -> None:
    """Make it a dead letter; of those only the latest are kept."""
    connection.execute(
        "INSERT INTO dead_letters (id, topic, body, published_at, died_at, deliveries)"
        " SELECT id, topic, body, published_at, ?, deliveries FROM messages WHERE id = ?",
        (format_time(now), message_id),
    )
    connection.execute("DELETE FROM messages WHERE id = ?", (message_id,))
    connection.execute(
        "DELETE FROM dead_letters WHERE id IN"
        " (SELECT id FROM dead_letters ORDER BY died_at DESC, id DESC LIMIT -1 OFFSET ?)",
        (MAX_DEAD_LETTERS,),
    )
