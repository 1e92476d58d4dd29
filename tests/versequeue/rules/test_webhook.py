"""The bookkeeping of a webhook: pure values, one event after the other."""

from datetime import UTC, datetime, timedelta

from versequeue.rules.webhook import (
    Pending,
    Webhook,
    announce,
    record_delivery,
    redeliver,
    take_delivery,
    webhook_id,
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
    current = announced(webhook, "batch_1/1")
    late = record_delivery(current, first, LATER, status_code=500, error="The answer was 500.")
    assert late.pending == current.pending
    assert late.deliveries[-1].next_attempt_at is None
    fine = record_delivery(current, first, LATER, status_code=200, error=None)
    assert fine.pending == current.pending


def test_gone_ends_also_the_event_that_came_after() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    current = announced(webhook, "batch_1/1")
    gone = record_delivery(current, first, LATER, status_code=410, error="The answer was 410.")
    assert gone.pending is None
    assert announce(gone, "batch_1/2", "batch.completed", LATER) is gone


def test_whoever_asks_for_a_redelivery_starts_a_stopped_webhook_again() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    gone = record_delivery(webhook, first, LATER, status_code=410, error="The answer was 410.")
    again = redeliver(gone, LATER)
    assert again is not None
    assert again.pending == Pending("batch.completed", first.id, 0, LATER)
    assert not again.stopped


def test_a_redelivery_of_what_is_still_pending_only_hurries_it() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    failed = record_delivery(webhook, first, LATER, status_code=None, error="No answer.")
    hurried = redeliver(failed, LATER)
    assert hurried is not None
    assert hurried.pending == Pending("batch.completed", first.id, 1, LATER)


def test_a_2xx_that_did_not_come_whole_is_no_success() -> None:
    webhook, first = taken(announced(Webhook(URL)))
    broken = record_delivery(webhook, first, LATER, status_code=200, error="It broke off.")
    assert broken.pending is not None
