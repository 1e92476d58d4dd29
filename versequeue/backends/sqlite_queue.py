"""The queue in one SQLite file, with Pub/Sub's rules, for one machine.

Owns ack deadlines, redelivery with back-off and dead letters. Knows nothing of what a message
means, and delivers nothing by itself: a dispatcher leases, pushes, and then acks or nacks.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from versequeue.backends.sqlite_file import SqliteFile
from versequeue.clock import Clock
from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Message, Topic
from versequeue.records import format_time, parse_time

#: Deliveries before a message becomes a dead letter.
MAX_DELIVERIES = 20
#: Wait before the redelivery of a nacked message; doubled each time, at most the second one.
BACKOFF_FIRST_S, BACKOFF_LONGEST_S = 1.0, 600.0
#: How often a waiting dispatcher looks whether another process has published.
LOOK_S = 0.25

_TABLES = (
    # AUTOINCREMENT: the number of a message that is gone is never given to another one.
    """CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, body TEXT NOT NULL,
        published_at TEXT NOT NULL, due_at TEXT NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX messages_due ON messages (topic, due_at, id)",
    """CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL,
        published_at TEXT NOT NULL, died_at TEXT NOT NULL, deliveries INTEGER NOT NULL)""",
)
_WAY_OUT = "Move it away: an empty queue is made, and the sweep publishes again what was in it."


@dataclass(frozen=True)
class LeasedMessage:
    """One message in the hands of a dispatcher until its ack deadline."""

    id: int
    topic: Topic
    message: dict[str, Any]
    published_at: datetime
    #: which delivery of this message this is, from 1
    number: int


#: Whether a message, as it would be delivered, goes together with those that are taken already.
Fits = Callable[[Sequence[LeasedMessage], LeasedMessage], bool]


def backoff_s(number: int, first_s: float = BACKOFF_FIRST_S) -> float:
    """Seconds from the nack of the delivery with this number to the next delivery."""
    return min(first_s * 2.0 ** min(number - 1, 30), BACKOFF_LONGEST_S)


