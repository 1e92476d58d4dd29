"""From a request to its handler, and from what that gives or raises to a response. Knows no job."""

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import MethodNotAllowed as RouteMethodNotAllowed
from werkzeug.exceptions import NotFound as RouteNotFound
from werkzeug.routing import Map, Rule

from versequeue.api.edge import Handler, prefer_wait_s, problem
from versequeue.api.origin import api_key_of, check_host, check_page, client_of
from versequeue.api.routes import ROUTES
from versequeue.config import Settings
from versequeue.contract import paths
from versequeue.errors import (
    SURROUNDINGS,
    Forbidden,
    FunctionUnavailable,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Unauthorized,
    VerseQueueError,
)
from versequeue.service.reads import Reads

log = logging.getLogger(__name__)
UNEXPECTED = "unexpected error on %s %s"
#: Headers of an answer that a page on another origin may read.
EXPOSED = (
    "Location, Retry-After, ETag, Date, Idempotent-Replayed, Preference-Applied, "
    "RateLimit, RateLimit-Policy, Allow, Next-Since"
)


_MAP = Map(
    [Rule(route.path, methods=[route.method], endpoint=route) for route in ROUTES],
    strict_slashes=False,
    merge_slashes=False,
)


@dataclass(frozen=True)
class Api:
    """Those routes of the contract that `function` serves, and a handler for each by its name.

    What each has the store read is counted before that.
    """

    function: str
    handlers: Mapping[str, Handler]
    settings: Settings
    reads: Reads

    def __call__(self, request: Request) -> Response:
        """Answer `request`; never raises, never answers with a stack trace."""
        try:
            response = self._dispatch(request)
        except VerseQueueError as error:
            response = problem(error, request.path)
        except RequestEntityTooLarge:
            response = problem(PayloadTooLarge(), request.path)
        except HTTPException as error:
            known = InvalidRequest if (error.code or 400) < 500 else VerseQueueError
            response = problem(known(error.description or ""), request.path)
        except OSError as error:
            response = problem(_fault_of_system(error, request), request.path)
        except Exception:
            log.exception(UNEXPECTED, request.method, request.path)
            response = problem(VerseQueueError(), request.path)
        return self._finish(request, response)

    def _dispatch(self, request: Request) -> Response:
        check_host(request, self.settings)
        check_page(request, self.settings)
        adapter = _MAP.bind("localhost")
        try:
            route, arguments = adapter.match(request.path, method=request.method)
        except RouteNotFound:
            known = f"{self.settings.results_url}{paths.OPENAPI}"
            raise NotFound(f"There is no {request.path} here; {known} has all there is.") from None
        except RouteMethodNotAllowed:
            return self._wrong_method(request, list(adapter.allowed_methods(request.path)))
        if route.function != self.function and not route.by_both:
            place = f"the {route.function} function"
            raise NotFound(f"{request.method} {request.path} is served by {place}.")
        if route.name != "health":
            check_api_key(request, self.settings)
        looks = route.look * prefer_wait_s(request)
        if documents := route.reads + looks:
            self.reads.take(client_of(request, self.settings), documents)
        waited = False
        try:
            response = self.handlers[route.name](request, *arguments.values())
            waited = "Preference-Applied" in response.headers
        finally:
            if looks and not waited:
                self.reads.give_back(client_of(request, self.settings), looks)
        return response

    def _wrong_method(self, request: Request, allowed: list[str]) -> Response:
        allow = ", ".join(sorted({*allowed, "OPTIONS"}))
        if request.method == "OPTIONS":
            return Response(status=204, headers={"Allow": allow})
        detail = f"{request.path} does not take {request.method}."
        cancel = f"{request.path.rstrip('/')}/cancel"
        if request.method == "DELETE" and _MAP.bind("localhost").test(cancel, "POST"):
            detail += f" To cancel it: POST {cancel}."
        raise MethodNotAllowed(detail, headers={"Allow": allow})

    def _finish(self, request: Request, response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        response.headers["Referrer-Policy"] = "no-referrer"
        origin = request.headers.get("Origin", "")
        if self.settings.cors_origins:
            response.headers.add("Vary", "Origin")
        if origin and origin in self.settings.cors_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
                response.headers["Access-Control-Allow-Headers"] = (
                    "Content-Type, Idempotency-Key, If-None-Match, Prefer, X-Api-Key"
                )
                response.headers["Access-Control-Max-Age"] = "86400"
        return response


def _fault_of_system(error: OSError, request: Request) -> VerseQueueError:
    if error.errno in SURROUNDINGS:
        # Whatever is imported or opened at its first use can meet it.
        log.warning("%s %s: %s", request.method, request.path, error)
        return FunctionUnavailable("The machine is short of what this takes; try again.")
    log.error(UNEXPECTED, request.method, request.path, exc_info=error)
    return VerseQueueError()


def check_api_key(request: Request, settings: Settings) -> None:
    """Raise Unauthorized or Forbidden unless the key is one of the owner's, if there are any."""
    if not settings.api_keys:
        return
    given = api_key_of(request)
    if given is None:
        raise Unauthorized()
    if not any(hmac.compare_digest(given.encode(), key.encode()) for key in settings.api_keys):
        raise Forbidden()
