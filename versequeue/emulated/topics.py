"""Topics and push subscriptions on the Pub/Sub emulator, as `deploy.messaging` makes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from versequeue.config import ACK_DEADLINE_S
from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Topic

DEAD_LETTER = "dead-letter"
RPC_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Policy:
    """When a message is pushed again, and when it is given up."""

    ack_deadline_s: int = ACK_DEADLINE_S
    max_deliveries: int = 100
    backoff_first_s: int = 1
    backoff_longest_s: int = 60


def create_topics(project: str, push_urls: Mapping[Topic, str], policy: Policy = Policy()) -> None:
    """Make every topic, the dead letters' among them, and push each one in `push_urls` there.

    Safe to repeat: what is there is kept, and pushed to the new URL. The topic's name is added to a
    URL, which is how a function knows it. Raises QueueUnavailable.
    """
    try:
        with PublisherClient() as publisher, SubscriberClient() as subscriber:
            for name in (*(topic.value for topic in Topic), DEAD_LETTER):
                _make(publisher.create_topic, {"name": publisher.topic_path(project, name)})
            dead_letter_topic = publisher.topic_path(project, DEAD_LETTER)
            name = subscriber.subscription_path(project, DEAD_LETTER)
            _make(subscriber.create_subscription, {"name": name, "topic": dead_letter_topic})
            for topic, url in push_urls.items():
                _push(subscriber, project, topic, url, policy)
    except exceptions.GoogleAPIError as error:
        raise QueueUnavailable(f"The topics cannot be created: {error}") from error


def _push(subscriber: Any, project: str, topic: Topic, url: str, policy: Policy) -> None:
    name = subscriber.subscription_path(project, f"{topic.value}-push")
    endpoint = f"{url.rstrip('/')}/projects/{project}/topics/{topic.value}"
    made = _make(
        subscriber.create_subscription,
        {
            "name": name,
            "topic": f"projects/{project}/topics/{topic.value}",
            "push_config": {"push_endpoint": endpoint},
            "ack_deadline_seconds": policy.ack_deadline_s,
            "retry_policy": {
                "minimum_backoff": timedelta(seconds=policy.backoff_first_s),
                "maximum_backoff": timedelta(seconds=policy.backoff_longest_s),
            },
            "dead_letter_policy": {
                "dead_letter_topic": f"projects/{project}/topics/{DEAD_LETTER}",
                "max_delivery_attempts": policy.max_deliveries,
            },
        },
    )
    if not made:
        moved = {"subscription": name, "push_config": {"push_endpoint": endpoint}}
        subscriber.modify_push_config(request=moved, retry=None, timeout=RPC_TIMEOUT_S)


def _make(create: Callable[..., Any], request: dict[str, Any]) -> bool:
    try:
        create(request=request, retry=None, timeout=RPC_TIMEOUT_S)
    except exceptions.AlreadyExists:
        return False
    return True
