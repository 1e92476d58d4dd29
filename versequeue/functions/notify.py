"""One delivery of a webhook or a push that a message asks for, with this process's store."""

import logging
import time
from functools import cache

from versequeue.config import Settings
from versequeue.errors import WebhookUrlForbidden
from versequeue.functions import wiring
from versequeue.rules.batch import BATCH_PREFIX
from versequeue.rules.channels import read_target, subscription_of
from versequeue.webhooks.addresses import read_url
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.push_keys import PushKey
from versequeue.webhooks.push_sender import PushSender
from versequeue.webhooks.receivers import Receiver, Receivers
from versequeue.webhooks.sender import Outcome, WebhookSender

log = logging.getLogger(__name__)
#: Whom a push service may ask about a server on somebody's own machine, unless its owner says so.
NOBODY_TO_ASK = "https://localhost"
#: Of a message with nothing to send.
NOBODY = Receiver("")
#: Who has this process's senders.
_receivers = Receivers()


def check_keys() -> None:
    """Raise StartupError, which names it, if a secret for webhooks or the key for pushes is none.

    Where it is found out at the first event instead, nothing is ever sent.
    """
    _senders(wiring.settings())


def notify_target(target: str) -> Outcome | None:
    """One delivery for `target`; None if nothing is due. Raises StoreUnavailable."""
    if read_target(target) is None:
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
    """Who is sent what `target` names; nobody if there is none.

    Raises StoreUnavailable, and Unreadable if `target` cannot be read.
    """
    read = read_target(target)
    if read is None:
        return NOBODY
    (name, channel), store = read, wiring.store()
    found = store.get_batch(name) if name.startswith(BATCH_PREFIX) else store.get_job(name)
    webhook = subscription_of(found, channel) if found else None
    if found is None or webhook is None:
        return NOBODY
    try:
        place = read_url(webhook.url, allow_private=True).place
    except WebhookUrlForbidden:  # of another version: it is told so by whoever sends
        place = ""
    return Receiver(place, found.client)


@cache
def _notifier() -> Notifier:
    settings = wiring.settings()
    webhooks, pushes = _senders(settings)
    return Notifier(wiring.store(), webhooks, settings, pushes=pushes)


def _senders(settings: Settings) -> tuple[WebhookSender, PushSender]:
    allow_private = settings.webhook_allow_private
    webhooks = WebhookSender(settings.webhook_secrets, allow_private=allow_private)
    key = PushKey.read(settings.push_key) if settings.push_key else None
    return webhooks, PushSender(key, _contact(settings), allow_private=allow_private)


def _contact(settings: Settings) -> str:
    # A push service refuses a message without one.
    own = settings.submit_url if settings.submit_url.startswith("https://") else ""
    return settings.push_contact or own or NOBODY_TO_ASK
