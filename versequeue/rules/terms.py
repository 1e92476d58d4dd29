"""When a job is to be written: at once or later, by when, and how long it may wait. Pure.

Whoever takes or passes these on has a line for each of them, as with the options of a song:
`intake/terms_body.py`, `cli/options.py`, `docs/api.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict

#: A later job waits for others to share its pass.
When = Literal["now", "later"]
#: By when a later job is ready where that is not said.
LATER_S = 3600.0
#: So long before its `ready_by` a later job is begun, with others or without.
LEAD_S = 300.0
#: A later job that waits is looked at so often: what is due much later was set by a clock that was
#: set back since.
LOOK_AT_HELD_S = 1800.0


@dataclass(frozen=True)
class Terms:
    """What was asked for; what was not is up to the server."""

    #: seconds from the request on, after which an unfinished job expires; None: the owner's
    deadline_s: float | None = None
    when: When = "now"
    ready_by: datetime | None = None


#: Those of a request that says nothing of it.
AT_ONCE = Terms()


class JobTerms(TypedDict, total=False):
    """The same as a program hands it over; `ready_by` in RFC 3339 or as an aware datetime."""

    deadline_s: float
    when: str
    ready_by: str | datetime


TERM_NAMES = tuple(JobTerms.__annotations__)


def deadline_at(terms: Terms, now: datetime, limit_s: float) -> datetime:
    """When a job that is asked for now expires: never later than its owner allows."""
    asked_s = limit_s if terms.deadline_s is None else terms.deadline_s
    return now + timedelta(seconds=min(asked_s, limit_s))


def ready_by(terms: Terms, now: datetime, limit_s: float) -> datetime | None:
    """By when a later job that is asked for now is to be ready; None of one that is for now."""
    if terms.when == "now":
        return None
    usual = min(now + timedelta(seconds=LATER_S), deadline_at(terms, now, limit_s))
    return terms.ready_by or usual


def last_ready_by(asked: Sequence[Terms], now: datetime, limit_s: float) -> datetime | None:
    """By when the last of these is to be ready; None unless all of them are for later."""
    moments = [ready_by(terms, now, limit_s) for terms in asked]
    later = [moment for moment in moments if moment]
    return max(later) if len(later) == len(moments) else None


def fault_of(terms: Terms, now: datetime, limit_s: float) -> tuple[str, str] | None:
    """Which of the terms cannot be had now, and a sentence that says why; None if all can."""
    if terms.deadline_s is not None and terms.deadline_s > limit_s:
        return (
            "deadline_s",
            f"This is to be at most {limit_s:.10g}, as long as a job may wait here.",
        )
    if terms.ready_by is None:
        return None
    if terms.when == "now":
        return "ready_by", "This goes with “later” as its “when” alone."
    if terms.ready_by <= now:
        return "ready_by", "This time is past."
    if terms.ready_by > deadline_at(terms, now, limit_s):
        asked_s = limit_s if terms.deadline_s is None else terms.deadline_s
        return "ready_by", f"This is to be within {asked_s:.10g} s, when the job would expire."
    return None


def next_look_at(begins_by: datetime, now: datetime) -> datetime:
    """When the sweep looks again at a later job that is begun at that moment at the latest."""
    return min(begins_by, now + timedelta(seconds=LOOK_AT_HELD_S))
