"""The Python client: `from versequeue.client import Client`. What is named here is public.

Shares nothing with a server but the contract. `Client` is loaded when it is first asked for, since
the command line needs the types and the errors without an HTTP library.
"""

from typing import TYPE_CHECKING, Any

from versequeue.client.errors import (
    ApiError,
    ClientError,
    JobNotSuccessful,
    ServerUnreachable,
    UnexpectedAnswer,
    WaitTimeout,
)
from versequeue.client.files import PromptFile
from versequeue.client.types import Batch, CheckedFile, Job, Rhymes, Row, ServerStatus
from versequeue.contract.server_views import ExpectedWait, ModelView, RhymingView
from versequeue.contract.views import Counts, Progress, Receipt, Rhyme, Section, Song
from versequeue.errors import Problem
from versequeue.rules.job import Event, Metrics
from versequeue.rules.options import SongOptions

if TYPE_CHECKING:
    from versequeue.client.client import Client

__all__ = [
    "ApiError",
    "Batch",
    "CheckedFile",
    "Client",
    "ClientError",
    "Counts",
    "Event",
    "ExpectedWait",
    "Job",
    "JobNotSuccessful",
    "Metrics",
    "ModelView",
    "Problem",
    "Progress",
    "PromptFile",
    "Receipt",
    "Rhyme",
    "Rhymes",
    "RhymingView",
    "Row",
    "Section",
    "ServerStatus",
    "ServerUnreachable",
    "Song",
    "SongOptions",
    "UnexpectedAnswer",
    "WaitTimeout",
]


def __getattr__(name: str) -> Any:
    """`Client`, imported at its first use."""
    if name != "Client":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from versequeue.client.client import Client

    return Client
