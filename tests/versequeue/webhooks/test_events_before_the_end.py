"""A start and the quarters of a batch, from where they happen to the receiver."""

import json
from typing import Any

from tests.support.api import ApiUnderTest
from tests.support.batches import a_batch, end, jobs_of
from tests.support.receivers import Receiver, answer, receiver
from tests.support.samples import song_of
from tests.support.webhooks import FakeSender, a_notifier, an_api, the_webhook
from versequeue.ports.queue import Topic
from versequeue.rules.job import Metrics, Stage, Status
from versequeue.service.sweep import sweep
from versequeue.webhooks.sender import Outcome

ALL = ["job.started", "job.succeeded", "job.failed", "job.canceled", "job.expired"]


def heard(hook: Receiver) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in hook.calls]


def sent(api: ApiUnderTest) -> None:
    """Do what the messages ask for."""
    notifier = a_notifier(api)
    for message in api.messages(Topic.NOTIFY):
        notifier.deliver(message["target"])


def test_a_start_is_told_when_it_happens_and_the_end_after_it() -> None:
    api = an_api()
    with receiver(answer(200)) as hook:
        job_id = api.submit(webhook={"url": hook.url, "events": ALL})
        attempt = api.worker_side.claim(job_id, Stage.WRITING)
        assert attempt
        sent(api)
        [started] = heard(hook)
        job = api.client.get(f"/v1/jobs/{job_id}").get_json()
        assert started["type"] == "job.started"
        assert started["timestamp"] == job["started_at"]
        assert started["data"]["status"] == "running"
        api.clock.pass_s(5)
        attempt.succeed(song_of("one"), Metrics())
        sent(api)
    assert [event["type"] for event in heard(hook)] == ["job.started", "job.succeeded"]


def test_an_end_that_comes_while_the_start_is_untold_is_sent_right_behind_it() -> None:
    api = an_api()
    with receiver(answer(200)) as hook:
        job_id = api.submit(webhook={"url": hook.url, "events": ALL})
        api.write(job_id)
        assert a_notifier(api).deliver(job_id) == Outcome(200)
    started, ended = heard(hook)
    assert (started["type"], ended["type"]) == ("job.started", "job.succeeded")
    assert started["timestamp"] == ended["data"]["started_at"]
    assert the_webhook(api, job_id).pending is None


def test_a_start_whose_hint_was_lost_is_hinted_at_by_the_sweep() -> None:
    api = an_api()
    job_id = api.submit(webhook={"url": "http://127.0.0.1:1/", "events": ALL})
    assert api.worker_side.claim(job_id, Stage.WRITING)
    assert api.messages(Topic.NOTIFY) == [{"target": job_id}]
    api.clock.pass_s(61)
    sweep(api.store, api.queue, api.clock)
    assert {"target": job_id} in api.messages(Topic.NOTIFY)


def test_a_receiver_that_refuses_the_start_is_told_the_end_after_three_tries() -> None:
    api = an_api()
    sender = FakeSender(Outcome(500), Outcome(500), Outcome(500), Outcome(200))
    job_id = api.submit(webhook={"url": "http://127.0.0.1:1/", "events": ALL})
    api.write(job_id)
    notifier = a_notifier(api, sender)
    for _ in range(3):
        notifier.deliver(job_id)
        api.clock.pass_s(361)
    assert len(set(sender.ids[:3])) == 1
    assert [each.event for each in the_webhook(api, job_id).deliveries] == [
        *["job.started"] * 3,
        "job.succeeded",
    ]


def test_a_redelivery_of_a_start_says_when_it_was() -> None:
    api = an_api()
    with receiver(answer(200)) as hook:
        job_id = api.submit(webhook={"url": hook.url, "events": ALL})
        assert api.worker_side.claim(job_id, Stage.WRITING)
        sent(api)
        assert api.client.post(f"/v1/jobs/{job_id}/redeliver").status_code == 202
        sent(api)
    first, second = heard(hook)
    assert first["timestamp"] == second["timestamp"] is not None


def a_watched_batch(api: ApiUnderTest, url: str, rows: int) -> list[str]:
    query = f"?webhook_url={url}&webhook_events=batch.progress,batch.completed"
    batch_id = a_batch(api, b"a\n" * rows, "text/plain", query)
    return [job.id for job in jobs_of(api, batch_id)]


def test_a_batch_tells_of_each_quarter_and_then_of_its_end() -> None:
    api = an_api()
    with receiver(answer(200)) as hook:
        for job_id in a_watched_batch(api, hook.url, 8):
            api.write(job_id)
            sent(api)
    events = heard(hook)
    assert [event["type"] for event in events] == ["batch.progress"] * 3 + ["batch.completed"]
    counts = [event["data"]["request_counts"]["succeeded"] for event in events]
    assert counts == [2, 4, 6, 8]
    assert len({call.headers["webhook-id"] for call in hook.calls}) == 4
    assert all(event["timestamp"] for event in events)


def test_a_quarter_that_a_dead_worker_could_not_tell_of_is_found_by_the_sweep() -> None:
    api = an_api()
    first, _ = a_watched_batch(api, "http://127.0.0.1:1/", 2)
    job = api.store.get_job(first)
    assert job
    end(api, job, Status.SUCCEEDED)
    assert api.messages(Topic.NOTIFY) == []
    api.clock.pass_s(61)
    sweep(api.store, api.queue, api.clock)
    assert api.messages(Topic.NOTIFY) == [{"target": job.batch_id}]


def test_rows_of_a_batch_that_nobody_watches_do_not_look_how_far_it_is() -> None:
    api = an_api()
    batch_id = a_batch(api, b"a\nb\nc\nd\n", "text/plain", "?webhook_url=http://127.0.0.1:1/")
    assert not any(job.watched for job in jobs_of(api, batch_id))
    api.write(jobs_of(api, batch_id)[0].id)
    assert api.messages(Topic.NOTIFY) == []
