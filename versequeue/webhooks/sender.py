"""One attempt to deliver one event: resolve, connect to what was checked, read the status.

Knows no job, no store and no retry. Uses no HTTP client: the connection must go to the very address
that was checked, end at one deadline however slowly the other side speaks, and follow nothing.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from functools import partial
from ipaddress import ip_address

from versequeue.contract.retry_after import retry_after_s
from versequeue.errors import WebhookUrlForbidden
from versequeue.webhooks.addresses import Address, Endpoint, may_connect, read_url
from versequeue.webhooks.signing import read_secret, receiver_key, sign

TIMEOUT_S = 15.0
#: An address that does not answer is left for the host's next one after this time.
CONNECT_TIMEOUT_S = 5.0
MAX_ADDRESSES = 4
#: How much of an answer is read, so that a polite receiver is not cut off.
MAX_ANSWER_BYTES = 64 * 1024

#: From a host name and a port to its addresses. Raises OSError if there are none.
Resolve = Callable[[str, int], Sequence[Address]]
#: The headers of a request to an endpoint, beside those that every request has.
HeadersFor = Callable[[Endpoint], dict[str, str]]


class Undeliverable(Exception):
    """This attempt failed before a status was received; the text may be shown to the caller."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `error` is one sentence of ours, never the receiver's words."""

    status_code: int | None = None
    error: str | None = None
    retry_after_s: float = 0
    #: no later attempt would end otherwise
    is_final: bool = False


