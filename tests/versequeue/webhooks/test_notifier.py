"""Webhooks from the end of a job to the receiver: each event once, tried again by plan."""

import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.support.api import make_api
from tests.support.receivers import Behaviour, answer, receiver
from tests.support.webhooks import (
    SECRET,
    FakeSender,
    a_finished_job,
    a_notifier,
    an_api,
    deliveries,
    the_webhook,
)
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.config import Settings
from versequeue.ports.queue import Topic
from versequeue.rules.job import Job, Status
from versequeue.rules.webhook import DELIVERY_LEASE_S, JITTER, RETRY_SCHEDULE_S
from versequeue.service.sweep import sweep
from versequeue.webhooks.sender import Outcome


def test_the_end_of_a_job_is_delivered_once_and_verifies() -> None:
    api = an_api()
    with receiver(answer(204)) as hook:
        job_id = a_finished_job(api, hook.url)
        notifier = a_notifier(api)
        assert notifier.deliver(job_id) == Outcome(204)
        assert notifier.deliver(job_id) is None, "a second message sends nothing"
    (call,) = hook.calls
    event = Verifier(SECRET).verify(call.body, call.headers)
    job = api.client.get(f"/v1/jobs/{job_id}").get_json()
    assert event["type"] == "job.succeeded"
    assert event["timestamp"] == job["finished_at"]
    assert event["data"]["id"] == job_id
    assert event["data"]["output"] == job["output"]
    assert set(event) == {"type", "timestamp", "data"}
    (delivery,) = deliveries(api, job_id)
    assert delivery["status_code"] == 204
    assert delivery["error"] is delivery["next_attempt_at"] is None
    assert delivery["id"] == call.headers["webhook-id"]


def test_a_receiver_that_fails_first_is_tried_again_with_the_same_id() -> None:
    api = an_api()
    with receiver(answer(500), answer(200)) as hook:
        job_id = a_finished_job(api, hook.url)
        notifier = a_notifier(api)
        assert notifier.deliver(job_id) == Outcome(500, "The answer was 500.")
        assert notifier.deliver(job_id) is None, "the next attempt is not due yet"
        api.clock.pass_s(RETRY_SCHEDULE_S[1] * (1 + JITTER))
        api.messages(Topic.NOTIFY)
        sweep(api.store, api.queue, api.clock)
        assert api.messages(Topic.NOTIFY) == [{"target": job_id}]
        assert notifier.deliver(job_id) == Outcome(200)
    assert [call.headers["webhook-id"] for call in hook.calls] == [
        entry["id"] for entry in deliveries(api, job_id)
    ]
    assert len({call.headers["webhook-id"] for call in hook.calls}) == 1
    assert [entry["status_code"] for entry in deliveries(api, job_id)] == [500, 200]
    for call in hook.calls:
        Verifier(SECRET).verify(call.body, call.headers)


def test_attempts_follow_the_schedule_and_then_end() -> None:
    api = an_api()
    job_id = a_finished_job(api, "http://127.0.0.1:1/")
    sender = FakeSender(Outcome(error="The receiver could not be connected to."))
    notifier = a_notifier(api, sender)
    waits = []
    while pending := the_webhook(api, job_id).pending:
        waits.append((pending.due_at - api.clock()).total_seconds())
        api.clock.pass_s(waits[-1])
        notifier.deliver(job_id)
    assert waits == pytest.approx([wait_s * (1 + JITTER / 2) for wait_s in RETRY_SCHEDULE_S])
    assert len(set(sender.ids)) == 1
    assert len(sender.ids) == 10
    assert deliveries(api, job_id)[-1]["next_attempt_at"] is None
    sweep(api.store, api.queue, api.clock)
    assert notifier.deliver(job_id) is None


def test_a_receiver_that_is_gone_is_never_tried_again() -> None:
    api = an_api()
    with receiver(answer(410)) as hook:
        job_id = a_finished_job(api, hook.url)
        a_notifier(api).deliver(job_id)
    webhook = the_webhook(api, job_id)
    assert webhook.pending is None
    assert webhook.stopped
    assert not webhook.wants("job.succeeded")


def test_retry_after_is_kept_where_it_is_longer_than_the_schedule() -> None:
    api = an_api()
    with receiver(answer(503, Retry_After="3600")) as hook:
        job_id = a_finished_job(api, hook.url)
        a_notifier(api).deliver(job_id)
    pending = the_webhook(api, job_id).pending
    assert pending is not None
    assert (pending.due_at - api.clock()).total_seconds() == pytest.approx(3600 * (1 + JITTER / 2))


