"""A webhook as state, after Standard Webhooks: who is told what, what is due, what became of it."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

#: Told only to whoever asks for it by name, and before the end's own event.
JOB_STARTED, BATCH_PROGRESS = "job.started", "batch.progress"
ON_THE_WAY = (JOB_STARTED, BATCH_PROGRESS)
#: Seconds to wait before each delivery of an event, the first one at once.
RETRY_SCHEDULE_S = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
#: An event is tried so often where the next one waits for its turn: the end's is worth more.
TRIES_BEFORE_NEXT = 3
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
    #: when it happened, if that is not the end; None in what an older version stored
    at: datetime | None = None

    @property
    def notify_at(self) -> datetime:
        """When the sweep must look at this event next, and hint at it if it is due."""
        hint_at = max(self.due_at, self.hinted_until or self.due_at)
        if self.noted_at is None:
            return hint_at
        return min(hint_at, self.noted_at + timedelta(seconds=LOOK_EVERY_S))


@dataclass(frozen=True)
class Announced:
    """An event that has its turn when the one before it is delivered or given up."""

    event: str
    id: str
    at: datetime | None = None


@dataclass(frozen=True)
class Webhook:
    """A subscription of one job or batch: `events` empty means every event of an end."""

    url: str
    events: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    pending: Pending | None = None
    #: the receiver answered that it is gone: no later event is announced
    stopped: bool = False
    #: when somebody last asked for a redelivery
    redelivered_at: datetime | None = None
    #: behind the pending one, in the order in which they happened
    waiting: tuple[Announced, ...] = ()

    @property
    def notify_at(self) -> datetime | None:
        """When the sweep must hint at the pending event; None if there is none."""
        return self.pending.notify_at if self.pending else None

    @property
    def gone_statuses(self) -> tuple[int, ...]:
        """Answers after which nothing is sent any more."""
        return (HTTP_GONE,)

    @property
    def most_tries(self) -> int:
        """How often the pending event is tried before it is given up."""
        return TRIES_BEFORE_NEXT if self.waiting else len(RETRY_SCHEDULE_S)

    def wants(self, event: str) -> bool:
        """Whether this subscription asked for `event` and was not told to stop."""
        asked = event in self.events if self.events else event not in ON_THE_WAY
        return asked and not self.stopped


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
    """The webhook with `event` to be told, or unchanged if nobody asked for it.

    It is pending and due at once, or waits behind what is: events arrive in their order. The caller
    hints at it: the sweep does so only if that hint seems to be lost.
    """
    if webhook is None or not webhook.wants(event):
        return webhook
    announced = Announced(event, webhook_id(target_id, event), now)
    pending = webhook.pending
    if pending is None:
        return replace(webhook, pending=at_once(announced, now))
    behind = replace(webhook, waiting=(*webhook.waiting, announced))
    # One that is on its way is due by the end of its lease; its report says what comes next.
    rests = pending.due_at > now + timedelta(seconds=DELIVERY_LEASE_S)
    return _next_event(behind, now) if rests and pending.tries >= behind.most_tries else behind


def withdraw(webhook: W | None, event: str, now: datetime) -> W | None:
    """The webhook without `event`, if that has still to be told."""
    if webhook is None:
        return None
    left = tuple(one for one in webhook.waiting if one.event != event)
    others = webhook if left == webhook.waiting else replace(webhook, waiting=left)
    is_pending = webhook.pending is not None and webhook.pending.event == event
    return _next_event(others, now) if is_pending else others


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
    if pending.tries < webhook.most_tries:
        return start_delivery(webhook, now)
    if webhook.waiting:
        return start_delivery(_next_event(webhook, now), now)
    lost = Delivery(now, pending.event, pending.id, error="The last attempt was not reported.")
    return replace(webhook, deliveries=_with(webhook, lost), pending=None)


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

    2xx ends the event, and so does what `is_final`: the next one has its turn; one of its
    `gone_statuses` ends the webhook.
    `jitter` from 0 to 1 spreads retries, only to later times.
    A report that comes late, when another delivery has begun, changes nothing of what is pending.
    """
    succeeded = status_code is not None and 200 <= status_code < 300 and error is None
    gone = status_code in webhook.gone_statuses
    pending = webhook.pending
    current = (pending.id, pending.tries) if pending else None
    is_current = current == (sent.id, sent.tries)
    is_last = succeeded or gone or is_final or sent.tries >= webhook.most_tries
    if is_last or not is_current:
        next_at = None
    else:
        scheduled_s = RETRY_SCHEDULE_S[sent.tries]
        wait_s = min(max(scheduled_s, retry_after_s), RETRY_SCHEDULE_S[-1])
        next_at = now + timedelta(seconds=wait_s * (1 + JITTER * jitter))
    delivery = Delivery(now, sent.event, sent.id, status_code, error, next_at)
    noted = replace(webhook, deliveries=_with(webhook, delivery))
    if gone:
        return replace(noted, pending=None, waiting=(), stopped=True)
    if not is_current:
        return noted
    if next_at:
        return replace(noted, pending=_next_try(sent, sent.tries, next_at, now))
    return _next_event(noted, now)


def at_once(one: Announced, now: datetime) -> Pending:
    """`one` as pending and due now; whoever asks for that hints at it."""
    until = first_hint_ends(now)
    return Pending(one.event, one.id, 0, now, hinted_until=until, noted_at=now, at=one.at)


def _next_event(webhook: W, now: datetime) -> W:
    """The webhook whose pending event is over; nobody has hinted at the next one yet."""
    if not webhook.waiting:
        return replace(webhook, pending=None)
    one, *left = webhook.waiting
    pending = Pending(one.event, one.id, 0, now, noted_at=now, at=one.at)
    return replace(webhook, pending=pending, waiting=tuple(left))


def _next_try(pending: Pending, tries: int, due_at: datetime, now: datetime) -> Pending:
    # Nothing is on its way to a delivery that is not due yet.
    return replace(pending, tries=tries, due_at=due_at, hints=0, hinted_until=None, noted_at=now)


def first_hint_ends(now: datetime) -> datetime:
    """Until when the hint of whoever makes an event due is taken to be on its way."""
    return now + timedelta(seconds=HINT_FIRST_S)


def _with(webhook: Webhook, delivery: Delivery) -> tuple[Delivery, ...]:
    return (*webhook.deliveries, delivery)[-MAX_DELIVERIES:]
