"""The bookkeeping of a webhook: pure values, one event after the other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from versequeue.errors import NothingToRedeliver, RateLimited
from versequeue.rules.redelivery import redeliver
from versequeue.rules.webhook import (
    HINT_FIRST_S,
    Pending,
    Webhook,
    announce,
    hinted,
    record_delivery,
    take_delivery,
    webhook_id,
    withdraw,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
URL = "https://example.com/"


def taken(webhook: Webhook) -> tuple[Webhook, Pending]:
    attempt = take_delivery(webhook, LATER)
    assert attempt.pending is not None
    return attempt, attempt.pending


def announced(webhook: Webhook | None, target: str = "batch_1") -> Webhook:
    result = announce(webhook, target, "batch.completed", NOW)
    assert result is not None
    return result


def test_an_event_has_one_id_and_another_round_another_one() -> None:
    assert webhook_id("batch_1", "e") == webhook_id("batch_1", "e")
    assert webhook_id("batch_1", "e") != webhook_id("batch_1/1", "e")


def test_a_late_report_of_an_earlier_event_leaves_the_present_one_alone() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    current = announced(withdraw(webhook, "batch.completed", NOW), "batch_1/1")
    late = record_delivery(current, first, LATER, status_code=500, error="The answer was 500.")
    assert late.pending == current.pending
    assert late.deliveries[-1].next_attempt_at is None
    fine = record_delivery(current, first, LATER, status_code=200, error=None)
    assert fine.pending == current.pending


def test_a_late_report_of_an_earlier_delivery_does_not_undo_the_count() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    again, second = taken(redeliver(webhook, LATER))
    assert (first.tries, second.tries) == (1, 2)
    late = record_delivery(again, first, LATER, status_code=500, error="The answer was 500.")
    assert late.pending == second
    assert late.deliveries[-1].next_attempt_at is None
    failed = record_delivery(late, second, LATER, status_code=500, error="The answer was 500.")
    assert failed.pending
    assert failed.pending.tries == 2


def test_what_no_later_try_would_change_is_not_tried_again() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    told = record_delivery(webhook, first, LATER, status_code=None, error="No key.", is_final=True)
    assert told.pending is None
    assert [each.error for each in told.deliveries] == ["No key."]
    assert announced(told).pending, "the next event is told all the same"


def test_gone_ends_also_the_event_that_came_after() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    current = announced(webhook, "batch_1/1")
    gone = record_delivery(current, first, LATER, status_code=410, error="The answer was 410.")
    assert gone.pending is None
    assert announce(gone, "batch_1/2", "batch.completed", LATER) is gone


def test_a_receiver_that_answered_410_is_never_sent_anything_again() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    gone = record_delivery(webhook, first, LATER, status_code=410, error="The answer was 410.")
    with pytest.raises(NothingToRedeliver, match="410 Gone"):
        redeliver(gone, LATER)


def test_a_redelivery_is_made_once_a_minute_whatever_became_of_the_last_one() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    fine = record_delivery(webhook, first, LATER, status_code=200, error=None)
    again = redeliver(fine, LATER)
    ended = replace(again, pending=None)
    for webhook in (again, ended):
        with pytest.raises(RateLimited, match="in 60 s") as refused:
            redeliver(webhook, LATER)
        assert refused.value.headers == {"Retry-After": "60"}
        assert redeliver(webhook, LATER + timedelta(seconds=60)).pending
    # A clock that was set back does not make anybody wait for longer.
    assert redeliver(ended, LATER - timedelta(hours=1)).pending


def test_an_event_is_hinted_at_when_it_is_due_and_then_ever_more_seldom() -> None:
    webhook = announced(Webhook(URL))
    now = LATER
    waits = []
    for _ in range(8):
        before = now
        while hinted(webhook, now) is webhook:
            now += timedelta(seconds=30)
        webhook = hinted(webhook, now)
        waits.append((now - before).total_seconds())
    # Whoever announced it has hinted at it; then the sweep does, each time later.
    assert waits[1:] == [60, 120, 240, 480, 960, 1800, 1800]
    assert webhook.pending
    assert webhook.pending.due_at == NOW


def test_an_attempt_that_is_due_again_is_hinted_at_at_once() -> None:
    webhook, first = taken(hinted(announced(Webhook(URL)), LATER))
    failed = record_delivery(webhook, first, LATER, status_code=500, error="The answer was 500.")
    assert failed.pending
    assert failed.notify_at == failed.pending.due_at
    assert hinted(failed, failed.pending.due_at) is not failed


def test_a_redelivery_of_what_is_still_pending_only_hurries_it() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    failed = record_delivery(webhook, first, LATER, status_code=None, error="No answer.")
    hurried = redeliver(failed, LATER)
    until = LATER + timedelta(seconds=HINT_FIRST_S)
    assert hurried.pending == Pending("batch.completed", first.id, 1, LATER, 0, until, LATER, NOW)


def test_a_2xx_that_did_not_come_whole_is_no_success() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    broken = record_delivery(webhook, first, LATER, status_code=200, error="It broke off.")
    assert broken.pending is not None
