"""The model as the studio sees it: all that a model must be for jobs to be carried to it.

`worker_fn/lyrics.py` is the one that writes songs; `examples/digits` has one that reads drawings.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from versequeue.errors import GenerationFailed
from versequeue.rules.job import Job


@dataclass(frozen=True)
class Result:
    """What a model made of one job."""

    #: The job's `output` without its receipt, plain JSON data. Under `lyrics` it has the result as
    #: text, which `/lyrics`, the command line and tables show; all else is the model's own.
    output: dict[str, Any]
    #: for the job's metrics
    tokens: int | None = None
    #: False where it was told to stop half way: the output does not count
    finished: bool = True
    #: what was spent on it, for the receipt; empty where a model knows no such thing
    effort: str = ""


#: Called with a job's index and all its lines so far; False: nobody waits for this job any more.
OnLines = Callable[[int, Sequence[str]], bool]

#: Called once for each job, with its result or why there is none, as soon as that is known.
OnResult = Callable[[int, Result | GenerationFailed], None]


class Model(Protocol):
    """A model in memory. It is called by one thread at a time."""

    @property
    def name(self) -> str:
        """What the status and receipts call it."""

    @property
    def digest(self) -> str:
        """Names exactly these weights, for the receipts."""

    @property
    def licence(self) -> str:
        """The licence of these weights; empty where it is not known."""

    @property
    def lanes(self) -> int:
        """How many of several jobs are done at the same time; the waits are reckoned with it."""

    def perform(
        self,
        jobs: Sequence[Job],
        on_lines: OnLines,
        should_stop: Callable[[], bool],
        on_result: OnResult,
    ) -> None:
        """Do 1 to JOBS_PER_MESSAGE jobs, from the `prompt`, the `options` and the seed of each.

        `should_stop` is to be asked every few seconds, since a model that does not ask is taken to
        hang; once True, the jobs that have no result yet are told of as not finished.
        """


#: Loads the model from its folder. Raises ModelUnusable, or ValueError, LookupError or TypeError as
#: parsers do, if it never could; else ModelUnavailable or OSError: the jobs then wait for it.
OpenModel = Callable[[Path], Model]


class OneByOne(ABC):
    """A `Model` that does one job after the other and has nothing to show of half of one."""

    name: str
    digest: str
    licence = ""
    lanes = 1

    @abstractmethod
    def result_of(self, job: Job) -> Result:
        """Do one job. Raises ValueError, whose text the caller reads, where that cannot be."""

    def perform(
        self,
        jobs: Sequence[Job],
        on_lines: OnLines,
        should_stop: Callable[[], bool],
        on_result: OnResult,
    ) -> None:
        """Do the jobs. A single one may take no longer than a worker is silent without hanging."""
        for index, job in enumerate(jobs):
            result: Result | GenerationFailed = Result({}, finished=False)
            if on_lines(index, ()) and not should_stop():
                try:
                    result = self.result_of(job)
                except ValueError as error:
                    result = GenerationFailed(str(error))
            on_result(index, result)
