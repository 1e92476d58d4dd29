"""What every handler reads from a request, and how it answers. Knows no route and no job."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Request, Response
from werkzeug.datastructures import MultiDict

from versequeue.contract.wire import json_bytes
from versequeue.errors import (
    FieldError,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    VerseQueueError,
)
from versequeue.intake.strict_json import pointed

Handler = Callable[..., Response]
MAX_WAIT_S = 30
#: What a request may hold that is no file of prompts.
MAX_BODY_BYTES = 64 * 1024


def json_response(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`document` as application/json, with a line end for whoever reads it on a terminal."""
    body = json_bytes(document) + b"\n"
    return Response(body, status, dict(headers or {}), content_type="application/json")


def problem(error: VerseQueueError, instance: str) -> Response:
    """`error` as application/problem+json, RFC 9457."""
    response = json_response(error.problem(instance).document(), error.status, error.headers)
    response.content_type = "application/problem+json"
    return response


def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises PayloadTooLarge over `limit_bytes`."""
    too_large = PayloadTooLarge(f"At most {limit_bytes:,} bytes are taken here.")
    if (request.content_length or 0) > limit_bytes:
        raise too_large
    body = request.stream.read(limit_bytes + 1)
    if len(body) > limit_bytes:
        raise too_large
    return body


def media_type(request: Request) -> str:
    """The content type without its parameters. Raises UnsupportedMediaType for a charset."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"Text is taken in UTF-8 only, not in {charset}.")
    return request.mimetype


def single_fields(fields: MultiDict[str, str], place: str) -> dict[str, str]:
    """Each field's one value; `place` begins its pointer. Raises ValidationFailed for two."""
    if twice := [name for name, values in fields.lists() if len(values) > 1]:
        faults = [FieldError(f"{place}/{pointed(name)}", "This is there twice.") for name in twice]
        raise ValidationFailed("Some fields of the request are there twice.", errors=faults)
    return fields.to_dict()


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header. Raises ValidationFailed if it is not 1 to 255 visible ASCII."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        rule = "1 to 255 visible ASCII characters."
        fault = FieldError("/headers/Idempotency-Key", rule)
        raise ValidationFailed(f"Idempotency-Key is {rule}", errors=[fault])
    return key


def prefer_wait_s(request: Request) -> int:
    """N of `Prefer: wait=N`, at most 30; 0 if there is none that can be understood."""
    found = re.search(
        r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,9})\"?", request.headers.get("Prefer", "")
    )
    return min(int(found.group(1)), MAX_WAIT_S) if found else 0


def conditional(request: Request, response: Response, etag: str) -> Response:
    """`response` with its ETag, or 304 without a body if the caller has that already."""
    response.set_etag(etag)
    if request.if_none_match.contains_weak(etag):
        kept = ("ETag", "Cache-Control", "Retry-After", "Preference-Applied")
        headers = {name: response.headers[name] for name in kept if name in response.headers}
        return Response(status=304, headers=headers)
    return response


def digest(document: Mapping[str, Any]) -> str:
    """An ETag for `document`."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
