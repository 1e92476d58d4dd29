"""One delivery attempt, against real receivers on loopback and independent verification."""

import json
import socket
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.support.receivers import Behaviour, Receiver, answer, certificates, drip, raw, receiver
from versequeue.errors import StartupError
from versequeue.webhooks.addresses import Address, read_url
from versequeue.webhooks.sender import (
    Outcome,
    WebhookSender,
    read_retry_after,
    read_secret,
    resolve,
)

OLD_SECRET = "whsec_b2xkIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzIQ=="
NEW_SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzIQ=="
BODY = json.dumps({"type": "job.succeeded", "data": {"prompt": "café"}}).encode()
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def send(url: str, sender: WebhookSender | None = None) -> Outcome:
    return (sender or local_sender()).send(url, "msg_1", BODY, datetime.now(UTC))


def local_sender(timeout_s: float = 15, secrets: Sequence[str] = (NEW_SECRET,)) -> WebhookSender:
    return WebhookSender(secrets, allow_private=True, timeout_s=timeout_s)


def test_a_signed_event_is_verified_by_an_independent_receiver() -> None:
    with receiver(answer(204)) as hook:
        assert send(hook.url) == Outcome(204)
    (call,) = hook.calls
    assert call.line == "POST /hook HTTP/1.1"
    assert call.headers["Host"] == f"127.0.0.1:{hook.port}"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["webhook-id"] == "msg_1"
    assert Verifier(NEW_SECRET).verify(call.body, call.headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Verifier(NEW_SECRET).verify(call.body + b" ", call.headers)


def test_two_secrets_give_two_signatures_so_that_either_verifies() -> None:
    with receiver(answer(200)) as hook:
        send(hook.url, local_sender(secrets=[NEW_SECRET, OLD_SECRET]))
    (call,) = hook.calls
    assert len(call.headers["webhook-signature"].split(" ")) == 2
    for secret in (NEW_SECRET, OLD_SECRET):
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


def test_a_resolver_that_hangs_is_given_up_on_at_the_time_limit() -> None:
    over = threading.Event()

    def hang(host: str, port: int) -> list[Address]:
        over.wait(60)
        return []

    sender = WebhookSender([], resolve_host=hang, timeout_s=0.2)
    assert send("https://example.com/", sender).error == (
        "The host name could not be resolved in time."
    )
    over.set()


def test_a_host_without_an_address_or_a_listener_is_said_to_be_so() -> None:
    def fail(host: str, port: int) -> list[Address]:
        raise socket.gaierror("no such host")

    unknown = WebhookSender([], resolve_host=fail)
    assert send("https://example.com/", unknown).error == "The host name could not be resolved."
    nowhere = WebhookSender([], resolve_host=lambda *_: [])
    assert send("https://example.com/", nowhere).error == "The host name has no address."
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = taken.getsockname()[1]
        outcome = send(f"http://127.0.0.1:{port}/")
    assert outcome.error == "The receiver could not be connected to."


def test_a_name_that_points_elsewhere_by_the_time_of_the_call_is_not_followed() -> None:
    # The URL passed the check when it was submitted; now the name leads to this machine.
    read_url("https://hook.example.com/", allow_private=False)
    with receiver(answer(200)) as inside:
        url = f"https://hook.example.com:{inside.port}/"
        sender = WebhookSender([], resolve_host=lambda *_: [ip_address("127.0.0.1")])
        assert send(url, sender).error == "The host's address is not a public one."
    assert inside.connections == 0


def test_a_private_address_among_public_ones_spoils_them_all() -> None:
    addresses = [ip_address("93.184.215.14"), ip_address("10.0.0.1")]
    sender = WebhookSender([], resolve_host=lambda *_: addresses)
    assert send("https://example.com/", sender).error == "The host's address is not a public one."


def test_the_name_is_resolved_once_per_attempt_and_the_checked_address_is_the_one_called() -> None:
    asked: list[str] = []

    def once(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1")] if len(asked) == 1 else [ip_address("127.0.0.2")]

    with receiver(answer(200)) as hook:
        sender = WebhookSender([], allow_private=True, resolve_host=once)
        # No resolver knows this name: it is reached only if the given address is used.
        outcome = send(f"http://hook.invalid:{hook.port}/", sender)
    assert outcome == Outcome(200)
    assert asked == ["hook.invalid"]
    assert hook.calls[0].headers["Host"] == f"hook.invalid:{hook.port}"


def test_the_next_address_is_tried_if_one_does_not_answer() -> None:
    with receiver(answer(200)) as hook:
        addresses = [ip_address("127.0.0.3"), ip_address("127.0.0.1")]
        sender = WebhookSender([], allow_private=True, resolve_host=lambda *_: addresses)
        assert send(f"http://hook.invalid:{hook.port}/", sender) == Outcome(200)


def test_tls_goes_to_the_checked_address_and_checks_the_certificate_for_the_name(
    tmp_path: Path,
) -> None:
    made = certificates(tmp_path, "hook.example.com")

    def to_loopback(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.1")]

    with receiver(answer(200), tls=made["server"]) as hook:
        trusting = WebhookSender(
            [], allow_private=True, resolve_host=to_loopback, tls=made["client"]
        )
        right = send(f"https://hook.example.com:{hook.port}/", trusting)
        other_name = send(f"https://other.example.com:{hook.port}/", trusting)
        strict = WebhookSender([], allow_private=True, resolve_host=to_loopback)
        unknown_authority = send(f"https://hook.example.com:{hook.port}/", strict)
    assert right == Outcome(200)
    wrong = Outcome(error="The receiver's certificate is not valid for its host.")
    assert other_name == unknown_authority == wrong
    assert len(hook.calls) == 1


def test_a_slow_drip_over_tls_is_cut_off_as_well(tmp_path: Path) -> None:
    made = certificates(tmp_path, "hook.example.com")
    hooks: list[Receiver] = []
    with receiver(
        drip(0.05, lambda: hooks[0].over, "HTTP/1.1 200 OK\r\n\r\n"), tls=made["server"]
    ) as hook:
        hooks.append(hook)
        sender = WebhookSender(
            [],
            allow_private=True,
            resolve_host=lambda *_: [ip_address("127.0.0.1")],
            tls=made["client"],
            timeout_s=0.7,
        )
        outcome = send(f"https://hook.example.com:{hook.port}/", sender)
    assert outcome.error == "There was no complete answer within 0.7 s."


def test_a_receiver_without_tls_is_no_https_receiver() -> None:
    with receiver(answer(200)) as hook:
        outcome = send(f"https://127.0.0.1:{hook.port}/")
    assert outcome.status_code is None
    assert outcome.error


def test_an_ipv6_receiver_is_reached() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        with receiver(answer(200), host="::1") as hook:
            assert send(f"http://[::1]:{hook.port}/") == Outcome(200)
        assert hook.calls[0].headers["Host"] == f"[::1]:{hook.port}"
    except OSError as error:
        pytest.skip(f"IPv6 loopback cannot be used here: {error}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("999999999", 86400),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:01:30", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: float) -> None:
    assert read_retry_after(text, NOW) == seconds


def test_the_systems_resolver_knows_this_machine() -> None:
    assert ip_address("127.0.0.1") in resolve("localhost", 80)
