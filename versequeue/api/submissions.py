"""What a submission of one song and one of many have in common: who asks, and what goes along.

Knows no prompts and no options.
"""

from typing import Protocol

from flask import Request

from versequeue.api.bodies import WebhookBody
from versequeue.api.edge import idempotency_key
from versequeue.api.origin import caller_identity
from versequeue.config import Settings
from versequeue.service.callers import Submission
from versequeue.service.idempotency import client_hash
from versequeue.webhooks.addresses import subscription


class Attachments(Protocol):
    """What a body may hold beside the prompts and their options."""

    metadata: dict[str, str]
    webhook: WebhookBody | None


def read_submission(
    request: Request, settings: Settings, attached: Attachments, content: bytes
) -> Submission:
    """Who submits `content`, and with what. Raises ValidationFailed or WebhookUrlForbidden."""
    webhook = None
    if asked := attached.webhook:
        allow_private = settings.webhook_allow_private
        webhook = subscription(asked.url, asked.events, allow_private=allow_private)
    client = client_of(request, settings)
    key = idempotency_key(request)
    return Submission(client, attached.metadata, webhook, key=key, body=content)


def client_of(request: Request, settings: Settings) -> str:
    """The hash under which the sender of `request` is known."""
    return client_hash(settings.hash_key, caller_identity(request, settings))
