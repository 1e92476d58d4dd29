"""One delivery of a job's or a batch's pending webhook event: claim it, send it, write it down.

The claim is stored before anything is sent, so that two messages send once; a crash after it
leads to another attempt under the same `webhook-id` once the claim's lease has lapsed.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TypeVar

from versequeue.clock import Clock, utc_now
from versequeue.config import Settings
from versequeue.contract.wire import json_bytes, wire_time
from versequeue.ports.store import Store
from versequeue.rules.batch import BATCH_PREFIX, Batch, current_counts
from versequeue.rules.job import Job
from versequeue.rules.webhook import Pending, Webhook, postpone, record_delivery, take_delivery
from versequeue.service.views import batch_view, job_view
from versequeue.webhooks.sender import Outcome, WebhookSender

log = logging.getLogger(__name__)
T = TypeVar("T", Job, Batch)


@dataclass(frozen=True)
class Notifier:
    """Delivers pending events; one instance serves any number of threads."""

    store: Store
    sender: WebhookSender
    settings: Settings
    clock: Clock = utc_now
    #: from 0 to 1: spreads the retries of many
    jitter: Callable[[], float] = random.random

    def deliver(self, target: str) -> Outcome | None:
        """Try once to deliver what is due of `target`; None if nothing is. Raises StoreUnavailable.

        However the attempt ends, this returns: the next one is in the store, for the sweep.
        """
        claimed = self._claim(target)
        if claimed is None:
            return None
        found, url, pending = claimed
        outcome = self.sender.send(url, pending.id, self._body(found, pending), self.clock())
        report = {"now": self.clock(), "jitter": self.jitter(), **asdict(outcome)}
        self._update(target, partial(record_delivery, sent=pending, **report))
        log.info("webhook: %s", outcome, extra={"target": target, "event": pending.event})
        return outcome

    def postpone(self, target: str, wait_s: float) -> None:
        """Leave what is due of `target` to the sweep for so long. Raises StoreUnavailable."""
        self._update(target, lambda webhook: postpone(webhook, self.clock(), wait_s))

    def _claim(self, target: str) -> tuple[Job | Batch, str, Pending] | None:
        now = self.clock()
        before: Webhook | None = None

        def take(webhook: Webhook) -> Webhook:
            nonlocal before
            before = webhook
            return take_delivery(webhook, now)

        found = self._update(target, take)
        webhook = found.webhook if found else None
        if found is None or webhook is None or webhook is before or webhook.pending is None:
            return None
        return found, webhook.url, webhook.pending

    def _update(self, target: str, change: Callable[[Webhook], Webhook]) -> Job | Batch | None:
        if target.startswith(BATCH_PREFIX):
            return self.store.update_batch(target, lambda batch: _with_webhook(batch, change))
        return self.store.update_job(target, lambda job: _with_webhook(job, change))

    def _body(self, found: Job | Batch, pending: Pending) -> bytes:
        if isinstance(found, Job):
            data = job_view(found, self.settings)
        else:
            counts = current_counts(found.total, self.store.batch_counts(found.id))
            data = batch_view(found, counts, self.settings)
        timestamp = wire_time(found.finished_at)
        return json_bytes({"type": pending.event, "timestamp": timestamp, "data": data})


def _with_webhook(found: T, change: Callable[[Webhook], Webhook]) -> T:
    if found.webhook is None:
        return found
    webhook = change(found.webhook)
    return found if webhook is found.webhook else replace(found, webhook=webhook)
