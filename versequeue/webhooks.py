"""A webhook as state: who is told of what, which attempt is due, what became of each.

Pure: the schedule and the bookkeeping of the Standard Webhooks specification. Sending is
`versequeue.webhook_sender`.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Seconds to wait before each try, the first one at once.
RETRY_SCHEDULE_S = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
#: An attempt that was started and never reported is due again after this time.
ATTEMPT_LEASE_S = 60
#: What is kept of the past of one webhook.
MAX_DELIVERIES = 30


@dataclass(frozen=True)
class Delivery:
    """One attempt: when, of which event, and how it ended."""

    at: datetime
    event: str
    #: `webhook-id`, the same for every attempt of one event
    id: str
    status_code: int | None = None
    error: str | None = None
    next_attempt_at: datetime | None = None


@dataclass(frozen=True)
class Pending:
    """An event that has still to be delivered."""

    event: str
    id: str
    #: attempts already started
    tries: int
    due_at: datetime


@dataclass(frozen=True)
class Webhook:
    """A subscription of one job or batch: `events` empty means every event of its kind."""

    url: str
    events: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    pending: Pending | None = None

    def wants(self, event: str) -> bool:
        """Whether this subscription asked for `event`."""
        return not self.events or event in self.events


def webhook_id(target_id: str, event: str) -> str:
    """The one id of this event of this job or batch, however often it is sent."""
    digest = hashlib.sha256(f"{target_id}/{event}".encode()).hexdigest()
    return f"msg_{digest[:32]}"


def announce(webhook: Webhook | None, target_id: str, event: str, now: datetime) -> Webhook | None:
    """The webhook with `event` pending and due at once, or unchanged if nobody asked for it."""
    if webhook is None or not webhook.wants(event):
        return webhook
    return replace(webhook, pending=Pending(event, webhook_id(target_id, event), 0, now))


def start_attempt(webhook: Webhook, now: datetime) -> Webhook:
    """Take the pending event for one attempt: nobody else finds it due within the lease."""
    if webhook.pending is None:
        return webhook
    due_at = now + timedelta(seconds=ATTEMPT_LEASE_S)
    pending = replace(webhook.pending, tries=webhook.pending.tries + 1, due_at=due_at)
    return replace(webhook, pending=pending)