def resolve(host: str, port: int) -> list[Address]:
    """All addresses of `host`, in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


@dataclass
class Sender:
    """Posts to where one may; one instance serves any number of threads."""

    allow_private: bool = field(default=False, kw_only=True)
    resolve_host: Resolve = field(default=resolve, kw_only=True)
    timeout_s: float = field(default=TIMEOUT_S, kw_only=True)
    tls: Callable[[], ssl.SSLContext] = field(default=ssl.create_default_context, kw_only=True)

    def post(self, url: str, headers_for: HeadersFor, body: bytes, now: datetime) -> Outcome:
        """Try once. Never raises for what the receiver or the network does."""
        deadline = time.monotonic() + self.timeout_s
        try:
            endpoint = read_url(url, allow_private=self.allow_private)
            addresses = self._checked_addresses(endpoint, deadline)
            headers = {
                "Host": endpoint.host_header,
                "User-Agent": "VerseQueue-Webhooks/1",
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers_for(endpoint),
            }
            return self._exchange(endpoint, addresses, headers, body, deadline, now)
        except (WebhookUrlForbidden, Undeliverable) as error:
            return Outcome(error=str(error))

    def _checked_addresses(self, endpoint: Endpoint, deadline: float) -> list[Address]:
        addresses = _within(lambda: self.resolve_host(endpoint.host, endpoint.port), deadline)
        # One forbidden address among public ones is a trick, or a mistake: none of them is used.
        if not all(may_connect(each, allow_private=self.allow_private) for each in addresses):
            raise Undeliverable("The host's address is not a public one.")
        if not addresses:
            raise Undeliverable("The host name has no address.")
        return list(addresses[:MAX_ADDRESSES])

    def _exchange(
        self,
        endpoint: Endpoint,
        addresses: Sequence[Address],
        headers: dict[str, str],
        body: bytes,
        deadline: float,
        now: datetime,
    ) -> Outcome:
        plain = _connect(addresses, endpoint.port, deadline)
        plain.settimeout(max(0.1, deadline - time.monotonic()))
        # A socket's time-out begins anew with every byte, so a timer shuts the connection at the
        # deadline. It shuts a duplicate of the handle: TLS detaches the first one from the socket.
        duplicate = plain.dup()
        cut = threading.Timer(max(0.0, deadline - time.monotonic()), _shut, [duplicate])
        cut.daemon = True
        cut.start()
        try:
            with duplicate, plain, self._secured(plain, endpoint) as stream:
                outcome = _ask(stream, endpoint, headers, body, now)
            if outcome.error is None and time.monotonic() >= deadline:
                raise TimeoutError
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = f"There was no complete answer within {self.timeout_s:g} s."
            raise Undeliverable(_reason(error) if time.monotonic() < deadline else late) from error
        finally:
            cut.cancel()
        return outcome

    def _secured(self, plain: socket.socket, endpoint: Endpoint) -> socket.socket:
        if endpoint.scheme == "http":
            return plain
        return self.tls().wrap_socket(plain, server_hostname=endpoint.host)


@dataclass
class WebhookSender(Sender):
    """Sends events, signed after Standard Webhooks."""

    secrets: InitVar[Sequence[str]]

    def __post_init__(self, secrets: Sequence[str]) -> None:
        """Raises StartupError for a secret that is none."""
        self._keys = [read_secret(secret) for secret in secrets]

    def send(self, url: str, webhook_id: str, body: bytes, now: datetime) -> Outcome:
        """Try once. Never raises for what the receiver or the network does."""
        return self.post(url, partial(self._headers, webhook_id, body, now), body, now)

    def _headers(
        self, webhook_id: str, body: bytes, now: datetime, endpoint: Endpoint
    ) -> dict[str, str]:
        timestamp_s = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp_s),
        }
        if self._keys:
            # The receiver's own first; then the owner's, for receivers that are the owner's.
            own = [receiver_key(key, endpoint.receiver) for key in self._keys]
            keys = (*own, *self._keys)
            signatures = [sign(key, webhook_id, timestamp_s, body) for key in keys]
            headers["webhook-signature"] = " ".join(signatures)
        return headers


def _within(look_up: Callable[[], Sequence[Address]], deadline: float) -> Sequence[Address]:
    # The system's resolver takes no time limit, so it gets a thread that may be left behind.
    found: Future[Sequence[Address]] = Future()

    def run() -> None:
        try:
            found.set_result(look_up())
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return found.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError as error:
        raise Undeliverable("The host name could not be resolved in time.") from error
    except (OSError, UnicodeError) as error:
        raise Undeliverable("The host name could not be resolved.") from error


def _connect(addresses: Sequence[Address], port: int, deadline: float) -> socket.socket:
    for address in addresses:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        with suppress(OSError):
            within_s = min(left_s, CONNECT_TIMEOUT_S)
            return socket.create_connection((str(address), port), within_s)
    raise Undeliverable("The receiver could not be connected to.")


def _shut(plain: socket.socket) -> None:
    with suppress(OSError):  # it was closed a moment ago, which is as good
        socket.socket.shutdown(plain, socket.SHUT_RDWR)


def _ask(
    stream: socket.socket, endpoint: Endpoint, headers: dict[str, str], body: bytes, now: datetime
) -> Outcome:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port)
    connection.sock = stream
    connection.request("POST", endpoint.target, body, headers)
    answer = connection.getresponse()
    status = answer.status
    if 200 <= status < 300:
        _read_to_the_end(answer)
        return Outcome(status)
    wait_s = retry_after_s(answer.headers.get("Retry-After", ""), now)
    error = "Redirects are not followed." if 300 <= status < 400 else f"The answer was {status}."
    return Outcome(status, error, wait_s or 0)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "The receiver's certificate is not valid for its host."
    if isinstance(error, ssl.SSLError):
        return "No secure connection could be made to the receiver."
    return "The connection broke before the answer was complete."


def _read_to_the_end(answer: http.client.HTTPResponse) -> None:
    # A receiver that died while it answered may have lost the event: that counts as a failure.
    # One that goes on for ever has answered.
    size = len(answer.read(MAX_ANSWER_BYTES))
    if answer.msg.defects or (answer.length and size < MAX_ANSWER_BYTES):
        raise http.client.IncompleteRead(b"")
