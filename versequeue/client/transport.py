"""One HTTP call that does not give up at the first trouble: what is tried again, when, how often.

Every call that goes through here can be repeated safely: it reads, ends something, or carries an
Idempotency-Key. Knows neither jobs nor batches.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from versequeue.client.errors import ApiError, ClientError, ServerUnreachable, UnexpectedAnswer
from versequeue.contract import retry_after
from versequeue.contract.retry_after import http_date

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
CONNECT_TIMEOUT_S = 5.0
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_REDIRECTS = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
#: No answer but a file of results is as long as this, whatever it was packed to on its way, and no
#: line of such a file.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
#: Who gives up within so much says it then, and not before.
UNSAID_S = 2.0
NO_HTTPS = "does not speak https; its address may begin with http://"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """One request: `hold_s` is how long the server may keep it before it answers."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    body: bytes | None = None
    hold_s: float = 0.0
    stream: bool = False


@dataclass
class Transport:
    """Sends calls to the server at `url`, trying again for at most `retry_for_s`.

    As long as nobody has answered there, for at most `retry_unheard_for_s`.
    """

    url: str
    api_key: str | None
    timeout_s: float
    retry_for_s: float
    retry_unheard_for_s: float
    session: requests.Session
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
    #: whether anybody has ever answered
    heard: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Refuse what is not the address of a server, before the first call."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            meant = "" if "//" in self.url else f", as http://{self.url} would be"
            raise ValueError(f"{self.url!r} is not an http or https URL{meant}")

    def send(self, call: Call) -> requests.Response:
        """The answer, 2xx or 304. Raises ApiError or ServerUnreachable when trying is over.

        ValueError where what is asked for has no JSON.
        """
        started_at = self.clock()
        attempt = 0
        while True:
            outcome = self._attempt(call)
            if isinstance(outcome, requests.Response):
                self.heard = True
                return outcome
            self.heard = self.heard or not isinstance(outcome, ServerUnreachable)
            patience_s = self.retry_for_s if self.heard else self.retry_unheard_for_s
            pause_s = pause_before_retry(attempt, outcome.retry_after_s, self.jitter())
            if not _worth_retrying(outcome) or self.clock() + pause_s > started_at + patience_s:
                raise outcome
            if attempt == 0 and patience_s > UNSAID_S:
                log.warning("%s It is tried again for %.0f s.", outcome, patience_s)
            self.sleep(pause_s)
            attempt += 1

    def lines(self, call: Call) -> Iterator[bytes]:
        """The lines of a streamed answer, each without its line end."""
        return filter(None, self._stream(call, _lines))

    def chunks(self, call: Call) -> Iterator[bytes]:
        """The bytes of a streamed answer."""
        return self._stream(call, lambda response: response.iter_content(65536))

    def _stream(
        self, call: Call, pieces: Callable[[requests.Response], Iterator[bytes]]
    ) -> Iterator[bytes]:
        with self.send(call) as response:
            try:
                yield from pieces(response)
            except requests.RequestException as error:
                raise self._unreachable("broke off in the middle of its answer") from error

    def _attempt(self, call: Call) -> requests.Response | ClientError:
        headers = {"Accept": "application/json, */*;q=0.5", **call.headers}
        if self.api_key:
            headers["X-Api-Key"] = self.api_key
        try:
            response = self._request(call, headers)
            if not call.stream or response.status_code >= 300:
                self._read(response, self.timeout_s + call.hold_s)
        except UnexpectedAnswer as error:
            return error
        except requests.ReadTimeout as error:
            if _in_handshake(error):
                return self._unreachable(NO_HTTPS)
            self.heard = True  # somebody took the call, and is slow
            return self._unreachable("did not answer in time")
        except requests.Timeout:
            return self._unreachable("did not answer in time")
        except requests.exceptions.SSLError as error:
            return self._unreachable(_why_not_https(error))
        except requests.exceptions.InvalidJSONError as error:
            raise ValueError("JSON has no such number as is asked for") from error
        except requests.RequestException:
            return self._unreachable("could not be reached")
        if response.status_code < 300 or response.status_code == 304:
            return response
        return error_of(response)

    def _request(self, call: Call, headers: Mapping[str, str]) -> requests.Response:
        """One answer. A redirect is followed within its origin only: the API key stays at home."""
        url, params = self.url.rstrip("/") + call.path, dict(call.params)
        for _ in range(MAX_REDIRECTS):
            response = self.session.request(
                call.method,
                url,
                params=params,
                json=call.json,
                data=call.body,
                headers=dict(headers),
                timeout=(CONNECT_TIMEOUT_S, self.timeout_s + call.hold_s),
                proxies=self._proxies(),
                stream=True,
                allow_redirects=False,
            )
            target = _target_of(response, url) if call.method == "GET" else ""
            if origin(target) != origin(url):
                break
            response.close()
            url, params = target, {}
        return response

    def _read(self, response: requests.Response, within_s: float) -> None:
        """Read the body: bounded in all, since a socket's time-out begins anew with each byte."""
        end, body = self.clock() + within_s, bytearray()
        with ExitStack() as undo:
            undo.callback(response.close)
            for piece in _pieces(response):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise UnexpectedAnswer(f"{response.url} answers without an end.")
                if self.clock() > end:
                    raise requests.Timeout
            undo.pop_all()
        response.raw = BytesIO(body)

    def _proxies(self) -> dict[str, str]:
        """A proxy of the environment's cannot know what this machine's own addresses mean."""
        host = urlsplit(self.url).hostname or ""
        return {"no_proxy": host} if host in LOOPBACK_HOSTS else {}

    def _unreachable(self, what: str) -> ServerUnreachable:
        return ServerUnreachable(f"The server at {self.url} {what}.")


