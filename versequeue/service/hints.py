"""What is published: hints that there is something to do, while the store says what it is.

A hint may be lost, so nothing may depend on it: the sweep finds the same work in the store.
"""

import logging
from collections.abc import Sequence

from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Message, Queue, Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE, Batch
from versequeue.rules.job import Job

log = logging.getLogger(__name__)


def hint(queue: Queue, topic: Topic, messages: list[Message]) -> bool:
    """Publish, and leave it to the sweep if that fails; whether it went out."""
    try:
        queue.publish(topic, messages)
    except QueueUnavailable as error:
        log.warning("not published, the sweep will: %s", error)
        return False
    return True


def hint_at_event(queue: Queue, found: Job | Batch) -> bool:
    """Ask for the pending webhook event to be sent, if there is one; whether that went out."""
    if not (found.webhook and found.webhook.pending):
        return False
    return hint(queue, Topic.NOTIFY, [{"target": found.id}])


def job_messages(job_ids: Sequence[str]) -> list[Message]:
    """The messages that name these jobs, as many in one as a worker takes at once."""
    starts = range(0, len(job_ids), JOBS_PER_MESSAGE)
    return [{"job_ids": list(job_ids[start : start + JOBS_PER_MESSAGE])} for start in starts]
