"""What a server's answers are to a program: the contract's objects with the whole answer beside.

Fields that are not known are ignored (they stay in `raw`), missing ones get defaults, and a status
is plain text: a client goes on working with a newer server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from versequeue.contract.overview import OverviewView
from versequeue.contract.server_views import ModelsView, RhymesView, StatusView
from versequeue.contract.views import BatchView, FileCheck, JobsView, JobView, RowView


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What every answer has beside its fields."""

    #: True if this is an earlier answer again, because its Idempotency-Key was known
    replayed: bool = field(default=False, compare=False)
    #: the server's whole answer
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Job(JobView, Answer):
    """One prompt and what has become of it. `done` says whether it can still change."""

    @property
    def lyrics(self) -> str:
        """The finished song's text; until then the lines so far."""
        return self.output.lyrics if self.output else self.preview

    @property
    def title(self) -> str:
        """The finished song's title, empty until then."""
        return self.output.title if self.output else ""


@dataclass(frozen=True)
class Jobs(JobsView, Answer):
    """A page of the jobs of one API key."""


@dataclass(frozen=True)
class Batch(BatchView, Answer):
    """Many prompts from one file."""


@dataclass(frozen=True)
class CheckedFile(FileCheck, Answer):
    """What is wrong with a file of prompts, of which nothing is queued."""


@dataclass(frozen=True)
class Row(RowView, Answer):
    """The result of one row of a file."""

    @property
    def lyrics(self) -> str:
        """The finished song's text, empty where there is none."""
        return self.output.lyrics if self.output else ""

    @property
    def title(self) -> str:
        """The finished song's title, empty where there is none."""
        return self.output.title if self.output else ""


@dataclass(frozen=True)
class ServerStatus(StatusView, Answer):
    """Whether a worker is awake, and what a new job has to wait for."""


@dataclass(frozen=True)
class Rhymes(RhymesView, Answer):
    """What rhymes with a word, the commonest words first."""


@dataclass(frozen=True)
class Overview(OverviewView, Answer):
    """The whole service, for its owner."""


@dataclass(frozen=True)
class Models(ModelsView, Answer):
    """The models of the server."""
