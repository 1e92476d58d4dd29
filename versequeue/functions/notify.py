"""One delivery of a webhook as a message asks for it, with this process's store and settings."""

import logging
import time
from contextlib import suppress
from functools import cache
from urllib.parse import urlsplit

from versequeue.functions import wiring
from versequeue.rules.batch import BATCH_PREFIX
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.receivers import Receivers
from versequeue.webhooks.sender import Outcome, WebhookSender

log = logging.getLogger(__name__)
#: Who has this process's senders.
_receivers = Receivers()


def notify_target(target: str) -> Outcome | None:
    """One delivery for `target`; None if nothing is due. Raises StoreUnavailable."""
    if not _names_something(target):
        log.warning("a message that names no job and no batch is dropped")
        return None
    return _notifier().deliver(target)


def notify_in_turn(target: str) -> None:
    """`notify_target` if a sender is free for its receiver, else later, by the sweep.

    Raises StoreUnavailable.
    """
    receiver = receiver_of(target)
    began_s = time.monotonic()
    if wait_s := _receivers.ask(receiver, began_s):
        _notifier().postpone(target, wait_s)
        return
    answered = True
    try:
        outcome = notify_target(target)
        answered = outcome is None or outcome.status_code is not None
    finally:
        now_s = time.monotonic()
        _receivers.done(receiver, now_s, took_s=now_s - began_s, answered=answered)


def receiver_of(target: str) -> str:
    """The host and port of `target`'s webhook; empty if it has none.

    Raises StoreUnavailable, and Unreadable if `target` cannot be read.
    """
    if not _names_something(target):
        return ""
    store = wiring.store()
    found = store.get_batch(target) if target.startswith(BATCH_PREFIX) else store.get_job(target)
    with suppress(ValueError):  # an address that is none is told so by whoever sends
        return urlsplit(found.webhook.url).netloc if found and found.webhook else ""
    return ""


def _names_something(target: str) -> bool:
    return target.startswith(("job_", BATCH_PREFIX)) and len(target) <= 128 and "/" not in target


@cache
def _notifier() -> Notifier:
    settings = wiring.settings()
    sender = WebhookSender(settings.webhook_secrets, allow_private=settings.webhook_allow_private)
    return Notifier(wiring.store(), sender, settings)
