"""What a server's answers are to a program: frozen values with types.

Fields that are not known here are ignored (they stay in `raw`), missing ones get defaults, and a
status is plain text: a client goes on working when the server learns something new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict


class SongOptions(TypedDict, total=False):
    """How a song is to be written; what is left out is up to the server."""

    lines: int
    rhyme_scheme: str
    structure: str
    style: str
    mood: str
    temperature: float
    top_p: float
    seed: int
    explicit: bool
    continue_prompt: bool


@dataclass(frozen=True)
class Section:
    """A verse or a chorus."""

    name: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rhyme:
    """The scheme that was asked for and how much of it was kept, from 0 to 1."""

    scheme: str = ""
    score: float | None = None


@dataclass(frozen=True)
class Receipt:
    """What gives the same lyrics again."""

    model: str = ""
    model_digest: str = ""
    seed: int | None = None
    input_digest: str = ""
    version: str = ""


@dataclass(frozen=True)
class Song:
    """Finished lyrics."""

    lyrics: str
    title: str = ""
    sections: tuple[Section, ...] = ()
    rhyme: Rhyme | None = None
    receipt: Receipt | None = None


@dataclass(frozen=True)
class Problem:
    """Why a job failed: a problem document."""

    type: str = ""
    title: str = ""
    status: int = 0
    detail: str = ""

    @property
    def slug(self) -> str:
        """The stable name of the problem."""
        return self.type.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Progress:
    """How much of the song is written."""

    completed: int = 0
    total: int = 0
    unit: str = "lines"


@dataclass(frozen=True)
class Metrics:
    """How long each part took, in seconds."""

    queue_s: float | None = None
    cold_start: bool | None = None
    model_load_s: float | None = None
    generate_s: float | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Event:
    """One entry of a job's timeline."""

    at: datetime
    event: str
    attempt: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Job:
    """One prompt and what has become of it. `done` says whether it can still change."""

    id: str
    status: str
    done: bool = False
    stage: str | None = None
    prompt: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    batch_id: str | None = None
    custom_id: str | None = None
    attempt: int = 0
    max_attempts: int = 0
    progress: Progress = Progress()
    #: the lines so far
    preview: str = ""
    output: Song | None = None
    error: Problem | None = None
    queue_position: int | None = None
    eta_seconds: float | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    metrics: Metrics = Metrics()
    events: tuple[Event, ...] = ()
    urls: dict[str, str] = field(default_factory=dict)
    #: True if this is an earlier answer again, because its Idempotency-Key was known
    replayed: bool = field(default=False, compare=False)
    #: the server's whole answer
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Counts:
    """How many rows of a batch are in which status."""

    total: int = 0
    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def ended(self) -> int:
        """Rows that will not change any more."""
        return self.total - self.queued - self.running


@dataclass(frozen=True)
class Batch:
    """Many prompts from one file."""

    id: str
    status: str
    done: bool = False
    request_counts: Counts = Counts()
    created_at: datetime | None = None
    finished_at: datetime | None = None
    eta_seconds: float | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    #: True if this is an earlier answer again, because its Idempotency-Key was known
    replayed: bool = field(default=False, compare=False)
    #: the server's whole answer
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Row:
    """The result of one row of a file."""

    custom_id: str
    line: int
    status: str
    id: str = ""
    prompt: str = ""
    output: Song | None = None
    error: Problem | None = None
    #: the server's whole row
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class ExpectedWait:
    """Seconds until a new job is done, measured lately."""

    cold: float | None = None
    warm: float | None = None


@dataclass(frozen=True)
class ServerStatus:
    """Whether a worker is awake, and what a new job has to wait for."""

    worker: str
    queue_depth: int = 0
    expected_wait_seconds: ExpectedWait = ExpectedWait()
    model: str = ""
    #: the server's whole answer
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