def test_a_crash_after_the_claim_leads_to_another_attempt_with_the_same_id() -> None:
    api = an_api()

    class Crash(BaseException):
        pass

    class Crashing(FakeSender):
        def send(self, url: str, webhook_id: str, body: bytes, now: datetime) -> Outcome:
            super().send(url, webhook_id, body, now)
            raise Crash

    job_id = a_finished_job(api, "http://127.0.0.1:1/")
    crashing = Crashing(Outcome(200))
    with pytest.raises(Crash):
        a_notifier(api, crashing).deliver(job_id)
    working = FakeSender(Outcome(200))
    notifier = a_notifier(api, working)
    assert notifier.deliver(job_id) is None, "the first attempt may still be under way"
    api.clock.pass_s(DELIVERY_LEASE_S)
    assert notifier.deliver(job_id) == Outcome(200)
    assert crashing.ids == working.ids


def test_a_last_attempt_that_was_never_reported_ends_the_event() -> None:
    api = an_api()
    job_id = a_finished_job(api, "http://127.0.0.1:1/")

    def at_the_last_try(job: Job) -> Job:
        assert job.webhook
        assert job.webhook.pending
        tried = replace(job.webhook.pending, tries=len(RETRY_SCHEDULE_S))
        return replace(job, webhook=replace(job.webhook, pending=tried))

    api.store.update_job(job_id, at_the_last_try)
    sender = FakeSender(Outcome(200))
    assert a_notifier(api, sender).deliver(job_id) is None
    assert sender.ids == []
    assert the_webhook(api, job_id).pending is None
    assert deliveries(api, job_id)[-1]["error"] == "The last attempt was not reported."


def test_of_two_messages_at_once_one_sends(tmp_path: Path) -> None:
    api = an_api(SqliteStore(tmp_path / "store.sqlite3"))
    job_id = a_finished_job(api, "http://127.0.0.1:1/")
    sender = FakeSender(Outcome(200))
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        a_notifier(api, sender).deliver(job_id)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    api.store.close()
    assert len(sender.ids) == 1


def test_only_the_events_that_were_asked_for_are_sent() -> None:
    api = an_api()
    job_id = a_finished_job(api, "http://127.0.0.1:1/", ["job.failed"])
    sender = FakeSender(Outcome(200))
    assert a_notifier(api, sender).deliver(job_id) is None
    assert sender.ids == []


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://localhost/", "ftp://example.com/"]
)
def test_a_webhook_that_is_not_public_is_refused_before_anything_is_queued(url: str) -> None:
    api = make_api(Settings(hash_key="test"))
    for refused in (
        api.client.post("/v1/jobs", json={"prompt": "x", "webhook": {"url": url}}),
        api.client.post(f"/v1/batches?webhook_url={url}", data="x", content_type="text/plain"),
    ):
        assert refused.status_code == 422, refused.get_json()
        assert refused.get_json()["type"] == "/problems/webhook-url-forbidden"
    assert api.store.count_queued() == 0


def test_figures_of_a_mixed_day_no_event_twice_beyond_its_retries() -> None:
    api = an_api()
    scripts: dict[str, list[Behaviour]] = {
        "at once": [answer(200)],
        "third time": [answer(500), answer(503), answer(200)],
        "gone": [answer(410)],
    }
    for name, script in scripts.items():
        with receiver(*script) as hook:
            job_id = a_finished_job(api, hook.url)
            notifier = a_notifier(api)
            for _ in range(40):
                notifier.deliver(job_id)
                api.clock.pass_s(600)
        assert len(hook.calls) == len(script), name
        assert len({call.headers["webhook-id"] for call in hook.calls}) == 1


def test_an_unfinished_job_and_one_without_a_webhook_have_nothing_to_deliver() -> None:
    api = an_api()
    made = api.client.post("/v1/jobs", json={"prompt": "the sea"})
    assert a_notifier(api).deliver(made.get_json()["id"]) is None
    api.write(made.get_json()["id"])
    assert a_notifier(api).deliver(made.get_json()["id"]) is None
    found = api.store.get_job(made.get_json()["id"])
    assert found is not None
    assert found.status is Status.SUCCEEDED
