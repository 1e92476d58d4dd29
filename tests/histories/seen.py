"""A history by what was seen of each job and batch: what the rules of the checker ask of it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.histories.history import Operation

ENDS = ("succeeded", "failed", "canceled", "expired")
SUBMITS = ("submit", "submit_batch")


@dataclass(frozen=True)
class View:
    """A job as somebody saw it."""

    by: Operation
    job: Mapping[str, Any]
    #: whether all of the job was seen, or its status only (a row of results)
    whole: bool

    @property
    def done(self) -> bool:
        return self.job["status"] in ENDS

    @property
    def end(self) -> tuple[Any, ...]:
        """What never changes once the job is done."""
        return (self.job["status"], self.job.get("output"), self.job.get("error"))


class Seen:
    """A history by what was seen of each job and batch."""

    def __init__(self, history: Sequence[Operation]) -> None:
        self.history = sorted(history, key=lambda one: one.completed_at)

    @cached_property
    def quiet(self) -> Operation | None:
        """From when on nothing was done to the server; None: never."""
        return next((one for one in self.history if one.kind == "quiet"), None)

    @cached_property
    def accepted(self) -> list[Operation]:
        """Every submit that was accepted."""
        return [one for one in self.history if one.kind in SUBMITS and one.accepted]

    @cached_property
    def views(self) -> dict[str, list[View]]:
        """What was seen of each job, in the order in which it was seen."""
        found: dict[str, list[View]] = defaultdict(list)
        for one in self.history:
            for job, whole in _jobs_in(one):
                found[job["id"]].append(View(one, job, whole))
        return found

    @cached_property
    def rows(self) -> dict[str, set[str]]:
        """The jobs of each batch, as far as they were seen."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.history:
            if one.kind == "results" and one.accepted:
                found[one.sent["id"]].update(row["id"] for row in one.seen["rows"])
        return found

    def of(self, kind: str, target: str) -> list[Operation]:
        """The operations of a kind on one job or batch, accepted or not."""
        return [one for one in self.history if one.kind == kind and one.sent.get("id") == target]

    @cached_property
    def events(self) -> list[Operation]:
        """The webhooks that came."""
        return [one for one in self.history if one.kind == "webhook"]


def _jobs_in(one: Operation) -> Iterator[tuple[Mapping[str, Any], bool]]:
    if one.kind in ("submit", "get", "cancel") and one.accepted:
        yield one.seen, True
    if one.kind == "results" and one.accepted:
        for row in one.seen["rows"]:
            yield row, False
    # An event that comes later may tell of an earlier moment: it was made when the job ended.
    if one.kind == "webhook" and one.seen["type"].startswith("job."):
        yield one.seen["data"], True
