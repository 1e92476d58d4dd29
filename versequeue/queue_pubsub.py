"""The queue in Pub/Sub: publishing only, for Pub/Sub itself pushes to the functions.

Returns once Pub/Sub has every message, because a function's processor may be taken away as soon
as it has answered.
"""

import json
import threading
from concurrent import futures
from typing import Any

from google.api_core import exceptions, retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import PublisherOptions

from versequeue.errors import QueueUnavailable, StartupError
from versequeue.queue import Message, Topic

#: A publish may take so long, retries included, before it is left to the sweep.
PUBLISH_TIMEOUT_S = 5.0


class PubSubQueue:
    """`versequeue.queue.Queue` on Pub/Sub. Connects at the first use, not before.

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
        try:
            client = self._client()
            path = client.topic_path(self._project, topic.value)
            sent = [
                client.publish(path, json.dumps(dict(message)).encode(), timeout=PUBLISH_TIMEOUT_S)
                for message in messages
            ]
            for each in sent:
                each.result(timeout=PUBLISH_TIMEOUT_S)
        except (exceptions.GoogleAPIError, GoogleAuthError, futures.TimeoutError) as error:
            raise QueueUnavailable(
                f"The queue fails: {_reason(error)}; the sweep publishes again."
            ) from error

    def close(self) -> None:
        """Let go of the connection; a later use connects again."""
        with self._connecting:
            if self._connected:
                self._connected.stop()
                self._connected.transport.close()
            self._connected = None

    def _client(self) -> Any:
        with self._connecting:
            if self._connected is None:
                options = PublisherOptions(
                    retry=retry.Retry(
                        predicate=retry.if_exception_type(
                            exceptions.ServiceUnavailable, exceptions.InternalServerError
                        ),
                        initial=0.1,
                        maximum=1.0,
                        timeout=PUBLISH_TIMEOUT_S,
                    )
                )
                self._connected = PublisherClient(publisher_options=options)
            return self._connected


def _reason(error: Exception) -> str:
    if isinstance(error, exceptions.NotFound):
        return "the topic does not exist"
    if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized | GoogleAuthError):
        return "access is denied"
    return "it cannot be reached"
