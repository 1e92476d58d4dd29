"""A push as it leaves: encrypted after RFC 8291, signed after RFC 8292, to public addresses."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.push_service import (
    PushService,
    claims_of,
    from_base64url,
    push_service,
)
from tests.support.receivers import answer
from tests.support.samples import batch_of, finished_job, queued_job
from versequeue.errors import StartupError
from versequeue.rules.job import Status
from versequeue.rules.push import PUSH_EVENTS, Push
from versequeue.webhooks.push_keys import PushKey
from versequeue.webhooks.push_messages import push_message
from versequeue.webhooks.push_sender import PushSender, encrypted
from versequeue.webhooks.sender import Outcome

KEY = PushKey.read("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
CONTACT = "https://owner.example:8443/about"
MESSAGE = {"type": "job.succeeded", "title": "Café", "link": "?job=job_1"}


def push_of(service: PushService, **changes: Any) -> Push:
    given = service.subscription
    return Push(changes.get("url", given["endpoint"]), PUSH_EVENTS, **given["keys"])


def sender(**options: Any) -> PushSender:
    return PushSender(KEY, CONTACT, **{"allow_private": True, **options})


def send(service: PushService, **options: Any) -> Outcome:
    return sender(**options).send(push_of(service), "msg_1f", MESSAGE, datetime.now(UTC))


def test_a_push_can_be_read_by_its_browser_and_shows_its_service_who_sent_it() -> None:
    with push_service() as service:
        assert send(service) == Outcome(201)
        port = service.hook.port
    assert service.messages() == [MESSAGE]
    (call,) = service.hook.calls
    claims = claims_of(call, f"http://127.0.0.1:{port}", KEY.public_key, datetime.now(UTC))
    assert claims["sub"] == CONTACT
    wanted = {"Content-Encoding": "aes128gcm", "TTL": "86400", "Topic": "1f", "Urgency": "normal"}
    assert wanted.items() <= call.headers.items()
    assert not [name for name in call.headers if name.startswith("webhook")]
    assert b"Caf" not in call.body


def test_each_push_has_a_salt_and_a_key_of_its_own() -> None:
    with push_service() as service:
        send(service)
        send(service)
    first, second = (call.body for call in service.hook.calls)
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_the_example_of_rfc_8291_is_encrypted_as_it_stands_there() -> None:
    push = Push(
        "https://push.example.net/",
        p256dh=(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        auth="BTBZMqHH6r4Tts7J_aSIgg",
    )
    scalar = int.from_bytes(from_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypted(
        push,
        b"When I grow up, I want to be a watermelon",
        salt=from_base64url("DGv6ra1nlYgDCS1FRnbzlw"),
        sender_key=ec.derive_private_key(scalar, ec.SECP256R1()),
    )
    assert body == from_base64url(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6"
        "TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
        "a-fN"
    )


def test_no_push_goes_to_a_private_address_whatever_its_name_says_by_then() -> None:
    with push_service() as service:
        push = push_of(service, url="https://push.example/abc")
        inside = sender(allow_private=False, resolve_host=lambda *_: [ip_address("10.0.0.1")])
        told = inside.send(push, "msg_1", MESSAGE, datetime.now(UTC))
        assert told == Outcome(error="The host's address is not a public one.")
        told = sender(allow_private=False).send(
            push_of(service), "msg_1", MESSAGE, datetime.now(UTC)
        )
        assert told == Outcome(error="A URL here begins with https://.")
    assert service.hook.connections == 0


def test_a_redirecting_push_service_is_not_followed() -> None:
    with push_service(answer(307, Location="http://127.0.0.1:1/")) as service:
        assert send(service) == Outcome(307, "Redirects are not followed.")


def test_an_address_that_cannot_be_signed_for_is_told_so() -> None:
    with push_service() as service:
        push = push_of(service, url="http://[::1]:9/abc")
        told = sender().send(push, "msg_1", MESSAGE, datetime.now(UTC))
    assert told == Outcome(error="No push can be signed for this address.")


def test_without_a_key_no_push_is_sent_and_its_delivery_says_why() -> None:
    with push_service() as service:
        without = PushSender(None, CONTACT, allow_private=True)
        told = without.send(push_of(service), "msg_1", MESSAGE, datetime.now(UTC))
    assert told == Outcome(error="This server has no key for pushes.", is_final=True)
    assert service.hook.connections == 0


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 44, "é", "*" * 44, "/" * 43 + "=", "AA==" * 11])
def test_what_is_no_private_key_of_p256_is_told(text: str) -> None:
    with pytest.raises(StartupError, match=r"^VERSEQUEUE_PUSH_KEY is the base64 of 32 bytes"):
        PushKey.read(text)


def test_a_push_key_is_read_in_both_alphabets() -> None:
    url_safe = "EP79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA="
    standard = url_safe.replace("_", "/").replace("-", "+")
    assert PushKey.read(url_safe).public_key == PushKey.read(standard).public_key


def test_a_push_says_what_ended_and_where_it_is_and_no_word_of_the_song() -> None:
    output = {"title": "Roll Me Home", "lyrics": "one", "sections": []}
    job = finished_job(output=output)
    message = push_message(job, "job.succeeded")
    link = "?job=job_done"
    assert message == {"type": "job.succeeded", "title": "Roll Me Home", "link": link}
    failed = queued_job(status=Status.FAILED, stage=None)
    assert push_message(failed, "job.failed")["title"] == ""
    batch = batch_of(metadata={"file": "songs.csv"})
    counts = {Status.SUCCEEDED: 1, Status.FAILED: 1}
    assert push_message(batch, "batch.completed", counts) == {
        "type": "batch.completed",
        "title": "songs.csv",
        "link": "?batch=batch_1",
        "succeeded": 1,
        "total": 2,
    }


def test_the_longest_push_fits_into_what_push_services_take() -> None:
    job = finished_job("job_" + "x" * 60, output={"title": "𝄞" * 1000, "sections": []})
    message = push_message(job, "job.succeeded")
    with push_service() as service:
        told = sender().send(push_of(service), "msg_1", message, datetime.now(UTC))
    assert told == Outcome(201)
    (call,) = service.hook.calls
    assert len(call.body) < 1000, "a push service takes 4096, RFC 8030"
    assert service.messages() == [message]
