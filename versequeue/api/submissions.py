"""What a submission of one song and one of many have in common: who asks, and what goes along."""

from dataclasses import replace
from typing import Any

from flask import Request, Response

from versequeue.api.edge import (
    MAX_BODY_BYTES,
    idempotency_key,
    json_response,
    media_type,
    read_body,
)
from versequeue.api.origin import client_of
from versequeue.api.resources import Resource
from versequeue.api.routes import ROUTES
from versequeue.config import Settings
from versequeue.errors import (
    FieldError,
    UnsupportedMediaType,
    ValidationFailed,
    WebhookUrlForbidden,
)
from versequeue.ids import random_seed
from versequeue.intake.job_body import AnyJobBody, BatchFields, PushBody
from versequeue.intake.options_body import OptionsBody
from versequeue.intake.strict_json import parse_json
from versequeue.intake.validation import FAULTY, validate
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.push import PUSH_EVENTS, Push
from versequeue.rules.terms import AT_ONCE, Terms
from versequeue.service.callers import Accepted, Found, Submission
from versequeue.service.reads import Reads
from versequeue.webhooks.addresses import read_url, subscription

JSON_TYPE = "application/json"


def resolved(asked: AnyJobBody | OptionsBody, settings: Settings) -> ResolvedOptions:
    """How the song is to be written, with a random seed and the first model where none is said."""
    options = asked.resolved(random_seed())
    return replace(options, model=settings.told_model(options.model))


def read_submission(
    request: Request,
    settings: Settings,
    attached: AnyJobBody | BatchFields,
    content: bytes,
    terms: Terms = AT_ONCE,
) -> Submission:
    """Who submits `content`, and with what. Raises ValidationFailed or WebhookUrlForbidden."""
    webhook = None
    if asked := attached.webhook:
        allow_private = settings.webhook_allow_private
        webhook = subscription(asked.url, asked.events, allow_private=allow_private)
    push = read_push(attached.push, settings, "/push") if attached.push else None
    client = client_of(request, settings)
    key = idempotency_key(request)
    return Submission(client, attached.metadata, webhook, push, terms, key=key, body=content)


def read_push(body: PushBody, settings: Settings, pointer: str = "") -> Push:
    """The subscription in `body`, which stands at `pointer`. Raises ValidationFailed."""
    try:
        read_url(body.endpoint, allow_private=settings.webhook_allow_private)
    except WebhookUrlForbidden as error:
        fault = FieldError(f"{pointer}/endpoint", str(error))
        raise ValidationFailed(FAULTY, errors=[fault]) from error
    return Push(body.endpoint, PUSH_EVENTS, p256dh=body.keys.p256dh, auth=body.keys.auth)


def subscribe(resource: Resource[Found], request: Request, found_id: str) -> Response:
    """200 with what the browser that is named in the body will be told of."""
    raw = read_body(request, MAX_BODY_BYTES)
    if media_type(request) != JSON_TYPE:
        raise UnsupportedMediaType(
            f"A subscription is taken as {JSON_TYPE}.", headers={"Accept": JSON_TYPE}
        )
    push = read_push(validate(PushBody, parse_json(raw)), resource.side.settings)
    return json_response(resource.view(resource.side.subscribe(found_id, push)))


def answered_before(
    resource: Resource[Found], reads: Reads, look: str, request: Request, content: bytes
) -> Response | None:
    """The answer that this very request has had under its key, if it was accepted.

    It may be refused today, for a time in it is past; what it made is there all the same. Raises
    RateLimited.
    """
    side = resource.side
    client, key = client_of(request, side.settings), idempotency_key(request)
    submission = Submission(client, key=key, body=content)
    count_key(reads, submission)
    found = side.accepted_before(submission)
    if found is None:
        return None
    accepted = Accepted(found, replayed=True)
    count_replay(reads, submission, accepted, look)
    return resource.accepted(accepted)


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
