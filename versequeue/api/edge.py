"""What every handler reads from a request, and how it answers. Knows no route and no job."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Request, Response
from werkzeug.datastructures import MultiDict

from versequeue.contract.wire import json_bytes
from versequeue.errors import (
    FieldError,
    InvalidJson,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    VerseQueueError,
)

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


class RepeatedNames(ValueError):
    """A name stands twice in an object, so that two readers may take two values for it."""


def strict_json(text: str) -> Any:
    """The JSON value in `text`. Raises RepeatedNames, or another ValueError also for NaN."""
    return json.loads(text, object_pairs_hook=_unique_names, parse_constant=_refuse_constant)


def repeated(names: Iterable[str]) -> list[str]:
    """Those that are there more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def single_fields(fields: MultiDict[str, str], place: str) -> dict[str, str]:
    """Each field's one value; `place` begins its pointer. Raises ValidationFailed for two."""
    if twice := [name for name, values in fields.lists() if len(values) > 1]:
        faults = [FieldError(f"{place}/{pointed(name)}", "This is there twice.") for name in twice]
        raise ValidationFailed("Some fields of the request are there twice.", errors=faults)
    return fields.to_dict()


def pointed(name: object) -> str:
    """A name as a part of a JSON pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


def quoted(names: list[str]) -> str:
    """Some of a stranger's names, as they may be shown."""
    return ", ".join(f"“{_shortened(name)}”" for name in names[:5])


def _shortened(name: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in name)
    return printable if len(printable) <= 40 else printable[:39] + "…"


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := repeated(name for name, _ in pairs):
        raise RepeatedNames(f"{quoted(twice)} is there twice")
    return dict(pairs)


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`. Raises InvalidJson, also for NaN and for text not in UTF-8."""
    if not body.strip():
        raise InvalidJson("The body is empty; a JSON object is expected.")
    try:
        return strict_json(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8: byte {error.start} is wrong.") from error
    except RecursionError as error:
        raise InvalidJson("The body is nested too deeply.") from error
    except RepeatedNames as error:
        raise InvalidJson(f"In the body {error}.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"The body is not JSON: {error.msg} at {where}.") from error
    except ValueError as error:
        raise InvalidJson(f"The body is not JSON: {error}.") from error


def decode_prompt(body: bytes) -> str:
    """`body` as text. Raises ValidationFailed if it is not UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = FieldError("/prompt", f"This is not UTF-8: byte {error.start} is wrong.")
        raise ValidationFailed("The body is not UTF-8.", errors=[fault]) from error


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


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
