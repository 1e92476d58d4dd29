"""The port to whatever carries messages. A message is a hint: the store is the truth.

A message may come twice, late, in any order or never; the sweep repairs what is lost.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

Message = Mapping[str, Any]


class Topic(StrEnum):
    """What messages are about. Each has a subscription of its own."""

    #: `{"job_ids": [id]}` of a single visitor, or `{"warmup": true}`. With `"again": true` beside
    #: the id, in BULK too, the job was tried before, and nobody adds others to the message
    JOBS = "jobs"
    #: `{"job_ids": [...]}` of a batch, at most eight, or of one who asks for many songs; waits
    #: while JOBS has something
    BULK = "bulk"
    #: `{"target": id}`: the pending webhook event of a job or batch is to be sent
    NOTIFY = "notify"


class Queue(Protocol):
    """Where messages are published; whoever delivers them pushes them to a function."""

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        """Return once every message is stored. Raises QueueUnavailable."""

    def close(self) -> None:
        """Let go of files and connections."""
