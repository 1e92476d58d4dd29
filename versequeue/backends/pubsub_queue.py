"""The queue in Pub/Sub: publishing only, for Pub/Sub itself pushes to the functions.

Returns once Pub/Sub has every message, because a function's processor may be taken away as soon
as it has answered. Pub/Sub's library is imported with the first message: the results function
sends none.
"""

import json
import threading
from typing import Any

from google.api_core import exceptions, retry
from google.auth.exceptions import GoogleAuthError

from versequeue.errors import QueueUnavailable, StartupError
from versequeue.ports.queue import Message, Topic

#: A publish may take so long, retries included, before it is left to the sweep.
PUBLISH_TIMEOUT_S = 5.0
#: The most that Pub/Sub takes at once.
MESSAGES_PER_CALL = 1000


class PubSubQueue:
    """`versequeue.ports.queue.Queue` on Pub/Sub. Connects at the first use, not before.

    Raises StartupError without a project.
    """

    def __init__(self, project: str) -> None:
        if not project:
            raise StartupError("VERSEQUEUE_PROJECT has to name the Google Cloud project.")
        self._project = project
        self._connecting = threading.Lock()
        self._connected: Any = None

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        """Return once every message is stored. Raises QueueUnavailable."""
        from google import pubsub_v1 as api

        try:
            client = self._client()
            path = client.topic_path(self._project, topic.value)
            for start in range(0, len(messages), MESSAGES_PER_CALL):
                part = messages[start : start + MESSAGES_PER_CALL]
                data = [{"data": json.dumps(dict(message)).encode()} for message in part]
                # The plain call, for PublisherClient's own collects messages in a thread, where
                # what goes wrong may be raised to nobody.
                api.PublisherClient.publish(
                    client,
                    request={"topic": path, "messages": data},
                    retry=_retry(),
                    timeout=PUBLISH_TIMEOUT_S,
                )
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise QueueUnavailable(
                f"The queue fails: {_reason(error)}; the sweep publishes again."
            ) from error

    def close(self) -> None:
        """Let go of the connection; a later use connects again."""
        with self._connecting:
            if self._connected:
                self._connected.transport.close()
            self._connected = None

    def _client(self) -> Any:
        with self._connecting:
            if self._connected is None:
                from google.cloud.pubsub_v1 import PublisherClient

                self._connected = PublisherClient()
            return self._connected


def _retry() -> Any:
    return retry.Retry(
        predicate=retry.if_exception_type(
            exceptions.ServiceUnavailable, exceptions.InternalServerError
        ),
        initial=0.1,
        maximum=1.0,
        timeout=PUBLISH_TIMEOUT_S,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, exceptions.NotFound):
        return "the topic does not exist"
    if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized | GoogleAuthError):
        return "access is denied"
    return "it cannot be reached"