def _why_not_https(error: requests.exceptions.SSLError) -> str:
    """What went wrong before anything was said, of a server at an https address."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "has a certificate that is not trusted here"
    return NO_HTTPS


def _in_handshake(error: BaseException | None) -> bool:
    """Whether an https server, if it is one, has not even begun to speak."""
    while error is not None and "handshake" not in str(error):
        error = error.__cause__ or error.__context__
    return error is not None


def _lines(response: requests.Response) -> Iterator[bytes]:
    rest = b""
    for piece in response.iter_content(65536):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > MAX_ANSWER_BYTES:
            raise UnexpectedAnswer(f"{response.url} answers with a line without an end.")
    yield rest


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """What has come of the body each time, unpacked."""
    try:
        while piece := response.raw.read1(65536, decode_content=True):
            yield piece
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.Timeout from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError from error


def _target_of(response: requests.Response, url: str) -> str:
    """Where a redirect points to; empty if nowhere."""
    with suppress(ValueError):
        return urljoin(url, response.headers["Location"]) if response.is_redirect else ""
    return ""


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a secret may be sent to, if it was meant for `url`."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, parts.hostname or "", port


def pause_before_retry(attempt: int, retry_after_s: float | None, jitter: float) -> float:
    """Seconds to wait: doubled each time, between half and all of it, never before Retry-After."""
    longest_s = min(FIRST_PAUSE_S * 2.0 ** min(attempt, 30), LONGEST_PAUSE_S)
    return max(retry_after_s or 0.0, longest_s * (0.5 + jitter / 2))


def error_of(response: requests.Response) -> ClientError:
    """The error that a response stands for: a problem document, a gateway's page, or neither."""
    document: Any = None
    if "json" in response.headers.get("Content-Type", ""):
        with suppress(ValueError, RecursionError):
            document = response.json()
    said = f"{response.status_code} {response.reason or ''}".rstrip()
    if not isinstance(document, dict) and response.status_code in RETRIED_STATUSES:
        document = {"title": f"The server answered {said}."}
    if isinstance(document, dict):
        return ApiError(response.status_code, document, retry_after_s(response))
    where = response.headers.get("Location")
    moved = f" and points to {where}" if where and response.is_redirect else ""
    return UnexpectedAnswer(f"{response.url} answers {said}{moved}: that is not VerseQueue itself.")


def retry_after_s(response: requests.Response) -> float | None:
    """Seconds until the server wants to be asked again; None if it says nothing readable."""
    sent = http_date(response.headers.get("Date", ""))
    return retry_after.retry_after_s(response.headers.get("Retry-After", ""), sent)


def json_answer(response: requests.Response) -> object:
    """The JSON body. Raises UnexpectedAnswer if it is something else."""
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer(f"What answers at {response.url} is not VerseQueue.") from error


def _worth_retrying(error: ClientError) -> bool:
    return isinstance(error, ServerUnreachable) or error.status in RETRIED_STATUSES
