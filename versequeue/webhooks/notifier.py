"""One delivery of a job's or a batch's pending webhook event: claim it, send it, write it down.

The claim is stored before anything is sent, so that two messages send once; a crash after it
leads to another attempt under the same `webhook-id` once the claim's lease has lapsed.
"""

import json
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from versequeue.clock import Clock, utc_now
from versequeue.config import Settings
from versequeue.contract.wire import wire_time
from versequeue.ports.store import Store
from versequeue.rules.batch import BATCH_PREFIX, Batch, current_counts
from versequeue.rules.job import Job
from versequeue.rules.webhook import Pending, Webhook, record_delivery, take_delivery
from versequeue.service.views import batch_view, job_view
from versequeue.webhooks.sender import Outcome, WebhookSender

log = logging.getLogger(__name__)
T = TypeVar("T", Job, Batch)


class Notifier:
    """Delivers pending events; one instance serves any number of threads."""

    def __init__(
        self,
        store: Store,
        sender: WebhookSender,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._jitter = jitter

    def deliver(self, target: str) -> Outcome | None:
        """Try once to deliver what is due of `target`; None if nothing is. Raises StoreUnavailable.

        However the attempt ends, this returns: the next one is in the store, for the sweep.
        """
        claimed = self._claim(target)
        if claimed is None:
            return None
        found, webhook, pending = claimed
        body = self._body(found, pending)
        outcome = self._sender.send(webhook.url, pending.id, body, self._clock())
        self._record(target, pending, outcome)
        log.info("webhook: %s", outcome, extra={"target": target, "event": pending.event})
        return outcome

    def _claim(self, target: str) -> tuple[Job | Batch, Webhook, Pending] | None:
        now = self._clock()
        before: Webhook | None = None

        def take(webhook: Webhook) -> Webhook:
            nonlocal before
            before = webhook
            return take_delivery(webhook, now)

        found = self._update(target, take)
        if found is None or found.webhook is None or found.webhook is before:
            return None
        pending = found.webhook.pending
        return (found, found.webhook, pending) if pending else None

    def _record(self, target: str, pending: Pending, outcome: Outcome) -> None:
        now, jitter = self._clock(), self._jitter()
        self._update(
            target,
            lambda webhook: record_delivery(
                webhook,
                pending,
                now,
                status_code=outcome.status_code,
                error=outcome.error,
                retry_after_s=outcome.retry_after_s,
                jitter=jitter,
            ),
        )

    def _update(self, target: str, change: Callable[[Webhook], Webhook]) -> Job | Batch | None:
        if target.startswith(BATCH_PREFIX):
            return self._store.update_batch(target, lambda batch: _with_webhook(batch, change))
        return self._store.update_job(target, lambda job: _with_webhook(job, change))

    def _body(self, found: Job | Batch, pending: Pending) -> bytes:
        document = {
            "type": pending.event,
            "timestamp": wire_time(found.finished_at),
            "data": self._data(found),
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def _data(self, found: Job | Batch) -> dict[str, Any]:
        if isinstance(found, Job):
            return job_view(found, self._settings)
        counts = current_counts(found.total, self._store.batch_counts(found.id))
        return batch_view(found, counts, self._settings)


def _with_webhook(found: T, change: Callable[[Webhook], Webhook]) -> T:
    if found.webhook is None:
        return found
    webhook = change(found.webhook)
    return found if webhook is found.webhook else replace(found, webhook=webhook)
