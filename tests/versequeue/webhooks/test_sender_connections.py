"""Where a delivery attempt goes: to which of the addresses, and with whose certificate."""

import socket
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.support.receivers import Receiver, answer, certificates, drip, receiver
from tests.support.webhooks import send
from versequeue.webhooks.addresses import Address, read_url
from versequeue.webhooks.sender import (
    Outcome,
    WebhookSender,
    resolve,
)


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


def test_the_systems_resolver_knows_this_machine() -> None:
    assert ip_address("127.0.0.1") in resolve("localhost", 80)
