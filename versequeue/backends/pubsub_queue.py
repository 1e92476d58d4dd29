"""The queue in Pub/Sub: publishing only, for Pub/Sub itself pushes to the functions."""

import json
from typing import Any

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from versequeue.backends.google_calls import Connection, require_project, retry_for
from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Message, Topic

#: A publish may take so long, retries included, before it is left to the sweep.
PUBLISH_TIMEOUT_S = 5.0
#: The most that Pub/Sub takes at once.
MESSAGES_PER_CALL = 1000


class PubSubQueue:
    """`versequeue.ports.queue.Queue` on Pub/Sub. Raises StartupError without a project."""

    def __init__(self, project: str) -> None:
        self._project = require_project(project)
        self._connection = Connection(_connect, lambda client: client.transport.close())

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        """Return once every message is stored. Raises QueueUnavailable.

        It waits, since a function's processor may be taken away as soon as it has answered.
        """
        from google import pubsub_v1 as api  # here, for the results function publishes nothing

        try:
            with self._connection.client() as client:
                path = client.topic_path(self._project, topic.value)
                for start in range(0, len(messages), MESSAGES_PER_CALL):
                    part = messages[start : start + MESSAGES_PER_CALL]
                    data = [{"data": json.dumps(dict(message)).encode()} for message in part]
                    # The plain call, for PublisherClient's own collects messages in a thread,
                    # where what goes wrong may be raised to nobody.
                    api.PublisherClient.publish(
                        client,
                        request={"topic": path, "messages": data},
                        retry=retry_for(PUBLISH_TIMEOUT_S),
                        timeout=PUBLISH_TIMEOUT_S,
                    )
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            reason = f"The queue fails: {_reason(error)}; the sweep publishes again."
            raise QueueUnavailable(reason) from error

    def close(self) -> None:
        """Let go of the connection; a later use connects again."""
        self._connection.close()


def _connect() -> Any:
    from google.cloud.pubsub_v1 import PublisherClient

    return PublisherClient()


def _reason(error: Exception) -> str:
    if isinstance(error, exceptions.NotFound):
        return "the topic does not exist"
    if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized | GoogleAuthError):
        return "access is denied"
    return "it cannot be reached"
