"""The edge: from a request to a handler, and from whatever it gives or raises to a response.

Problem documents, CORS, conditional requests, bodies with a limit. Knows no job: the handlers are
in the `submit_*` and `results_*` modules beside this one.
"""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Request, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import MethodNotAllowed as RouteMethodNotAllowed
from werkzeug.exceptions import NotFound as RouteNotFound
from werkzeug.routing import Map, Rule

from versequeue.api.routes import ROUTES
from versequeue.config import Settings
from versequeue.errors import (
    FieldError,
    Forbidden,
    InvalidJson,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
    VerseQueueError,
)

log = logging.getLogger(__name__)
Handler = Callable[..., Response]
MAX_WAIT_S = 30
#: What a request may hold that is no file of prompts.
MAX_BODY_BYTES = 64 * 1024
EXPOSED = (
    "Location, Retry-After, ETag, Date, Idempotent-Replayed, Preference-Applied, "
    "RateLimit, RateLimit-Policy, Allow"
)


class Api:
    """Some of the routes of the contract, served by one function."""

    def __init__(self, function: str, handlers: Mapping[str, Handler], settings: Settings) -> None:
        self._function = function
        self._handlers = handlers
        self._settings = settings
        self._map = Map(
            [
                Rule(route.path, methods=[route.method], endpoint=(route.function, route.name))
                for route in ROUTES
            ],
            strict_slashes=False,
            merge_slashes=False,
        )

    def __call__(self, request: Request) -> Response:
        """Answer `request`; never raises, never answers with a stack trace."""
        try:
            response = self._dispatch(request)
        except VerseQueueError as error:
            response = problem(error, request.path)
        except RequestEntityTooLarge:
            response = problem(PayloadTooLarge(), request.path)
        except HTTPException as error:
            response = problem(_from_werkzeug(error), request.path)
        except Exception:
            log.exception("unexpected error on %s %s", request.method, request.path)
            response = problem(VerseQueueError(), request.path)
        return self._finish(request, response)

    def _dispatch(self, request: Request) -> Response:
        adapter = self._map.bind("localhost")
        try:
            (function, name), arguments = adapter.match(request.path, method=request.method)
        except RouteNotFound:
            raise NotFound(f"There is no {request.path} here.") from None
        except RouteMethodNotAllowed:
            return self._wrong_method(request, list(adapter.allowed_methods(request.path)))
        if function != self._function:
            raise NotFound(f"{request.method} {request.path} is served by the {function} function.")
        if name != "health":
            check_api_key(request, self._settings)
        return self._handlers[name](request, *arguments.values())

    def _wrong_method(self, request: Request, allowed: list[str]) -> Response:
        allow = ", ".join(sorted({*allowed, "OPTIONS"}))
        if request.method == "OPTIONS":
            return Response(status=204, headers={"Allow": allow})
        raise MethodNotAllowed(
            f"{request.path} does not take {request.method}.", headers={"Allow": allow}
        )

    def _finish(self, request: Request, response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        response.headers["Referrer-Policy"] = "no-referrer"
        origin = request.headers.get("Origin", "")
        if self._settings.cors_origins:
            response.headers.add("Vary", "Origin")
        if origin and origin in self._settings.cors_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
                response.headers["Access-Control-Allow-Headers"] = (
                    "Content-Type, Idempotency-Key, If-None-Match, Prefer, X-Api-Key"
                )
                response.headers["Access-Control-Max-Age"] = "86400"
        return response


def json_response(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`document` as application/json."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
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


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`. Raises InvalidJson, also for NaN and for text not in UTF-8."""
    if not body.strip():
        raise InvalidJson("The body is empty; a JSON object with a prompt is expected.")
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8: byte {error.start} is wrong.") from error
    except RecursionError as error:
        raise InvalidJson("The body is nested too deeply.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"The body is not JSON: {error.msg} at {where}.") from error
    except ValueError as error:
        raise InvalidJson(f"The body is not JSON: {error}.") from error


def decode_text(body: bytes, pointer: str) -> str:
    """`body` as text. Raises ValidationFailed at `pointer` if it is not UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = FieldError(pointer, f"This is not UTF-8: byte {error.start} is wrong.")
        raise ValidationFailed("The body is not UTF-8.", errors=[fault]) from error


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header. Raises ValidationFailed if it is not 1 to 255 visible ASCII."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise ValidationFailed(
            "Idempotency-Key is 1 to 255 visible ASCII characters.",
            errors=[FieldError("/headers/Idempotency-Key", "1 to 255 visible ASCII characters.")],
        )
    return key


def prefer_wait_s(request: Request) -> int:
    """N of `Prefer: wait=N`, at most 30; 0 if there is none that can be understood."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", request.headers.get("Prefer", ""))
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


def check_api_key(request: Request, settings: Settings) -> None:
    """Raise Unauthorized or Forbidden unless the key is one of the owner's, if there are any."""
    if not settings.api_keys:
        return
    given = request.headers.get("X-Api-Key")
    if given is None:
        raise Unauthorized()
    if not any(hmac.compare_digest(given.encode(), key.encode()) for key in settings.api_keys):
        raise Forbidden()


def caller_identity(request: Request, settings: Settings) -> str:
    """The API key, or the address that our own proxies report; never one that a caller wrote."""
    if settings.api_keys:
        return f"key:{request.headers.get('X-Api-Key', '')}"
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if 0 < settings.trusted_proxies <= len(forwarded):
        return f"address:{forwarded[-settings.trusted_proxies]}"
    return f"address:{request.remote_addr}"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _from_werkzeug(error: HTTPException) -> VerseQueueError:
    known = InvalidRequest if (error.code or 400) < 500 else VerseQueueError
    return known(error.description or "")
