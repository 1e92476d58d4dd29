"""What can go wrong for a program that calls a VerseQueue server. Imports no HTTP library."""

from collections.abc import Iterable, Mapping
from typing import Any

from versequeue.client.plain_text import plain
from versequeue.client.types import Batch, Job
from versequeue.errors import VerseQueueError


class ClientError(VerseQueueError, status=0, slug="client", title="Client error"):
    """A call to a VerseQueue server did not give what was asked for."""

    def __str__(self) -> str:
        """What happened, in a server's words only as far as a terminal may be shown them."""
        return plain(super().__str__())


def with_faults(sentence: str, faults: Iterable[Mapping[str, object]]) -> str:
    """`sentence`, then a line for each field of a job or row of a file that was refused."""
    return "\n".join([sentence, *(f"  {_place(each)}{each.get('detail', '')}" for each in faults)])


def _place(fault: Mapping[str, object]) -> str:
    if fault.get("line") is not None:
        return f"line {fault['line']}: "
    pointer = str(fault.get("pointer") or "").strip("/")
    return f"{pointer.removeprefix('options/').replace('/', '.')}: " if pointer else ""


class ApiError(ClientError):
    """The server answered with an error; `slug` is the stable name of it."""

    def __init__(
        self, status: int, document: Mapping[str, Any], retry_after_s: float | None = None
    ) -> None:
        self.status = status
        self.slug = str(document.get("type") or f"http-{status}").rsplit("/", 1)[-1]
        self.title = str(document.get("title") or f"HTTP {status}")
        self.detail = str(document.get("detail") or self.title)
        errors = document.get("errors")
        rows = errors if isinstance(errors, list) else []
        self._faults = [row for row in rows if isinstance(row, dict)]
        super().__init__(self.detail, errors=self._faults)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        """What is wrong, with each field or row at fault."""
        return plain(with_faults(self.detail, self._faults))

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may be accepted later."""
        return self.status == 429 or self.status >= 500


class ServerUnreachable(ClientError, slug="server-unreachable"):
    """The server could not be reached, or the connection broke before its answer was whole."""


class UnexpectedAnswer(ClientError, slug="unexpected-answer"):
    """What answered is not a VerseQueue server, or a version that this client cannot read."""


class JobNotSuccessful(ClientError, slug="job-not-successful", title="No song"):
    """The job has no song, or none yet; `job` says how."""

    def __init__(self, job: Job) -> None:
        reason = f": {job.error.detail}" if job.error and job.error.detail else "."
        said = (
            f"ended as {job.status}{reason}" if job.done else f"is {job.status}: not finished yet."
        )
        super().__init__(f"The job {job.id} {said}")
        self.job = job


class WaitTimeout(ClientError, slug="wait-timeout", title="Still not done"):
    """The time to wait is over, the job or batch is not; `last` is what was seen of it last."""

    def __init__(self, last: Job | Batch, waited_s: float) -> None:
        super().__init__(f"{last.id} is still {last.status} after {waited_s:g} s.")
        self.last = last
