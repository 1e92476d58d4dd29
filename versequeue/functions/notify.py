"""One delivery of a webhook as a message asks for it, with this process's store and settings."""

import logging
import time
from functools import cache

from versequeue.errors import WebhookUrlForbidden
from versequeue.functions import wiring
from versequeue.rules.batch import BATCH_PREFIX
from versequeue.webhooks.addresses import read_url
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.receivers import Receiver, Receivers
from versequeue.webhooks.sender import Outcome, WebhookSender

log = logging.getLogger(__name__)
#: Of a message with nothing to send.
NOBODY = Receiver("")
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


def receiver_of(target: str) -> Receiver:
    """Who gets `target`'s webhook; nobody if it has none.

    Raises StoreUnavailable, and Unreadable if `target` cannot be read.
    """
    if not _names_something(target):
        return NOBODY
    store = wiring.store()
    found = store.get_batch(target) if target.startswith(BATCH_PREFIX) else store.get_job(target)
    if found is None or found.webhook is None:
        return NOBODY
    try:
        place = read_url(found.webhook.url, allow_private=True).place
    except WebhookUrlForbidden:  # of another version: it is told so by whoever sends
        place = ""
    return Receiver(place, found.client)


def _names_something(target: str) -> bool:
    return target.startswith(("job_", BATCH_PREFIX)) and len(target) <= 128 and "/" not in target


@cache
def _notifier() -> Notifier:
    settings = wiring.settings()
    sender = WebhookSender(settings.webhook_secrets, allow_private=settings.webhook_allow_private)
    return Notifier(wiring.store(), sender, settings)
