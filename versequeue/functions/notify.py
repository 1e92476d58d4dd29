"""One delivery of a webhook as a message asks for it, with this process's store and settings."""

import logging
from functools import cache
from urllib.parse import urlsplit

from versequeue.functions import wiring
from versequeue.rules.batch import BATCH_PREFIX
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.sender import Outcome, WebhookSender

log = logging.getLogger(__name__)


def notify_target(target: str) -> Outcome | None:
    """One delivery for `target`; None if nothing is due. Raises StoreUnavailable."""
    if not _names_something(target):
        log.warning("a message that names no job and no batch is dropped")
        return None
    return _notifier().deliver(target)


def receiver_of(target: str) -> str:
    """The host and port of `target`'s webhook; empty if it has none. Raises StoreUnavailable."""
    if not _names_something(target):
        return ""
    store = wiring.store()
    found = store.get_batch(target) if target.startswith(BATCH_PREFIX) else store.get_job(target)
    return urlsplit(found.webhook.url).netloc if found and found.webhook else ""


def _names_something(target: str) -> bool:
    return target.startswith(("job_", BATCH_PREFIX)) and len(target) <= 128 and "/" not in target


@cache
def _notifier() -> Notifier:
    settings = wiring.settings()
    sender = WebhookSender(settings.webhook_secrets, allow_private=settings.webhook_allow_private)
    return Notifier(wiring.store(), sender, settings)
