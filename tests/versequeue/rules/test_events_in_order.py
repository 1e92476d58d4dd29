"""Events before the end: told to whoever asks for them, in their order, each once."""

from dataclasses import replace
from datetime import timedelta

from tests.support.samples import NOW, at, batch_of, queued_job
from versequeue.errors import WorkerLost
from versequeue.rules.batch import complete, progress
from versequeue.rules.job import Job, Stage
from versequeue.rules.redelivery import redeliver
from versequeue.rules.transitions import claim, give_up, request_cancel
from versequeue.rules.webhook import (
    TRIES_BEFORE_NEXT,
    Pending,
    Webhook,
    announce,
    record_delivery,
    take_delivery,
    withdraw,
)

HOOK = Webhook("https://example.com/", ("job.started", "job.canceled", "job.succeeded"))


def claimed(job: Job, seconds: float = 0) -> Job:
    times = {"lease_s": 30.0, "attempt_limit_s": 60.0}
    return claim(job, at(seconds), "w", stage=Stage.WRITING, **times)


def told(webhook: Webhook | None) -> list[str]:
    """What is pending, and what waits behind it."""
    assert webhook
    first = [webhook.pending.event] if webhook.pending else []
    return [*first, *(one.event for one in webhook.waiting)]


def tried(webhook: Webhook | None, seconds: float, status: int) -> Webhook:
    """One delivery, which ends so."""
    assert webhook
    taken = take_delivery(webhook, at(seconds))
    assert taken is not webhook
    assert taken.pending
    return record_delivery(taken, taken.pending, at(seconds), status_code=status, error=None)


def test_a_start_is_told_to_whoever_asks_for_it_by_name() -> None:
    assert told(claimed(queued_job(webhook=HOOK)).webhook) == ["job.started"]
    for events in ((), ("job.succeeded",)):
        hook = Webhook("https://example.com/", events)
        assert claimed(queued_job(webhook=hook)).webhook == hook


def test_a_start_is_told_once_however_often_the_job_is_tried() -> None:
    job = claimed(queued_job(webhook=HOOK))
    job = replace(job, webhook=tried(job.webhook, 1, 200))
    again = claimed(give_up(job, 1, at(2), WorkerLost("It broke."), retry=True), 3)
    assert again.attempt == 2
    assert told(again.webhook) == []


def test_the_end_waits_for_the_start_and_follows_it_at_once() -> None:
    ended = claimed(replace(claimed(queued_job(webhook=HOOK)), cancel_requested_at=at(1)), 31)
    assert told(ended.webhook) == ["job.started", "job.canceled"]
    assert ended.notify_at == at(60), "the hint at the start is on its way"
    after = tried(ended.webhook, 32, 200)
    assert after.pending
    assert (after.pending.event, after.pending.due_at) == ("job.canceled", at(32))
    assert after.notify_at == at(32), "nobody has hinted at it"
    assert told(tried(after, 33, 200)) == []


def test_a_start_that_nobody_takes_holds_the_end_up_for_minutes_only() -> None:
    webhook: Webhook | None = announce(HOOK, "job_1", "job.started", NOW)
    webhook = announce(webhook, "job_1", "job.succeeded", NOW)
    seconds = []
    while told(webhook) == ["job.started", "job.succeeded"]:
        assert webhook
        assert webhook.pending
        seconds.append((webhook.pending.due_at - NOW).total_seconds())
        webhook = tried(webhook, seconds[-1], 500)
    assert seconds == [0, 5, 305]
    assert told(webhook) == ["job.succeeded"]


def test_a_start_that_was_refused_often_enough_goes_when_the_end_comes() -> None:
    resting = Pending("job.started", "m1", TRIES_BEFORE_NEXT, at(1800), noted_at=at(5))
    webhook = announce(replace(HOOK, pending=resting), "job_1", "job.succeeded", at(6))
    assert told(webhook) == ["job.succeeded"]
    on_its_way = replace(resting, due_at=at(65))
    webhook = announce(replace(HOOK, pending=on_its_way), "job_1", "job.succeeded", at(6))
    assert told(webhook) == ["job.started", "job.succeeded"]
    # Its report never comes: whoever looks next takes the end.
    taken = take_delivery(webhook or HOOK, at(65))
    assert told(taken) == ["job.succeeded"]
    assert taken.pending
    assert taken.pending.tries == 1


