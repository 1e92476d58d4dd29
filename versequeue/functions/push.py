"""Pub/Sub's push, made and read. What cannot be read is bad for ever: acknowledged and logged."""

import base64
import binascii
import json
import logging
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from versequeue.ports.queue import Message, Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE

log = logging.getLogger(__name__)


def push_headers(topic: Topic, project: str, now: datetime) -> dict[str, str]:
    """The headers of a binary CloudEvent for a message of `topic`."""
    return {
        "Content-Type": "application/json",
        "ce-id": uuid.uuid4().hex,
        "ce-source": f"//pubsub.googleapis.com/projects/{project}/topics/{topic.value}",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "ce-time": now.isoformat(),
    }


def push_body(message: Message, message_id: str) -> bytes:
    """The body of a push, as Pub/Sub sends it."""
    data = base64.b64encode(json.dumps(message).encode()).decode()
    return json.dumps({"message": {"data": data, "messageId": message_id}}).encode()


def read_message(data: Any) -> dict[str, Any] | None:
    """The message inside a CloudEvent's data; None, and one line in the log, if there is none."""
    try:
        text = base64.b64decode(data["message"]["data"], validate=True)
        message = json.loads(text)
    except (KeyError, TypeError, ValueError, binascii.Error, RecursionError) as error:
        log.warning("a message that cannot be read is dropped: %s", error)
        return None
    if not isinstance(message, dict):
        log.warning("a message that is not a JSON object is dropped")
        return None
    return message


def job_ids(message: Mapping[str, Any]) -> list[str]:
    """The ids that a message names, each once; an odd message names none."""
    found = message.get("job_ids")
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        log.warning("a message without job ids is dropped")
        return []
    ids = list(dict.fromkeys(found))
    if not 1 <= len(ids) <= JOBS_PER_MESSAGE:
        log.warning("a message with %s job ids is dropped", len(ids), extra={"count": len(ids)})
        return []
    return [job_id for job_id in ids if 0 < len(job_id) <= 128 and "/" not in job_id]
