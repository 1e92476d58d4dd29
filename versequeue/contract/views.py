"""The objects in a server's answers: a job, a batch, a row of results, the status.

A field's order, type and default are those on the wire. A default is what a reader takes where a
server does not send the field; a field without one is needed by every reader. The mapping in an
`Annotated` is what openapi.json says of the field beyond its type (`versequeue.api.schemas`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeVar, get_args

from versequeue.errors import Problem
from versequeue.rules.batch import BATCH_PREFIX, BatchStatus
from versequeue.rules.job import Event, Metrics, Stage, Status
from versequeue.rules.terms import When
from versequeue.rules.transitions import MAX_EVENTS
from versequeue.rules.webhook import Delivery

T = TypeVar("T")
Count = Annotated[int, {"minimum": 0}]
#: Is in every answer of this version; None only where another version's answer leaves it out.
Sent = Annotated[T | None, {"nullable": False}]


def _links(*names: str) -> Mapping[str, object]:
    texts = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": texts, "required": list(names)}


@dataclass(frozen=True)
class Section:
    """A verse, a chorus or another part."""

    name: str = ""
    lines: tuple[str, ...] = ()
    #: a scheme as in the options, or a letter for each line
    rhyme_scheme: str = ""


@dataclass(frozen=True)
class Rhyme:
    """The scheme that was asked for and how much of it was kept, from 0 to 1.

    Pairs are of lines that the scheme asks to rhyme, counted from 1 through all sections.
    """

    #: empty where the sections differ
    scheme: str = ""
    score: float | None = None
    #: pairs that rhyme only nearly, and pairs that do not rhyme
    slant: tuple[tuple[int, ...], ...] = ()
    missed: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Receipt:
    """What gives the same lyrics again."""

    model: str = ""
    model_digest: str = ""
    seed: Sent[int] = None
    input_digest: str = ""
    #: what it was written with, which may be less than was asked for
    effort: str = ""
    version: str = ""
    #: the machine and the feature of its processor that the network's kernels are chosen by
    kernels: str = ""
    #: `prompt`, `options` and, where there were any, `given`: what `input_digest` is made of
    asked: dict[str, Any] = field(default_factory=dict)
    lyrics_digest: str = ""


@dataclass(frozen=True)
class Song:
    """Finished lyrics: the `output` of a job."""

    lyrics: str
    title: str = ""
    sections: tuple[Section, ...] = ()
    rhyme: Sent[Rhyme] = None
    receipt: Sent[Receipt] = None
    #: for each line, through all sections, other drafts that fit its place, the best first
    alternatives: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        """The lyrics."""
        return self.lyrics


@dataclass(frozen=True)
class Progress:
    """How much of the song is written."""

    completed: Count = 0
    total: Count = 0
    unit: Annotated[str, {"const": "lines"}] = "lines"


@dataclass(frozen=True)
class WebhookView:
    """Who is told of what, and what became of it. No events: every event."""

    url: str
    events: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True)
class PushView:
    """What became of telling a browser. Which one it is stays secret."""

    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True)
class MetricsView(Metrics):
    """What a job took, and what it cost once it has ended, at the list prices of the cloud."""

    cost_usd: float | None = None
    #: a month of the cheapest machine that would have been there all day
    machine_usd: float | None = None


@dataclass(frozen=True)
class JobView:
    """One prompt and what has become of it. `done` says whether it can still change."""

    object: Annotated[str, {"const": "job"}] = field(default="job", kw_only=True)
    id: Annotated[str, {"pattern": "^job_"}]
    status: Annotated[str, {"enum": list(Status)}]
    done: bool = False
    stage: Annotated[str | None, {"enum": [*Stage, None]}] = None
    prompt: str = ""
    #: those of the request, every default filled in
    options: dict[str, Any] = field(default_factory=dict)
    #: for each line of the song the text that stays as it is, or null; empty: all are written
    given: tuple[str | None, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    batch_id: str | None = None
    custom_id: str | None = None
    attempt: Count = 0
    max_attempts: Count = 0
    progress: Progress = Progress()
    #: the lines so far
    preview: str = ""
    output: Song | None = None
    error: Problem | None = None
    queue_position: int | None = None
    #: until the end: as expected, and what nine songs of ten do not exceed
    eta_seconds: float | None = None
    eta_at_most_seconds: float | None = None
    created_at: Sent[datetime] = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    #: an unfinished job ends as `expired` then
    deadline_at: Sent[datetime] = None
    #: whether it is written at once, or later, and by when
    when: Annotated[str, {"enum": list(get_args(When))}] = "now"
    ready_by: datetime | None = None
    expires_at: Sent[datetime] = None
    metrics: MetricsView = field(default_factory=MetricsView)
    events: Annotated[tuple[Event, ...], {"maxItems": MAX_EVENTS}] = ()
    webhook: WebhookView | None = None
    push: PushView | None = None
    urls: Annotated[dict[str, str], _links("self", "cancel", "lyrics")] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class JobsView:
    """A page of the jobs of one API key, the newest first."""

    object: Annotated[str, {"const": "list"}] = field(default="list", kw_only=True)
    data: tuple[JobView, ...] = ()
    #: what the next page is asked for with; None: there is none
    next_cursor: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many rows of a batch are in which status."""

    total: Count = 0
    queued: Count = 0
    running: Count = 0
    succeeded: Count = 0
    failed: Count = 0
    canceled: Count = 0
    expired: Count = 0

    @property
    def ended(self) -> int:
        """Rows that will not change any more."""
        return self.total - self.queued - self.running


@dataclass(frozen=True)
class BatchView:
    """Many prompts from one file."""

    object: Annotated[str, {"const": "batch"}] = field(default="batch", kw_only=True)
    id: Annotated[str, {"pattern": f"^{BATCH_PREFIX}"}]
    status: Annotated[str, {"enum": list(get_args(BatchStatus))}]
    done: bool = False
    request_counts: Counts = Counts()
    created_at: Sent[datetime] = None
    finished_at: datetime | None = None
    eta_seconds: float | None = None
    #: of all its jobs together, once they have ended
    cost_usd: float | None = None
    #: whether all of its rows are later ones, and by when the last of them is to be ready
    when: Annotated[str, {"enum": list(get_args(When))}] = "now"
    ready_by: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    webhook: WebhookView | None = None
    push: PushView | None = None
    urls: Annotated[dict[str, str], _links("self", "results", "cancel", "retry_failed")] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class RowView:
    """The result of one row of a file."""

    custom_id: str
    line: int
    id: str = field(default="", kw_only=True)
    status: str
    prompt: str = ""
    output: Song | None = None
    error: Problem | None = None


@dataclass(frozen=True)
class CheckedRow:
    """A row of a file as it would be queued."""

    line: int
    custom_id: str
    prompt: str


@dataclass(frozen=True)
class FileCheck:
    """What is wrong with a file of prompts, of which nothing is queued."""

    object: Annotated[str, {"const": "file_check"}] = field(default="file_check", kw_only=True)
    rows: Count = 0
    fault_count: Count = 0
    #: the sentence that a refusal would have, or that all is well
    detail: str = ""
    #: what its songs are going to cost, and when they will be there if it is sent now, as far as
    #: that is known; None where there is a fault
    cost_usd: float | None = None
    ready_by: datetime | None = None
    #: the first of the faults, by line, as in a `batch-invalid` problem
    errors: tuple[dict[str, Any], ...] = ()
    #: the first of the rows, where there is no fault
    first: tuple[CheckedRow, ...] = ()
