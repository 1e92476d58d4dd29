"""Pub/Sub with a subscriber that pulls, so that the queue's contract can be asked of it."""

import json
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.cloud.pubsub_v1 import SubscriberClient

from tests.support.waiting import wait_until
from versequeue.backends.pubsub_queue import PubSubQueue
from versequeue.backends.sqlite_queue import LeasedMessage
from versequeue.emulated.topics import create_topics
from versequeue.ports.queue import Message, Topic

LIMIT_S = 20


class PulledPubSub:
    """Publishes as the product does; leases, acks and nacks by pull subscriptions of its own."""

    def __init__(self, project: str) -> None:
        create_topics(project, {})
        self._queue = PubSubQueue(project)
        self._subscriber: Any = SubscriberClient()
        self._tokens: dict[int, tuple[str, str]] = {}
        self._subscriptions = {
            topic: self._subscriber.subscription_path(project, f"{topic.value}-pull")
            for topic in Topic
        }
        for topic, name in self._subscriptions.items():
            path = f"projects/{project}/topics/{topic.value}"
            self._subscriber.create_subscription(request={"name": name, "topic": path})

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        self._queue.publish(topic, messages)

    def lease(
        self, topics: Sequence[Topic], now: datetime, ack_deadline_s: float
    ) -> LeasedMessage | None:
        """One message of any of these topics, waited for; `now` is what Pub/Sub takes it to be."""
        return wait_until(lambda: next(filter(None, map(self._pull, topics)), None), LIMIT_S)

    def ack(self, delivery: LeasedMessage) -> bool:
        name, token = self._tokens.pop(delivery.id)
        self._subscriber.acknowledge(request={"subscription": name, "ack_ids": [token]})
        return True

    def nack(self, delivery: LeasedMessage, now: datetime, *, delay_s: float | None = None) -> bool:
        name, token = self._tokens.pop(delivery.id)
        deadline = {"subscription": name, "ack_ids": [token], "ack_deadline_seconds": 0}
        self._subscriber.modify_ack_deadline(request=deadline)
        return True

    def close(self) -> None:
        self._queue.close()
        self._subscriber.close()

    def _pull(self, topic: Topic) -> LeasedMessage | None:
        name = self._subscriptions[topic]
        asked = {"subscription": name, "max_messages": 1, "return_immediately": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fit for a test, not for a service
            pulled = self._subscriber.pull(request=asked)
        for received in pulled.received_messages:
            number = int(received.message.message_id)
            self._tokens[number] = (name, received.ack_id)
            published_at = datetime.fromtimestamp(received.message.publish_time.timestamp(), UTC)
            return LeasedMessage(number, topic, json.loads(received.message.data), published_at, 1)
        return None