class SqliteQueue:
    """`versequeue.ports.queue.Queue` on a file, and the side that delivers.

    Raises StartupError if the file cannot serve, later QueueUnavailable. `clock` gives the moment
    of a publish.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        max_deliveries: int = MAX_DELIVERIES,
        backoff_first_s: float = BACKOFF_FIRST_S,
    ) -> None:
        self._clock = clock
        self._max_deliveries = max_deliveries
        self._backoff_first_s = backoff_first_s
        self._published = threading.Condition()
        self._publishes = 0
        # Losing the last moments at a power cut is allowed here: a message is only a hint.
        self._file = SqliteFile(
            path,
            (_TABLES,),
            noun="The queue",
            synchronous="NORMAL",
            unavailable=QueueUnavailable,
            way_out=_WAY_OUT,
        )

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        """Return once every message is stored, all of them or none. Raises QueueUnavailable."""
        now = format_time(self._clock())
        with self._file.transaction() as connection:
            connection.executemany(
                "INSERT INTO messages (topic, body, published_at, due_at) VALUES (?, ?, ?, ?)",
                [(topic.value, json.dumps(dict(message)), now, now) for message in messages],
            )
        self._wake()

    def lease(
        self, topics: Sequence[Topic], now: datetime, ack_deadline_s: float
    ) -> LeasedMessage | None:
        """Take the oldest due message of the first topic that has one; None if none has.

        It comes back after `ack_deadline_s` unless it is acked before.
        """
        taken = self.lease_together(topics, now, ack_deadline_s, lambda _taken, _next: False)
        return taken[0] if taken else None

    def lease_together(
        self, topics: Sequence[Topic], now: datetime, ack_deadline_s: float, fits: Fits
    ) -> list[LeasedMessage]:
        """As `lease`, and the due messages behind it up to the first that does not fit.

        Each has an ack deadline of its own. All of them are leased in one transaction.
        """
        due_at = self.next_due_at(topics)
        if due_at is None or due_at > now:
            return []
        until = now + timedelta(seconds=ack_deadline_s)
        with self._file.transaction() as connection:
            for topic in topics:
                taken: list[LeasedMessage] = []
                while found := self._next_due(connection, topic, now):
                    if taken and not fits(taken, found):
                        break
                    _hold(connection, found, until)
                    taken.append(found)
                if taken:
                    return taken
        return []

    def ack(self, delivery: LeasedMessage) -> bool:
        """The message is dealt with. False, and nothing done, if a later delivery holds it."""
        return self.ack_all([delivery]) == 1

    def ack_all(self, deliveries: Sequence[LeasedMessage]) -> int:
        """`ack` each in one transaction; how many of them were still held."""
        sql = "DELETE FROM messages WHERE id = ? AND deliveries = ?"
        held = [(delivery.id, delivery.number) for delivery in deliveries]
        with self._file.transaction() as connection:
            return connection.executemany(sql, held).rowcount

    def nack(self, delivery: LeasedMessage, now: datetime, *, delay_s: float | None = None) -> bool:
        """Deliver again after a back-off, or after `delay_s`. False as for `ack`."""
        return self.nack_all([delivery], now, delay_s=delay_s) == 1

    def nack_all(
        self, deliveries: Sequence[LeasedMessage], now: datetime, *, delay_s: float | None = None
    ) -> int:
        """`nack` each in one transaction; how many of them were still held."""
        with self._file.transaction() as connection:
            nacked = sum(self._give_back(connection, one, now, delay_s) for one in deliveries)
        self._wake()
        return nacked

    def release(self, now: datetime) -> int:
        """Make every message in delivery due now; how many. For a dispatcher that starts alone."""
        moment = format_time(now)
        with self._file.transaction() as connection:
            sql = "UPDATE messages SET due_at = ? WHERE deliveries > 0 AND due_at > ?"
            released = connection.execute(sql, (moment, moment)).rowcount
        self._wake()
        return released

    def next_due_at(self, topics: Sequence[Topic]) -> datetime | None:
        """When the next message of any of these topics can be leased; None if there is none."""
        sql = "SELECT min(due_at) FROM messages WHERE topic = ?"
        moments = [self._file.read(sql, (topic.value,))[0][0] for topic in topics]
        return min((parse_time(moment) for moment in moments if moment), default=None)

    @property
    def publishes(self) -> int:
        """A number that changes whenever something new may be there to lease."""
        return self._publishes

    def wait(self, seen: int, limit_s: float) -> int:
        """Wait until `publishes` is no longer `seen`, at most `limit_s`; what it is then.

        Read `publishes` before the lease that found nothing, so that no publish falls between.
        """
        left_s = limit_s
        with self._published:
            while self._publishes == seen and left_s > 0:
                self._published.wait(min(left_s, LOOK_S))
                left_s -= LOOK_S
                if self._publishes == seen and self._file.changed_by_others():
                    self._publishes += 1
            return self._publishes

    def close(self) -> None:
        """Let go of the file, and wake whoever waits."""
        self._wake()
        self._file.close()

    def _next_due(
        self, connection: sqlite3.Connection, topic: Topic, now: datetime
    ) -> LeasedMessage | None:
        query = (
            "SELECT id, body, published_at, deliveries FROM messages"
            " WHERE topic = ? AND due_at <= ? ORDER BY due_at, id LIMIT 1"
        )
        while row := connection.execute(query, (topic.value, format_time(now))).fetchone():
            number, body, published_at, deliveries = row
            if deliveries < self._max_deliveries:
                message = json.loads(body)
                return LeasedMessage(
                    number, topic, message, parse_time(published_at), deliveries + 1
                )
            _bury(connection, number, now)
        return None

    def _give_back(
        self,
        connection: sqlite3.Connection,
        delivery: LeasedMessage,
        now: datetime,
        delay_s: float | None,
    ) -> bool:
        if delay_s is None:
            delay_s = backoff_s(delivery.number, self._backoff_first_s)
        cursor = connection.execute(
            "UPDATE messages SET due_at = ? WHERE id = ? AND deliveries = ?",
            (format_time(now + timedelta(seconds=delay_s)), delivery.id, delivery.number),
        )
        held = cursor.rowcount == 1
        if held and delivery.number >= self._max_deliveries:
            _bury(connection, delivery.id, now)
        return held

    def _wake(self) -> None:
        with self._published:
            self._publishes += 1
            self._published.notify_all()


def _hold(connection: sqlite3.Connection, delivery: LeasedMessage, until: datetime) -> None:
    connection.execute(
        "UPDATE messages SET deliveries = ?, due_at = ? WHERE id = ?",
        (delivery.number, format_time(until), delivery.id),
    )


def _bury(connection: sqlite3.Connection, message_id: int, now: datetime) -> None:
    connection.execute(
        "INSERT INTO dead_letters (id, topic, body, published_at, died_at, deliveries)"
        " SELECT id, topic, body, published_at, ?, deliveries FROM messages WHERE id = ?",
        (format_time(now), message_id),
    )
    connection.execute("DELETE FROM messages WHERE id = ?", (message_id,))
