"""A webhook as state, after Standard Webhooks: who is told what, what is due, what became of it."""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from versequeue.errors import NothingToRedeliver, RateLimited

#: Seconds to wait before each delivery of an event, the first one at once.
RETRY_SCHEDULE_S = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
#: A delivery that was started and never reported is due again after this time.
DELIVERY_LEASE_S = 60
#: What is kept of the past of one webhook.
MAX_DELIVERIES = 30
#: Share of a wait by which it may be lengthened, so that retries do not come in step.
JITTER = 0.2
#: A hint is taken to be on its way for so long before it counts as lost; doubled with each hint.
HINT_FIRST_S, HINT_LONGEST_S = 60, 1800
#: The sweep looks at a pending event so often, however far ahead its next delivery is: only then is
#: one that was set by a clock that was set back since told from one that has a day to wait.
LOOK_EVERY_S = 1800
#: Moments further ahead than this are such a clock's.
CLOCK_STEP_S = 60
#: Between two redeliveries of one event that somebody asks for.
REDELIVER_EVERY_S = 60
#: How far the clocks of two functions may differ before an event seems not yet due.
CLOCK_SLACK_S = 2
#: The answer of a receiver that never wants to hear of it again.
HTTP_GONE = 410


@dataclass(frozen=True)
class Delivery:
    """One try to send an event: when, of which event, and how it ended."""

    at: datetime
    event: str
    #: `webhook-id`, the same for every delivery of one event
    id: str
    status_code: int | None = None
    error: str | None = None
    next_attempt_at: datetime | None = None


@dataclass(frozen=True)
class Pending:
    """An event that has still to be delivered."""

    event: str
    id: str
    #: deliveries already started
    tries: int
    due_at: datetime
    #: hints of this delivery that the sweep has published, and until when the last one that anybody
    #: published is taken to be on its way
    hints: int = 0
    hinted_until: datetime | None = None
    #: when the sweep last looked at it, or anybody changed it
    noted_at: datetime | None = None

    @property
    def notify_at(self) -> datetime:
        """When the sweep must look at this event next, and hint at it if it is due."""
        hint_at = max(self.due_at, self.hinted_until or self.due_at)
        if self.noted_at is None:
            return hint_at
        return min(hint_at, self.noted_at + timedelta(seconds=LOOK_EVERY_S))


@dataclass(frozen=True)
class Webhook:
    """A subscription of one job or batch: `events` empty means every event of its kind."""

    url: str
    events: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    pending: Pending | None = None
    #: the receiver answered that it is gone: no later event is announced
    stopped: bool = False
    #: when somebody last asked for a redelivery
    redelivered_at: datetime | None = None

    @property
    def notify_at(self) -> datetime | None:
        """When the sweep must hint at the pending event; None if there is none."""
        return self.pending.notify_at if self.pending else None

    @property
    def gone_statuses(self) -> tuple[int, ...]:
        """Answers after which nothing is sent any more."""
        return (HTTP_GONE,)

    def wants(self, event: str) -> bool:
        """Whether this subscription asked for `event` and was not told to stop."""
        return not self.stopped and (not self.events or event in self.events)


#: A webhook, or what is told in the same way.
W = TypeVar("W", bound=Webhook)


def earliest(*told: Webhook | None) -> datetime | None:
    """When the sweep must look at the first of these; None if nothing of theirs is pending."""
    return min((one.notify_at for one in told if one and one.notify_at), default=None)


def webhook_id(target_id: str, event: str) -> str:
    """The one id of this event of this job or batch, however often it is sent."""
    digest = hashlib.sha256(f"{target_id}/{event}".encode()).hexdigest()
    return f"msg_{digest[:32]}"


def announce(webhook: W | None, target_id: str, event: str, now: datetime) -> W | None:
    """The webhook with `event` pending and due at once, or unchanged if nobody asked for it.

    The caller hints at it: the sweep does so only if that hint seems to be lost.
    """
    if webhook is None or not webhook.wants(event):
        return webhook
    return replace(webhook, pending=_at_once(event, webhook_id(target_id, event), now))


def hinted(webhook: W, now: datetime) -> W:
    """The webhook after the sweep's look at its pending event, which is hinted at if it is due.

    The very same object means that it is too early for a look. Each hint waits twice as long as the
    one before, so that a slow receiver does not fill the queue.
    """
    pending = webhook.pending
    if pending is None:
        return webhook
    if pending.noted_at and pending.noted_at > now + timedelta(seconds=CLOCK_STEP_S):
        # A clock that was set back since has set all of its times.
        pending = replace(pending, due_at=now, hinted_until=None, noted_at=now)
    elif pending.noted_at and pending.notify_at > now:
        return webhook
    if max(pending.due_at, pending.hinted_until or pending.due_at) > now:
        return replace(webhook, pending=replace(pending, noted_at=now))
    wait_s = min(HINT_FIRST_S * 2 ** min(pending.hints, 30), HINT_LONGEST_S)
    until = now + timedelta(seconds=wait_s)
    hinted_at = replace(pending, hints=pending.hints + 1, hinted_until=until, noted_at=now)
    return replace(webhook, pending=hinted_at)


