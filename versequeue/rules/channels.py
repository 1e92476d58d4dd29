"""The ways in which an end is told, a webhook and a push, and how messages name them.

Each has its own pending event, tries and deliveries, and neither waits for the other.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from versequeue.rules.batch import BATCH_PREFIX, Batch
from versequeue.rules.job import Job
from versequeue.rules.webhook import Webhook

Told = TypeVar("Told", Job, Batch)
#: Longer than any name of ours.
MOST_CHARACTERS = 128


class Channel(StrEnum):
    """A way to tell; the value is the name of its field in a job and in a batch."""

    WEBHOOK = "webhook"
    PUSH = "push"


def subscription_of(found: Job | Batch, channel: Channel) -> Webhook | None:
    """Who is told of its end in this way."""
    return found.webhook if channel is Channel.WEBHOOK else found.push


def change_told(found: Told, channel: Channel, change: Callable[[Any], Any]) -> Told:
    """`found` with one of its subscriptions changed; the very same if that is.

    `change` makes a webhook of a webhook and a push of a push, as those of `rules.webhook` do.
    """
    before = subscription_of(found, channel)
    after = change(before) if before else None
    if after is before:
        return found
    if channel is Channel.WEBHOOK:
        return replace(found, webhook=after)
    return replace(found, push=after)


def pending_targets(found: Job | Batch) -> list[str]:
    """What the messages name that tell of its latest event: nothing where that is told.

    Nor where it waits behind an earlier one, at which somebody has hinted already.
    """
    told = {channel: subscription_of(found, channel) for channel in Channel}
    new = [channel for channel, one in told.items() if one and one.pending and not one.waiting]
    return [target_of(found.id, channel) for channel in new]


def is_due(found: Job | Batch, channel: Channel, now: datetime) -> bool:
    """Whether an event of its end is to be sent in this way by `now`."""
    told = subscription_of(found, channel)
    return bool(told and told.pending and told.pending.due_at <= now)


def target_of(found_id: str, channel: Channel) -> str:
    """What a message names: `job_…` to have its webhook sent, `job_…/push` for its push."""
    return found_id if channel is Channel.WEBHOOK else f"{found_id}/{channel}"


def read_target(target: str) -> tuple[str, Channel] | None:
    """The id and the way that `target_of` has named; None if it is nothing of ours."""
    found_id, slash, name = target.partition("/")
    is_ours = found_id.startswith(("job_", BATCH_PREFIX)) and len(found_id) <= MOST_CHARACTERS
    if not is_ours or (slash and name != Channel.PUSH):
        return None
    return found_id, Channel.PUSH if slash else Channel.WEBHOOK
