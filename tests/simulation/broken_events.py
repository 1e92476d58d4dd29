"""Rules of events before the end, of deadlines and of later jobs, broken as in `broken_rules`."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.broken_rules import BrokenRule
from versequeue.rules.webhook import JOB_STARTED, Announced, announce


def _instead(answer: Any) -> Any:
    """A rule that always answers this."""
    return lambda _true: lambda *_args, **_kwargs: answer


def _first(_true: Any) -> Any:
    """A rule that gives back what it was given."""
    return lambda first, *_args, **_kwargs: first


def _a_start_with_every_attempt(true: Any) -> Any:
    def claim(job: Any, now: datetime, worker: str, **limits: Any) -> Any:
        claimed = true(job, now, worker, **limits)
        if claimed.done or job.started_at is None:
            return claimed
        return replace(claimed, webhook=announce(job.webhook, job.id, JOB_STARTED, now))

    return claim


def _instead_of_what_is_pending(true: Any) -> Any:
    return lambda webhook, *event: true(webhook and replace(webhook, pending=None), *event)


def _before_what_is_pending(true: Any) -> Any:
    def announced(webhook: Any, *event: Any) -> Any:
        told = true(webhook, *event)
        if told is webhook or not told.waiting:
            return told
        only = true(replace(webhook, pending=None, waiting=()), *event)
        was = Announced(webhook.pending.event, webhook.pending.id, webhook.pending.at)
        return replace(only, waiting=(was, *webhook.waiting))

    return announced


def _quarters_again(true: Any) -> Any:
    return lambda batch, left, now: true(replace(batch, quarter=0), left, now)


_RULES, _JOBS = "versequeue.rules.transitions", "versequeue.rules.job"
_WEBHOOK, _BATCH = "versequeue.rules.webhook", "versequeue.rules.batch"
_TERMS, _LATER = "versequeue.rules.terms", "versequeue.rules.later"

BROKEN_EVENTS = [
    BrokenRule(f"{_RULES}:claim", _a_start_with_every_attempt, "each attempt is told as a start"),
    BrokenRule(f"{_WEBHOOK}:announce", _instead_of_what_is_pending, "an end takes a start's place"),
    BrokenRule(f"{_WEBHOOK}:announce", _before_what_is_pending, "an end is told before its start"),
    BrokenRule(
        f"{_WEBHOOK}:Webhook.wants",
        lambda _true: lambda self, _event: not self.stopped,
        "whoever asked for nothing is told of starts",
    ),
    BrokenRule(
        f"{_WEBHOOK}:_next_event",
        lambda _true: lambda webhook, _now: replace(webhook, pending=None),
        "what waits behind an event is forgotten",
    ),
    BrokenRule(
        f"{_WEBHOOK}:Webhook.most_tries",
        lambda _true: property(lambda _self: 10),
        "a start that nobody takes holds the end up",
    ),
    BrokenRule(f"{_BATCH}:progress", _first, "no quarter of a batch is told"),
    BrokenRule(f"{_BATCH}:progress", _quarters_again, "a quarter is told with every row"),
    BrokenRule(
        f"{_TERMS}:deadline_at",
        lambda _true: lambda _terms, now, limit_s: now + timedelta(seconds=limit_s),
        "a deadline that was asked for is forgotten",
    ),
    BrokenRule(
        f"{_LATER}:due_passes",
        lambda _true: lambda held, _now: [[job] for job in held],
        "later jobs are written at once",
    ),
    BrokenRule(f"{_LATER}:due_passes", _instead([]), "a full pass waits for its time"),
    BrokenRule(f"{_LATER}:has_come", _instead(False), "later jobs are held beyond their time"),
    BrokenRule(
        f"{_JOBS}:Job.in_bulk",
        lambda _true: property(lambda self: self.batch_id is not None or self.gives_way),
        "visitors wait behind later jobs",
    ),
]
