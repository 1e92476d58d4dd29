"""A job, its statuses and stages: frozen values, and the one table of what may follow what."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from versequeue.rules.options import ResolvedOptions
from versequeue.rules.push import Push
from versequeue.rules.terms import LEAD_S, When
from versequeue.rules.webhook import Webhook, earliest

MAX_PROMPT_CHARACTERS = 500


class Status(StrEnum):
    """Where a job is. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether a job in this status never changes again."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELED, Status.EXPIRED}),
    Status.RUNNING: frozenset(Status) - {Status.RUNNING},
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.EXPIRED: frozenset(),
}


class Stage(StrEnum):
    """How far an unfinished job has come; one that has ended has none."""

    WAITING = "waiting"
    LOADING_MODEL = "loading_model"
    WRITING = "writing"


@dataclass(frozen=True)
class Metrics:
    """How long the successful attempt took, in seconds, how much it wrote, and what all took."""

    queue_s: float | None = None
    cold_start: bool | None = None
    model_load_s: float | None = None
    generate_s: float | None = None
    tokens: int | None = None
    #: the worker's time for all attempts, shared with the other songs of a pass, and how many
    #: workers had to start for them
    worker_s: float | None = None
    starts: int | None = None


@dataclass(frozen=True)
class Event:
    """One entry of the timeline."""

    at: datetime
    event: str
    attempt: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Job:
    """One prompt on its way to a song."""

    id: str
    prompt: str
    options: ResolvedOptions
    created_at: datetime
    #: from this moment on the job is answered with 410 Gone, and the sweep deletes it
    expires_at: datetime
    #: an unfinished job ends as `expired` at this moment
    deadline_at: datetime
    #: when the sweep sends the message of a queued job again
    publish_at: datetime
    max_attempts: int = 5
    status: Status = Status.QUEUED
    stage: Stage | None = Stage.WAITING
    #: keyed hash of the caller's address or API key
    client: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    #: those of a model that writes no songs, as they were asked for; else None
    own_options: dict[str, Any] | None = None
    #: for each line of the song the text that stays as it is, or None; empty: all are written
    given: tuple[str | None, ...] = ()
    batch_id: str | None = None
    custom_id: str | None = None
    #: order within the batch, and the line of the file
    position: int = 0
    line: int | None = None
    #: raised by every claim; a writer that holds another number holds nothing
    attempt: int = 0
    #: those of the attempts that the surroundings ended: they do not count
    excused: int = 0
    publishes: int = 1
    #: its client had asked for many others a moment before: those who did not go first
    gives_way: bool = False
    when: When = "now"
    #: by when a later job is to be ready
    ready_by: datetime | None = None
    #: it waits for others to share its pass, and nobody has been asked to write it
    held: bool = False
    #: its batch is told of by quarters, so that whoever ends it looks how far that is
    watched: bool = False
    #: which worker holds the lease, so that one known to be dead can be given up on at once
    worker: str = ""
    #: how many jobs the last claim took at once: they share the worker's time
    together: int = 1
    lease_expires_at: datetime | None = None
    attempt_ends_at: datetime | None = None
    preview: tuple[str, ...] = ()
    #: when the last of those lines came
    shown_at: datetime | None = None
    output: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    metrics: Metrics = Metrics()
    events: tuple[Event, ...] = ()
    webhook: Webhook | None = None
    push: Push | None = None

    @property
    def done(self) -> bool:
        """Whether the job has reached its end."""
        return self.status.is_terminal

    @property
    def in_bulk(self) -> bool:
        """Whether it is written when no visitor waits: of a batch, later, or one that gives way."""
        return self.batch_id is not None or self.gives_way or self.when == "later"

    @property
    def is_held(self) -> bool:
        """Whether it waits for others to share its pass."""
        return self.held and self.status is Status.QUEUED

    @property
    def begins_by(self) -> datetime:
        """When a held job is written, with others or without."""
        if self.ready_by is None:
            return self.created_at
        return max(self.created_at, self.ready_by - timedelta(seconds=LEAD_S))

    @property
    def tries(self) -> int:
        """The attempts that count: at most `max_attempts`."""
        return self.attempt - self.excused

    @property
    def due_at(self) -> datetime | None:
        """When the sweep must look at this unfinished job next; None once it is done."""
        if self.done:
            return None
        if self.status is Status.QUEUED:
            return min(self.publish_at, self.deadline_at)
        return self.lease_expires_at or self.created_at  # who runs without a lease is due at once

    @property
    def notify_at(self) -> datetime | None:
        """When the sweep must hint at an event of this job; None if none is pending."""
        return earliest(self.webhook, self.push)
