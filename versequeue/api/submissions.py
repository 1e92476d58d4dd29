"""What a submission of one song and one of many have in common: who asks, and what goes along."""

from flask import Request

from versequeue.api.bodies import BatchFields, JobBody
from versequeue.api.edge import idempotency_key
from versequeue.api.origin import client_of
from versequeue.config import Settings
from versequeue.service.callers import Submission
from versequeue.webhooks.addresses import subscription


def read_submission(
    request: Request, settings: Settings, attached: JobBody | BatchFields, content: bytes
) -> Submission:
    """Who submits `content`, and with what. Raises ValidationFailed or WebhookUrlForbidden."""
    webhook = None
    if asked := attached.webhook:
        allow_private = settings.webhook_allow_private
        webhook = subscription(asked.url, asked.events, allow_private=allow_private)
    client = client_of(request, settings)
    key = idempotency_key(request)
    return Submission(client, attached.metadata, webhook, key=key, body=content)
