"""What every submission says of itself, whether it asks for one song or for many."""

from typing import Protocol

from flask import Request

from versequeue.api.bodies import WebhookBody
from versequeue.api.edge import caller_identity, idempotency_key
from versequeue.config import Settings
from versequeue.service.callers import Submission
from versequeue.service.idempotency import client_hash
from versequeue.webhooks.addresses import subscription


class About(Protocol):
    """What both kinds of body may hold beside what is to be written."""

    metadata: dict[str, str]
    webhook: WebhookBody | None


def read_submission(
    request: Request, settings: Settings, about: About, content: bytes
) -> Submission:
    """Who submits `content`, and with what. Raises ValidationFailed or WebhookUrlForbidden."""
    webhook = None
    if asked := about.webhook:
        allow_private = settings.webhook_allow_private
        webhook = subscription(asked.url, asked.events, allow_private=allow_private)
    client = client_hash(settings.hash_key, caller_identity(request, settings))
    key = idempotency_key(request)
    return Submission(client, about.metadata, webhook, key=key, body=content)
