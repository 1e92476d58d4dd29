"""What is published: hints at what is in the store. The sweep makes up for lost ones."""

import logging
from collections.abc import Sequence

from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Message, Queue, Topic
from versequeue.rules.batch import Batch
from versequeue.rules.channels import pending_targets
from versequeue.rules.job import Job
from versequeue.rules.waits import Work, by_model, in_passes, work_of

log = logging.getLogger(__name__)


def hint(queue: Queue, topic: Topic, messages: list[Message]) -> bool:
    """Publish, and leave it to the sweep if that fails; whether it went out."""
    try:
        queue.publish(topic, messages)
    except QueueUnavailable as error:
        log.warning("not published, the sweep will: %s", error)
        return False
    return True


def hint_at_jobs(queue: Queue, jobs: Sequence[Job]) -> int:
    """Ask for queued jobs to be written; how many of the jobs went out in a message."""
    sent = 0
    for topic in (Topic.JOBS, Topic.BULK):
        of_topic = [job for job in jobs if job.in_bulk == (topic is Topic.BULK)]
        if messages := job_messages(of_topic):
            sent += len(of_topic) * hint(queue, topic, messages)
    return sent


def hint_at_events(queue: Queue, found: Sequence[Job | Batch]) -> int:
    """Ask for the pending events of these to be sent; how many messages went out."""
    return hint_at_targets(queue, [target for one in found for target in pending_targets(one)])


def hint_at_targets(queue: Queue, targets: Sequence[str]) -> int:
    """Ask for the events that these name to be sent; how many messages went out."""
    messages: list[Message] = [{"target": target} for target in targets]
    return len(messages) * hint(queue, Topic.NOTIFY, messages) if messages else 0


def job_messages(jobs: Sequence[Job]) -> list[Message]:
    """The messages that name these jobs: rows and later ones in parties, as a worker takes them.

    Those of one model come behind each other, however the file mixes them.

    A job that was tried before travels alone, and says so: if it brings its worker down, it takes
    no other along. A single visitor's job has a message of its own; those that wait are joined when
    they are pushed.
    """
    new = (job for job in jobs if _shares(job) and not job.tries)
    parties = in_passes(by_model(new, _work_of), _work_of)
    messages: list[Message] = [{"job_ids": [job.id for job in party]} for party in parties]
    for job in jobs:
        if job.tries:
            messages.append(lone_message(job.id))
        elif not _shares(job):
            messages.append({"job_ids": [job.id]})
    return messages


def lone_message(job_id: str) -> Message:
    """The message of a job that was tried before: nobody adds others to it."""
    return {"job_ids": [job_id], "again": True}


def _shares(job: Job) -> bool:
    return job.batch_id is not None or job.when == "later"


def _work_of(job: Job) -> Work:
    return work_of(job.options, job.given)
