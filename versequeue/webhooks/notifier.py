"""One delivery of a job's or a batch's pending event: claim it, send it, write it down.

The claim is stored before anything is sent, so that two messages send once; a crash after it
leads to another attempt under the same `webhook-id` once the claim's lease has lapsed.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial

from versequeue.clock import Clock, utc_now
from versequeue.config import Settings
from versequeue.contract.wire import json_bytes, wire_time
from versequeue.ports.store import Store
from versequeue.rules.batch import BATCH_PREFIX, Batch, current_counts
from versequeue.rules.channels import Channel, change_told, read_target, subscription_of
from versequeue.rules.job import Job, Status
from versequeue.rules.push import Push
from versequeue.rules.totals import of_delivery
from versequeue.rules.webhook import (
    JOB_STARTED,
    Pending,
    Webhook,
    postpone,
    record_delivery,
    take_delivery,
)
from versequeue.service.endings import note_totals
from versequeue.service.views import batch_view, job_view
from versequeue.webhooks.push_messages import push_message
from versequeue.webhooks.push_sender import PushSender
from versequeue.webhooks.sender import Outcome, WebhookSender

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notifier:
    """Delivers pending events; one instance serves any number of threads."""

    store: Store
    sender: WebhookSender
    settings: Settings
    clock: Clock = utc_now
    #: from 0 to 1: spreads the retries of many
    jitter: Callable[[], float] = random.random
    #: without a key, unless it is given: no push is sent
    pushes: PushSender = field(default_factory=lambda: PushSender(None, ""))

    def deliver(self, target: str) -> Outcome | None:
        """Try once to deliver what is due of `target`; None if nothing is. Raises StoreUnavailable.

        What waits behind an event that is over goes right after it. However the attempt ends, this
        returns: the next one is in the store, for the sweep.
        """
        claimed = self._claim(target)
        if claimed is None:
            return None
        found, webhook, pending = claimed
        outcome = self._send(found, webhook, pending)
        report = {"now": self.clock(), "jitter": self.jitter(), **asdict(outcome)}
        after = self._update(target, partial(record_delivery, sent=pending, **report))
        channel = Channel.PUSH if isinstance(webhook, Push) else Channel.WEBHOOK
        arrived = of_delivery(channel, arrived=outcome.error is None)
        note_totals(self.store, arrived, self.clock())
        log.info("%s: %s", channel, outcome, extra={"target": target, "event": pending.event})
        return self.deliver(target) or outcome if _has_next(after, target, pending) else outcome

    def postpone(self, target: str, wait_s: float) -> None:
        """Leave what is due of `target` to the sweep for so long. Raises StoreUnavailable."""
        self._update(target, lambda webhook: postpone(webhook, self.clock(), wait_s))

    def _claim(self, target: str) -> tuple[Job | Batch, Webhook, Pending] | None:
        now = self.clock()
        before: Webhook | None = None

        def take(webhook: Webhook) -> Webhook:
            nonlocal before
            before = webhook
            return take_delivery(webhook, now)

        found = self._update(target, take)
        read = read_target(target)
        webhook = subscription_of(found, read[1]) if found and read else None
        if found is None or webhook is None or webhook is before or webhook.pending is None:
            return None
        return found, webhook, webhook.pending

    def _update(self, target: str, change: Callable[[Webhook], Webhook]) -> Job | Batch | None:
        read = read_target(target)
        if read is None:
            return None
        name, channel = read
        if name.startswith(BATCH_PREFIX):
            return self.store.update_batch(name, lambda it: change_told(it, channel, change))
        return self.store.update_job(name, lambda it: change_told(it, channel, change))

    def _send(self, found: Job | Batch, webhook: Webhook, pending: Pending) -> Outcome:
        counts = None
        if isinstance(found, Batch):
            counts = current_counts(found.total, self.store.batch_counts(found.id))
        if isinstance(webhook, Push):
            message = push_message(found, pending.event, counts)
            return self.pushes.send(webhook, pending.id, message, self.clock())
        body = self._body(found, pending, counts or {})
        return self.sender.send(webhook.url, pending.id, body, self.clock())

    def _body(self, found: Job | Batch, pending: Pending, counts: Mapping[Status, int]) -> bytes:
        if isinstance(found, Job):
            data = job_view(found, self.settings)
        else:
            data = batch_view(found, counts, self.settings)
        timestamp = wire_time(_happened_at(found, pending))
        return json_bytes({"type": pending.event, "timestamp": timestamp, "data": data})


def _has_next(found: Job | Batch | None, target: str, sent: Pending) -> bool:
    """Whether another event has its turn now that `sent` was."""
    read = read_target(target)
    told = subscription_of(found, read[1]) if found and read else None
    return bool(told and told.pending and told.pending.id != sent.id)


def _happened_at(found: Job | Batch, pending: Pending) -> datetime | None:
    if pending.at is None and pending.event == JOB_STARTED and isinstance(found, Job):
        return found.started_at
    return pending.at or found.finished_at