def postpone(webhook: W, now: datetime, wait_s: float) -> W:
    """The webhook whose pending event nobody can send yet: the sweep hints at it after `wait_s`."""
    if webhook.pending is None:
        return webhook
    until = now + timedelta(seconds=wait_s)
    later = replace(webhook.pending, hints=0, hinted_until=until, noted_at=now)
    return replace(webhook, pending=later)


def start_delivery(webhook: W, now: datetime) -> W:
    """Take the pending event for one delivery: nobody else finds it due within the lease."""
    if webhook.pending is None:
        return webhook
    due_at = now + timedelta(seconds=DELIVERY_LEASE_S)
    pending = _next_try(webhook.pending, webhook.pending.tries + 1, due_at, now)
    return replace(webhook, pending=pending)


def take_delivery(webhook: W, now: datetime) -> W:
    """`start_delivery` if the pending event is due; given up if its last one was never reported.

    The very same object means that there is nothing to send.
    """
    pending = webhook.pending
    if pending is None or pending.due_at > now + timedelta(seconds=CLOCK_SLACK_S):
        return webhook
    if pending.tries >= len(RETRY_SCHEDULE_S):
        lost = Delivery(now, pending.event, pending.id, error="The last attempt was not reported.")
        return replace(webhook, deliveries=_with(webhook, lost), pending=None)
    return start_delivery(webhook, now)


def record_delivery(
    webhook: W,
    sent: Pending,
    now: datetime,
    *,
    status_code: int | None,
    error: str | None,
    retry_after_s: float = 0,
    is_final: bool = False,
    jitter: float = 0,
) -> W:
    """Note how the delivery of `sent` ended, and when the next one is due, if any.

    2xx ends the event, and so does what `is_final`; one of its `gone_statuses` ends the webhook.
    `jitter` from 0 to 1 spreads retries, only to later times.
    A report that comes late, when another delivery has begun, changes nothing of what is pending.
    """
    succeeded = status_code is not None and 200 <= status_code < 300 and error is None
    gone = status_code in webhook.gone_statuses
    pending = webhook.pending
    current = (pending.id, pending.tries) if pending else None
    is_current = current == (sent.id, sent.tries)
    is_last = succeeded or gone or is_final or sent.tries >= len(RETRY_SCHEDULE_S)
    if is_last or not is_current:
        next_at = None
    else:
        scheduled_s = RETRY_SCHEDULE_S[sent.tries]
        wait_s = min(max(scheduled_s, retry_after_s), RETRY_SCHEDULE_S[-1])
        next_at = now + timedelta(seconds=wait_s * (1 + JITTER * jitter))
    delivery = Delivery(now, sent.event, sent.id, status_code, error, next_at)
    if is_current:
        pending = _next_try(sent, sent.tries, next_at, now) if next_at else None
    return replace(
        webhook,
        deliveries=_with(webhook, delivery),
        pending=None if gone else pending,
        stopped=webhook.stopped or gone,
    )


def redeliver(webhook: W, now: datetime) -> W:
    """The webhook with its last event due again under the same id.

    One that is still pending becomes due now and keeps its count of deliveries; one that has ended
    starts anew. Raises NothingToRedeliver if none was ever sent or the receiver answered 410, and
    RateLimited within REDELIVER_EVERY_S of the last redelivery.
    """
    if webhook.stopped:
        raise NothingToRedeliver("The receiver answered 410 Gone: nothing is sent to it any more.")
    if not webhook.pending and not webhook.deliveries:
        raise NothingToRedeliver()
    _check_pace(webhook.redelivered_at, now)
    if webhook.pending:
        # Its last try may have died unreported: what is promised here has to be left to it.
        tries = min(webhook.pending.tries, len(RETRY_SCHEDULE_S) - 1)
        until = _first_hint_ends(now)
        pending = replace(
            webhook.pending, tries=tries, due_at=now, hinted_until=until, noted_at=now
        )
    else:
        last = webhook.deliveries[-1]
        pending = _at_once(last.event, last.id, now)
    return replace(webhook, pending=pending, redelivered_at=now)


def _check_pace(last: datetime | None, now: datetime) -> None:
    age_s = (now - last).total_seconds() if last else REDELIVER_EVERY_S
    if 0 <= age_s < REDELIVER_EVERY_S:
        wait_s = math.ceil(REDELIVER_EVERY_S - age_s)
        raise RateLimited(
            f"One redelivery a minute for each job; try again in {wait_s} s.",
            headers={"Retry-After": str(wait_s)},
        )


def _at_once(event: str, event_id: str, now: datetime) -> Pending:
    return Pending(event, event_id, 0, now, hinted_until=_first_hint_ends(now), noted_at=now)


def _next_try(pending: Pending, tries: int, due_at: datetime, now: datetime) -> Pending:
    # Nothing is on its way to a delivery that is not due yet.
    return replace(pending, tries=tries, due_at=due_at, hints=0, hinted_until=None, noted_at=now)


def _first_hint_ends(now: datetime) -> datetime:
    return now + timedelta(seconds=HINT_FIRST_S)


def _with(webhook: Webhook, delivery: Delivery) -> tuple[Delivery, ...]:
    return (*webhook.deliveries, delivery)[-MAX_DELIVERIES:]
