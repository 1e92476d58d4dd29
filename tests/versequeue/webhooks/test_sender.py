"""One delivery attempt against real receivers on loopback: what counts as received."""

import json
import socket
import threading
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.support.receivers import Behaviour, Receiver, answer, drip, raw, receiver
from tests.support.webhooks import BODY, SECRET, local_sender, send
from versequeue.errors import StartupError
from versequeue.webhooks.sender import (
    Outcome,
)
from versequeue.webhooks.signing import read_secret

OLD_SECRET = "whsec_b2xkIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzIQ=="

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_signed_event_is_verified_by_an_independent_receiver() -> None:
    with receiver(answer(204)) as hook:
        assert send(hook.url) == Outcome(204)
    (call,) = hook.calls
    assert call.line == "POST /hook HTTP/1.1"
    assert call.headers["Host"] == f"127.0.0.1:{hook.port}"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["webhook-id"] == "msg_1"
    assert Verifier(SECRET).verify(call.body, call.headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(call.body + b" ", call.headers)


def test_two_secrets_are_both_signed_with_so_that_either_verifies() -> None:
    with receiver(answer(200)) as hook:
        send(hook.url, local_sender(secrets=[SECRET, OLD_SECRET]))
    (call,) = hook.calls
    assert (
        len(call.headers["webhook-signature"].split(" ")) == 4
    )  # for its own key and the owner's, of each
    for secret in (SECRET, OLD_SECRET):
        assert Verifier(secret).verify(call.body, call.headers)


def test_without_a_secret_nothing_is_signed() -> None:
    with receiver(answer(200)) as hook:
        send(hook.url, local_sender(secrets=[]))
    assert "webhook-signature" not in hook.calls[0].headers


@pytest.mark.parametrize(
    "secret", ["secret", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64", "whsec_" + "A" * 100]
)
def test_a_secret_that_is_none_is_a_startup_error(secret: str) -> None:
    with pytest.raises(StartupError, match="VERSEQUEUE_WEBHOOK_SECRET"):
        read_secret(secret)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (answer(500, "our stack trace"), Outcome(500, "The answer was 500.")),
        (answer(410), Outcome(410, "The answer was 410.")),
        (answer(429, Retry_After="90"), Outcome(429, "The answer was 429.", 90)),
        (answer(302, Location="http://127.0.0.1:1/"), Outcome(302, "Redirects are not followed.")),
        (
            raw("HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nx"),
            Outcome(500, "The answer was 500."),
        ),
    ],
    ids=["500", "410", "429", "302", "500 cut short"],
)
def test_an_answer_counts_by_its_status_and_its_words_are_not_kept(
    behaviour: Behaviour, expected: Outcome
) -> None:
    with receiver(behaviour) as hook:
        assert send(hook.url) == expected


def test_a_redirect_to_another_address_is_not_followed() -> None:
    with (
        receiver(answer(200)) as inside,
        receiver(answer(307, Location=f"http://127.0.0.1:{inside.port}/secrets")) as hook,
    ):
        assert send(hook.url).status_code == 307
    assert inside.connections == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nContent-Len",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nonly this",
        "SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
def test_a_receiver_that_dies_while_it_answers_has_not_received(text: str) -> None:
    with receiver(raw(text)) as hook:
        outcome = send(hook.url)
    assert outcome == Outcome(error="The connection broke before the answer was complete.")


def test_a_body_that_never_ends_is_read_only_so_far() -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent += connection.send(b"x" * 65536)

    with receiver(flood) as hook:
        assert send(hook.url) == Outcome(200)
    assert sent < 64 << 20


@pytest.mark.parametrize(
    "head",
    [
        "",
        "HTTP/1.1 200 OK\r\nX: ",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
    ],
    ids=["before the status", "in a header", "in a body", "in a body of known size"],
)
def test_a_slow_drip_is_cut_off_at_the_time_limit(head: str) -> None:
    hooks: list[Receiver] = []
    with receiver(drip(0.05, lambda: hooks[0].over, head)) as hook:
        hooks.append(hook)
        started = time.monotonic()
        outcome = send(hook.url, local_sender(timeout_s=0.5))
        took_s = time.monotonic() - started
    assert outcome == Outcome(error="There was no complete answer within 0.5 s.")
    assert took_s < 3


def test_a_silent_receiver_is_given_up_on_at_the_time_limit() -> None:
    over = threading.Event()

    def say_nothing(_: socket.socket) -> None:
        over.wait(60)

    with receiver(say_nothing) as hook:
        outcome = send(hook.url, local_sender(timeout_s=0.3))
        over.set()
    assert outcome == Outcome(error="There was no complete answer within 0.3 s.")
