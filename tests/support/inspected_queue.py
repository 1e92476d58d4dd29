"""The queue on a file, with what only a test wants to know: its dead letters and its depth."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from versequeue.backends.sqlite_queue import SqliteQueue
from versequeue.ports.queue import Topic
from versequeue.records import parse_time


@dataclass(frozen=True)
class DeadLetter:
    """A message that was delivered too often without an ack."""

    id: int
    topic: Topic
    message: dict[str, Any]
    published_at: datetime
    died_at: datetime
    deliveries: int


class InspectedQueue(SqliteQueue):
    """A `SqliteQueue` whose tables can be asked."""

    def dead_letters(self) -> list[DeadLetter]:
        """Messages that were given up on, the latest first."""
        rows = self._file.read(
            "SELECT id, topic, body, published_at, died_at, deliveries FROM dead_letters"
            " ORDER BY died_at DESC, id DESC"
        )
        return [
            DeadLetter(
                number, Topic(topic), json.loads(body), parse_time(sent), parse_time(died), tries
            )
            for number, topic, body, sent, died, tries in rows
        ]

    def depth(self, topic: Topic) -> int:
        """Messages of the topic that are not acked yet, those in delivery among them."""
        sql = "SELECT count(*) FROM messages WHERE topic = ?"
        return int(self._file.read(sql, (topic.value,))[0][0])
