"""One delivery of a webhook as a message asks for it, with this process's store and settings."""

import logging
from functools import cache

from versequeue.functions import wiring
from versequeue.rules.batch import BATCH_PREFIX
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.sender import WebhookSender

log = logging.getLogger(__name__)


def notify_target(target: str) -> None:
    """One delivery for `target` with this process's store and settings. Raises StoreUnavailable."""
    if not (target.startswith(("job_", BATCH_PREFIX)) and len(target) <= 128 and "/" not in target):
        log.warning("a message that names no job and no batch is dropped")
        return
    _notifier().deliver(target)


@cache
def _notifier() -> Notifier:
    settings = wiring.settings()
    sender = WebhookSender(settings.webhook_secrets, allow_private=settings.webhook_allow_private)
    return Notifier(wiring.store(), sender, settings)
