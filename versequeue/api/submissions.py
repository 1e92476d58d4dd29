"""What every submission is made of, whether it asks for one song or for many."""

from flask import Request

from versequeue.api.bodies import WebhookBody
from versequeue.api.edge import caller_identity, idempotency_key
from versequeue.config import Settings
from versequeue.service.callers import Submission
from versequeue.service.idempotency import client_hash
from versequeue.webhooks.addresses import subscription


def read_submission(
    request: Request,
    settings: Settings,
    *,
    metadata: dict[str, str],
    webhook: WebhookBody | None,
    body: bytes,
) -> Submission:
    """Who submits, and with what. Raises ValidationFailed or WebhookUrlForbidden."""
    allow_private = settings.webhook_allow_private
    return Submission(
        client=client_hash(settings.hash_key, caller_identity(request, settings)),
        metadata=metadata,
        webhook=subscription(webhook.url, webhook.events, allow_private=allow_private)
        if webhook
        else None,
        key=idempotency_key(request),
        body=body,
    )