def test_gone_ends_what_waits_as_well() -> None:
    webhook = announce(announce(HOOK, "job_1", "job.started", NOW), "job_1", "job.succeeded", NOW)
    assert told(tried(webhook, 1, 410)) == []


def test_what_is_sent_once_more_is_the_end_and_never_a_start_before_it() -> None:
    webhook = announce(announce(HOOK, "job_1", "job.started", NOW), "job_1", "job.succeeded", NOW)
    assert webhook
    late = take_delivery(webhook, NOW).pending
    assert late
    webhook = tried(tried(webhook, 0, 200), 1, 200)
    webhook = record_delivery(webhook, late, at(50), status_code=None, error="No answer.")
    assert webhook.deliveries[-1].event == "job.started"
    assert told(redeliver(webhook, at(60))) == ["job.succeeded"]


def test_a_webhook_that_an_older_version_stored_has_nothing_waiting() -> None:
    old = queued_job(webhook=Webhook("https://example.com/"))
    ended = request_cancel(old, at(1))
    assert told(ended.webhook) == ["job.canceled"]


PROGRESS = Webhook("https://example.com/", ("batch.progress", "batch.completed"))


def test_each_quarter_of_a_batch_is_told_once_and_its_end_by_another_event() -> None:
    batch = batch_of(total=8, webhook=PROGRESS)
    events = []
    for left in range(8, -1, -1):
        after = progress(batch, left, at(8 - left))
        assert progress(after, left, at(8 - left)) is after
        if after is not batch:
            events.append((left, told(after.webhook)[-1]))
        batch = after
    assert events == [(left, "batch.progress") for left in (6, 4, 2)]
    assert told(complete(batch, at(9)).webhook) == ["batch.progress"] * 3 + ["batch.completed"]
    ids = {one.id for one in batch.webhook.waiting} if batch.webhook else set()
    assert len(ids) == 2
    assert batch.webhook
    assert [one.at for one in batch.webhook.waiting] == [at(4), at(6)]


def test_of_several_quarters_at_once_the_last_one_is_told() -> None:
    batch = progress(batch_of(total=3, webhook=PROGRESS), 1, NOW)
    assert (batch.quarter, told(batch.webhook)) == (2, ["batch.progress"])
    assert progress(batch, 2, NOW) is batch, "rows that are tried again take nothing back"


def test_nothing_is_told_of_the_progress_of_what_nobody_asked_for_or_has_ended() -> None:
    for hook in (None, Webhook("https://example.com/")):
        batch = batch_of(total=4, webhook=hook)
        assert progress(batch, 1, NOW) is batch
    over = complete(batch_of(total=4, webhook=PROGRESS), NOW)
    assert progress(over, 1, NOW) is over


def test_an_end_that_is_taken_back_leaves_what_was_before_it() -> None:
    batch = complete(progress(batch_of(total=4, webhook=PROGRESS), 1, NOW), at(1))
    assert told(withdraw(batch.webhook, "batch.completed", at(2))) == ["batch.progress"]
    ended = complete(batch_of(webhook=PROGRESS), NOW)
    assert told(withdraw(ended.webhook, "batch.completed", at(2))) == []
    assert withdraw(None, "batch.completed", at(2)) is None


def test_an_unfinished_job_with_an_event_is_looked_at() -> None:
    running = claimed(queued_job(webhook=HOOK))
    assert running.notify_at == NOW + timedelta(seconds=60)
    batch = progress(batch_of(total=4, webhook=PROGRESS), 1, NOW)
    assert batch.notify_at == NOW + timedelta(seconds=60)
