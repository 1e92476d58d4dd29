"""What a submission of one song and one of many have in common: who asks, and what goes along."""

from dataclasses import replace
from typing import Any

from flask import Request

from versequeue.api.bodies import BatchFields, JobBody, OptionsBody
from versequeue.api.edge import idempotency_key
from versequeue.api.origin import client_of
from versequeue.api.routes import ROUTES
from versequeue.config import Settings
from versequeue.ids import random_seed
from versequeue.rules.options import ResolvedOptions
from versequeue.service.callers import Accepted, Submission
from versequeue.service.reads import Reads
from versequeue.webhooks.addresses import subscription


def resolved(asked: JobBody | OptionsBody, settings: Settings) -> ResolvedOptions:
    """How the song is to be written, with a random seed and the first model where none is said."""
    options = asked.resolved(random_seed())
    return replace(options, model=settings.told_model(options.model))


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


def count_key(reads: Reads, submission: Submission) -> None:
    """Count that it is looked up whether the key was used before. Raises RateLimited."""
    if submission.key is not None:
        reads.take(submission.client, 1)


def count_replay(reads: Reads, submission: Submission, accepted: Accepted[Any], look: str) -> None:
    """Count what was read where the key was used before: as the route `look` reads it.

    Raises RateLimited.
    """
    if accepted.replayed:
        [documents] = [route.reads for route in ROUTES if route.name == look]
        reads.take(submission.client, documents)
