"""The queue in one SQLite file, with Pub/Sub's rules: ack deadlines, back-off, dead letters."""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any

from versequeue.backends import queue_rows as rows
from versequeue.backends.sqlite_file import SqliteFile
from versequeue.clock import Clock
from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Message, Topic
from versequeue.records import format_time

log = logging.getLogger(__name__)
#: Deliveries before a message becomes a dead letter.
MAX_DELIVERIES = 20
#: Wait before the redelivery of a nacked message; doubled each time, at most the second one.
BACKOFF_FIRST_S, BACKOFF_LONGEST_S = 1.0, 600.0
#: Differences between two looks at the clock that are no step: one of them may have waited.
CLOCK_SLACK = timedelta(seconds=5)
#: So many messages that wait are looked past for others that join those that are taken.
LOOKED_PAST = 32
#: How often a waiting dispatcher looks whether another process has published.
LOOK_S = 0.25
#: Before every moment.
NEVER = datetime.min.replace(tzinfo=UTC)

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


class Fit(Enum):
    """How a waiting message goes with those that are taken already."""

    JOINS = auto()
    #: it is left where it is, and those behind it are looked at
    WAITS = auto()
    #: nothing more is taken
    ENDS = auto()


#: How a message, as it would be delivered, goes with those that are taken already.
Fits = Callable[[Sequence[LeasedMessage], LeasedMessage], Fit]


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
        self._turning = threading.Lock()
        #: the latest moment that a lease was asked for
        self._latest = NEVER
        # Losing the last moments at a power cut is allowed here: a message is only a hint.
        self._file = SqliteFile(
            path,
            rows.SCHEMA,
            noun="The queue",
            synchronous="NORMAL",
            unavailable=QueueUnavailable,
            way_out=_WAY_OUT,
        )

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        """Return once every message is stored, all of them or none. Raises QueueUnavailable.

        One that says the same as one that has not been delivered yet adds nothing.
        """
        now = self._clock()
        with self._file.transaction() as connection:
            for message in messages:
                rows.add(connection, topic, json.dumps(dict(message)), now)
        self._wake()

    def lease(
        self, topics: Sequence[Topic], now: datetime, ack_deadline_s: float
    ) -> LeasedMessage | None:
        """Take the oldest due message of the first topic that has one; None if none has.

        It comes back after `ack_deadline_s` unless it is acked before.
        """
        taken = self.lease_together(topics, now, ack_deadline_s, lambda _taken, _next: Fit.ENDS)
        return taken[0] if taken else None

    def lease_together(
        self, topics: Sequence[Topic], now: datetime, ack_deadline_s: float, fits: Fits
    ) -> list[LeasedMessage]:
        """As `lease`, with those of the due messages behind it that join it, until one ends that.

        Each has an ack deadline of its own. All of them are leased in one transaction.
        """
        self._follow(now)
        earliest = self._earliest(topics)
        if earliest is None or earliest > format_time(now):
            return []
        until = now + timedelta(seconds=ack_deadline_s)
        with self._file.transaction() as connection:
            for topic in topics:
                taken: list[LeasedMessage] = []
                past = 0
                while past <= LOOKED_PAST:
                    found = self._next_due(connection, topic, now, past)
                    fit = fits(taken, found) if taken and found else Fit.JOINS
                    if found is None or fit is Fit.ENDS:
                        break
                    if fit is Fit.WAITS:
                        past += 1
                        continue
                    rows.hold(connection, found.id, found.number, until)
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
        nacked = 0
        with self._file.transaction() as connection:
            for one in deliveries:
                back_off_s = backoff_s(one.number, self._backoff_first_s)
                wait = timedelta(seconds=back_off_s if delay_s is None else delay_s)
                if rows.move(connection, one.id, one.number, now + wait):
                    nacked += 1
                    if one.number >= self._max_deliveries:
                        rows.bury(connection, one.id, now)
        self._wake()
        return nacked

    def postpone(self, delivery: LeasedMessage, now: datetime, delay_s: float) -> bool:
        """Give it back until later as if it had not been delivered. False as for `ack`."""
        due_at = now + timedelta(seconds=delay_s)
        with self._file.transaction() as connection:
            return rows.move(connection, delivery.id, delivery.number, due_at, uncounted=True)

    def in_hand(self, topic: Topic, after: int, limit: int) -> list[LeasedMessage]:
        """Messages of a topic that were delivered and never acked, by id from behind `after` on."""
        found = self._file.read(rows.IN_HAND, (topic.value, after, limit))
        return [
            LeasedMessage(
                number, topic, rows.read(body) or {}, rows.read_time(published) or NEVER, deliveries
            )
            for number, body, published, deliveries in found
        ]

    def release(self, now: datetime) -> int:
        """Make every message due now; how many were not. For a dispatcher that starts alone."""
        moment = format_time(now)
        with self._file.transaction() as connection:
            sql = "UPDATE messages SET due_at = ? WHERE due_at > ?"
            released = connection.execute(sql, (moment, moment)).rowcount
        self._wake()
        return released

    def next_due_at(self, topics: Sequence[Topic]) -> datetime | None:
        """When the next message of any of these topics can be leased; None if there is none."""
        earliest = self._earliest(topics)
        return rows.read_time(earliest) if earliest else None

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

    def _earliest(self, topics: Sequence[Topic]) -> str | None:
        # As text: one that is no time must not keep the others back.
        sql = "SELECT min(due_at) FROM messages WHERE topic = ?"
        moments = [self._file.read(sql, (topic.value,))[0][0] for topic in topics]
        return min((str(moment) for moment in moments if moment is not None), default=None)

    def _follow(self, now: datetime) -> None:
        """After a step back of the clock: what was to come in a second comes in a second."""
        with self._turning:
            step = self._latest - now
            if step <= CLOCK_SLACK:
                self._latest = max(self._latest, now)
                return
            with self._file.transaction() as connection:
                moved = rows.bring_forward(connection, now, step)
            self._latest = now
        log.warning("the clock was set back by %s; %d messages follow", step, moved)

    def _next_due(
        self, connection: sqlite3.Connection, topic: Topic, now: datetime, past: int
    ) -> LeasedMessage | None:
        while row := rows.next_due(connection, topic, now, past):
            number, body, published_at, deliveries = row
            message, published = rows.read(body), rows.read_time(published_at)
            if message is not None and published and deliveries < self._max_deliveries:
                return LeasedMessage(number, topic, message, published, deliveries + 1)
            rows.bury(connection, number, now)
        return None

    def _wake(self) -> None:
        with self._published:
            self._publishes += 1
            self._published.notify_all()
