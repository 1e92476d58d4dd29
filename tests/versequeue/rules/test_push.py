"""A browser's subscription: what is one, what of it is shown, and which answers end it."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.push_service import Subscriber, base64url, point
from tests.support.samples import NOW, at, batch_of, queued_job
from versequeue.errors import PushTaken
from versequeue.records import from_record, to_record
from versequeue.rules.batch import complete
from versequeue.rules.channels import Channel, pending_targets, read_target, target_of
from versequeue.rules.job import Job, Status
from versequeue.rules.push import PUSH_EVENTS, Push, check_auth, check_public_key, subscribed
from versequeue.rules.transitions import request_cancel
from versequeue.rules.webhook import Delivery, Webhook, announce, record_delivery, start_delivery

GIVEN = Subscriber().subscription("https://push.example/abc")
PUSH = Push(GIVEN["endpoint"], PUSH_EVENTS, **GIVEN["keys"])
OTHER = Push("https://push.example/other", PUSH_EVENTS)
#: Any point will do, but it is to be the same in every run.
POINT = point(ec.derive_private_key(7, ec.SECP256R1()).public_key())


def test_a_browsers_keys_are_taken_with_padding_and_without() -> None:
    for padding in ("", "="):
        assert check_public_key(base64url(POINT) + padding)
    assert check_auth("AAAAAAAAAAAAAAAAAAAAAA")
    assert check_auth("AAAAAAAAAAAAAAAAAAAAAA==")


@pytest.mark.parametrize(
    "key",
    [
        *("", "=", "A", "not base64url!", "é" * 87, base64url(POINT[:64]), base64url(POINT + b"0")),
        base64url(POINT).replace("A", "+", 1) if "A" in base64url(POINT) else "+" * 87,
    ],
)
def test_what_is_no_65_bytes_is_no_public_key(key: str) -> None:
    with pytest.raises(ValueError, match=r"^this is to be the base64url of 65 bytes$"):
        check_public_key(key)


@pytest.mark.parametrize(
    "data",
    [
        *(bytes(65), b"\4" + bytes(64), b"\4" + b"\xff" * 64, b"\2" + POINT[1:]),
        POINT[:-1] + bytes([POINT[-1] ^ 1]),
    ],
    ids=["zeros", "at-zero", "beyond-the-field", "compressed", "one-bit-off"],
)
def test_a_point_off_the_curve_is_no_public_key(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^this is no public key of the curve P-256$"):
        check_public_key(base64url(data))


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 21, "A" * 23, "A" * 10_000, "*" * 22])
def test_what_is_no_16_bytes_is_no_secret_of_a_subscription(text: str) -> None:
    with pytest.raises(ValueError, match=r"^this is to be the base64url of 16 bytes$"):
        check_auth(text)


def test_a_subscription_writes_nothing_of_its_secrets_into_a_log() -> None:
    shown = f"{PUSH} {PUSH!r} {queued_job(push=PUSH)!r} {batch_of(push=PUSH)}"
    for secret in (PUSH.url, PUSH.p256dh, PUSH.auth):
        assert secret not in shown


def test_a_subscription_comes_back_from_the_store_as_it_was() -> None:
    job = queued_job(push=announce(PUSH, "job_1", "job.failed", NOW))
    assert from_record(Job, to_record(job)) == job


def test_a_job_of_an_older_version_has_no_subscription() -> None:
    record = to_record(queued_job())
    del record["push"]
    assert from_record(Job, record).push is None


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_ends_for_good(status: int) -> None:
    push = announce(PUSH, "job_1", "job.succeeded", NOW)
    assert push is not None
    push = start_delivery(push, NOW)
    assert push.pending
    ended = record_delivery(push, push.pending, at(1), status_code=status, error="Gone.")
    assert ended.pending is None
    assert ended.stopped
    assert announce(ended, "batch_1", "batch.completed", at(2)) is ended


def test_a_webhook_is_tried_again_after_404() -> None:
    hook = announce(Webhook("https://example.org/"), "job_1", "job.succeeded", NOW)
    assert hook is not None
    hook = start_delivery(hook, NOW)
    assert hook.pending
    assert record_delivery(hook, hook.pending, at(1), status_code=404, error="No.").pending


def test_the_first_browser_that_asked_stays_the_one_that_is_told() -> None:
    assert subscribed(None, PUSH) is PUSH
    told = announce(PUSH, "job_1", "job.failed", NOW)
    assert subscribed(told, PUSH) is told
    with pytest.raises(PushTaken):
        subscribed(told, OTHER)


def test_a_subscription_that_has_ended_makes_room_for_the_next_and_its_deliveries_stay() -> None:
    gone = replace(PUSH, stopped=True, deliveries=(Delivery(NOW, "batch.completed", "msg_1"),))
    for push in (PUSH, OTHER):
        assert subscribed(gone, push) == replace(push, deliveries=gone.deliveries)


def test_who_cancels_is_not_told_of_it() -> None:
    canceled = request_cancel(queued_job(push=PUSH, webhook=Webhook("https://a.example/")), at(1))
    assert canceled.status is Status.CANCELED
    assert pending_targets(canceled) == ["job_1"]


def test_the_end_of_a_batch_is_told_in_both_ways_and_the_sweep_looks_at_the_first() -> None:
    ended = complete(batch_of(push=PUSH, webhook=Webhook("https://a.example/")), at(1))
    assert pending_targets(ended) == ["batch_1", "batch_1/push"]
    assert ended.notify_at == at(61)
    assert complete(batch_of(push=PUSH), at(1)).notify_at == at(61)
    assert complete(batch_of(), at(1)).notify_at is None


def test_a_messages_target_names_an_id_and_a_way() -> None:
    for channel in Channel:
        for name in ("job_1", "batch_1"):
            assert read_target(target_of(name, channel)) == (name, channel)
    for odd in (
        "",
        "x",
        "job_1/",
        "job_1/webhook",
        "job_1/push/push",
        "job_" + "1" * 200,
        "x/push",
    ):
        assert read_target(odd) is None
