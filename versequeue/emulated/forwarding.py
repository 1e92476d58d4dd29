"""Passing requests on, as the cloud's front end does: to a function that runs, or is started."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from versequeue.config import ACK_DEADLINE_S
from versequeue.emulated.function_process import FunctionProcess
from versequeue.errors import FunctionUnavailable, StartupError

log = logging.getLogger(__name__)
#: The longest that a request may take.
LIMIT_S = float(ACK_DEADLINE_S)
CHUNK_BYTES = 65_536
_NOT_PASSED_ON = {
    *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
    *("proxy-authenticate", "proxy-authorization", "date", "server"),
}
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Forward:
    """A WSGI app that is another server: same path, same headers, the caller's address added."""

    def __init__(self, url: str, on_silence: Callable[[], None] = lambda: None) -> None:
        """`on_silence` is called when an answer takes longer than any may."""
        self._url = url
        self._on_silence = on_silence
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy between a parent and its child
        self._http.headers.clear()  # nothing is added that the caller did not send
        self._http.mount("http://", HTTPAdapter(pool_maxsize=32))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the other server does; 503 with Retry-After if it is not there."""
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        path = quote(environ.get("PATH_INFO", "").encode("latin-1"), safe="/:@!$&'()*+,;=~-._")
        try:
            answer = self._http.request(
                environ["REQUEST_METHOD"],
                f"{self._url}{path}{query}",
                data=environ["wsgi.input"].read(),
                headers=_headers(environ),
                stream=True,
                allow_redirects=False,
                timeout=(5, LIMIT_S),
            )
        except requests.RequestException as error:
            log.warning("a function cannot be reached: %s", error)
            if isinstance(error, requests.ReadTimeout):
                self._on_silence()
            return unavailable(start_response)
        headers = [
            (name, value)
            for name, value in answer.raw.headers.items()
            if name.lower() not in _NOT_PASSED_ON
        ]
        start_response(f"{answer.status_code} {answer.reason}", headers)
        return _body(answer)


class Activator:
    """A WSGI app that starts its function for the first request and ends it when idle."""

    def __init__(self, process: FunctionProcess, idle_timeout_s: float) -> None:
        self._process = process
        # One that hangs is not asked: the next message is to find another one.
        self._forward = Forward(process.url, on_silence=process.kill)
        self._idle_timeout_s = idle_timeout_s
        self._lock = threading.Lock()
        self._in_flight = 0
        self._last_at = time.monotonic()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Start the function if need be, and let it answer."""
        with self._lock:
            self._in_flight += 1
        try:
            self._process.ensure()
            return [b"".join(self._forward(environ, start_response))]
        except StartupError as error:
            log.warning("%s", error)
            return unavailable(start_response)
        finally:
            with self._lock:
                self._in_flight -= 1
                self._last_at = time.monotonic()

    def stop_if_idle(self) -> bool:
        """End the function if it has had nothing to do for long enough; whether it was ended."""
        with self._lock:
            idle_s = time.monotonic() - self._last_at
            if self._in_flight or idle_s < self._idle_timeout_s or not self._process.running:
                return False
            self._process.stop()
            return True


def unavailable(start_response: StartResponse) -> list[bytes]:
    """The answer where a function is not there just now."""
    error = FunctionUnavailable()
    body = json.dumps(error.problem().document()).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        *error.headers.items(),
    ]
    start_response(f"{error.status} {HTTPStatus(error.status).phrase}", headers)
    return [body]


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    headers = {
        name[5:].replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name[5:].replace("_", "-").lower() not in _NOT_PASSED_ON
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    before = headers.get("X-Forwarded-For")
    caller = environ.get("REMOTE_ADDR", "")
    headers["X-Forwarded-For"] = f"{before}, {caller}" if before else caller
    return headers


def _body(answer: requests.Response) -> Iterator[bytes]:
    with answer:
        yield from answer.raw.stream(CHUNK_BYTES, decode_content=False)
