"""Webhooks from the end of a job to the receiver: each event once, tried again by plan."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.support.api import ApiUnderTest, ManualClock, make_api
from tests.support.paths import ROOT
from tests.support.receivers import Behaviour, answer, receiver
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.config import Settings
from versequeue.functions import notify, wiring
from versequeue.functions.push import push_body, push_headers
from versequeue.ports.queue import Topic
from versequeue.ports.store import Store
from versequeue.rules.job import Job, Metrics, Stage, Status, claim, succeed
from versequeue.rules.webhook import ATTEMPT_LEASE_S, JITTER, RETRY_SCHEDULE_S, Webhook
from versequeue.service.sweep import sweep
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.sender import Outcome, WebhookSender

SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzIQ=="
OUTPUT = {
    "lyrics": "one\ntwo",
    "title": "T",
    "sections": [{"name": "Verse", "lines": ["one", "two"]}],
    "rhyme": {"scheme": "AABB", "score": 1.0},
    "receipt": {},
}


class FakeSender(WebhookSender):
    """Answers from a list, the last one for ever; remembers the ids that it was to send."""

    def __init__(self, *outcomes: Outcome) -> None:
        super().__init__([])
        self.outcomes = list(outcomes)
        self.ids: list[str] = []

    def send(self, url: str, webhook_id: str, body: bytes, now: datetime) -> Outcome:
        self.ids.append(webhook_id)
        return self.outcomes[min(len(self.ids), len(self.outcomes)) - 1]


def an_api(store: Store | None = None) -> ApiUnderTest:
    # The present: receivers refuse a timestamp that is five minutes off.
    return make_api(clock=ManualClock(datetime.now(UTC)), store=store)


def a_finished_job(api: ApiUnderTest, url: str, events: Sequence[str] = ()) -> str:
    """Submit with a webhook, and write the song; the job's id."""
    webhook = {"url": url, "events": list(events)}
    made = api.client.post("/v1/jobs", json={"prompt": "the sea", "webhook": webhook})
    assert made.status_code == 202, made.get_json()
    job_id: str = made.get_json()["id"]
    finish(api, job_id)
    return job_id


def finish(api: ApiUnderTest, job_id: str) -> None:
    now = api.clock()

    def write(job: Job) -> Job:
        running = claim(job, now, "w", lease_s=30, attempt_limit_s=60, stage=Stage.WRITING)
        return succeed(running, running.attempt, now, OUTPUT, Metrics())

    assert api.store.update_job(job_id, write)


def a_notifier(api: ApiUnderTest, sender: WebhookSender | None = None) -> Notifier:
    sender = sender or WebhookSender([SECRET], allow_private=True)
    return Notifier(api.store, sender, api.service.settings, clock=api.clock, jitter=lambda: 0.5)


def the_webhook(api: ApiUnderTest, job_id: str) -> Webhook:
    job = api.store.get_job(job_id)
    assert job is not None
    assert job.webhook is not None
    return job.webhook


def deliveries(api: ApiUnderTest, job_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.client.get(f"/v1/jobs/{job_id}").get_json()["webhook"][
        "deliveries"
    ]
    return found


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
        api.clock.now = pending.due_at
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
    api.clock.pass_s(ATTEMPT_LEASE_S)
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


def test_the_memory_of_deliveries_is_bounded() -> None:
    api = an_api()
    job_id = a_finished_job(api, "http://127.0.0.1:1/")
    notifier = a_notifier(api, FakeSender(Outcome(200)))
    for _ in range(40):
        notifier.deliver(job_id)
        assert api.client.post(f"/v1/jobs/{job_id}/redeliver").status_code == 202
    assert len(deliveries(api, job_id)) == 30


def test_only_the_events_that_were_asked_for_are_sent() -> None:
    api = an_api()
    job_id = a_finished_job(api, "http://127.0.0.1:1/", ["job.failed"])
    sender = FakeSender(Outcome(200))
    assert a_notifier(api, sender).deliver(job_id) is None
    assert sender.ids == []


def test_a_redelivery_is_the_same_event_again_even_after_success() -> None:
    api = an_api()
    with receiver(answer(200)) as hook:
        job_id = a_finished_job(api, hook.url)
        notifier = a_notifier(api)
        notifier.deliver(job_id)
        api.messages(Topic.NOTIFY)
        asked = api.client.post(f"/v1/jobs/{job_id}/redeliver")
        assert asked.status_code == 202
        assert asked.get_json()["id"] == job_id
        assert api.messages(Topic.NOTIFY) == [{"target": job_id}]
        assert notifier.deliver(job_id) == Outcome(200)
    first, second = hook.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert json.loads(first.body)["type"] == json.loads(second.body)["type"]


@pytest.mark.parametrize("webhook", [None, {"url": "http://127.0.0.1:1/"}])
def test_what_was_never_sent_cannot_be_sent_again(webhook: dict[str, str] | None) -> None:
    api = an_api()
    made = api.client.post("/v1/jobs", json={"prompt": "the sea", "webhook": webhook})
    refused = api.client.post(f"/v1/jobs/{made.get_json()['id']}/redeliver")
    assert (refused.status_code, refused.get_json()["type"]) == (
        409,
        "/problems/nothing-to-redeliver",
    )
    assert api.client.post("/v1/jobs/job_none/redeliver").status_code == 404


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


def a_batch(api: ApiUnderTest, query: str) -> tuple[str, list[str]]:
    made = api.client.post(f"/v1/batches?{query}", data=b"a\nb\n", content_type="text/plain")
    assert made.status_code == 202, made.get_json()
    ids = [job.id for job in api.store.batch_jobs(made.get_json()["id"])]
    return made.get_json()["id"], ids


def test_a_batch_says_once_that_it_is_complete() -> None:
    api = an_api()
    with receiver(answer(200)) as hook:
        batch_id, job_ids = a_batch(api, f"webhook_url={hook.url}")
        for job_id in job_ids:
            finish(api, job_id)
        api.clock.pass_s(61)
        sweep(api.store, api.queue, api.clock)
        assert api.messages(Topic.NOTIFY) == [{"target": batch_id}]
        notifier = a_notifier(api)
        assert notifier.deliver(batch_id) == Outcome(200)
        assert notifier.deliver(batch_id) is None
    (call,) = hook.calls
    event = json.loads(call.body)
    assert event["type"] == "batch.completed"
    assert event["data"]["id"] == batch_id
    assert event["data"]["request_counts"]["succeeded"] == 2
    assert "lyrics" not in call.body.decode()


def test_a_batch_tells_of_its_jobs_only_if_that_was_asked_for_by_name() -> None:
    api = an_api()
    _, job_ids = a_batch(api, "webhook_url=http://127.0.0.1:1/")
    assert [api.client.get(f"/v1/jobs/{job_id}").get_json()["webhook"] for job_id in job_ids] == [
        None,
        None,
    ]
    query = "webhook_url=http://127.0.0.1:1/&webhook_events=batch.completed,job.failed"
    batch_id, job_ids = a_batch(api, query)
    assert the_webhook(api, job_ids[0]).events == ("job.failed",)
    batch = api.store.get_batch(batch_id)
    assert batch is not None
    assert batch.webhook == Webhook("http://127.0.0.1:1/", ("batch.completed",))


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


def test_the_notify_function_delivers_what_a_push_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERSEQUEUE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VERSEQUEUE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("VERSEQUEUE_WEBHOOK_ALLOW_PRIVATE", "1")
    caches = (wiring.settings, wiring.store, wiring.queue, notify._notifier)
    for cached in caches:
        cached.cache_clear()
    store = wiring.store()
    api = an_api(store)
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "notify", str(ROOT / "notify_fn" / "main.py"), "cloudevent"
    )
    with receiver(answer(200)) as hook:
        job_id = a_finished_job(api, hook.url)
        for message in ({"target": job_id}, {"target": "x/y"}, {"target": "job_unknown"}, {}):
            pushed = app.test_client().post(
                "/",
                data=push_body(message, "1"),
                headers=push_headers(Topic.NOTIFY, "p", api.clock()),
            )
            assert pushed.status_code == 200
    assert len(hook.calls) == 1
    Verifier(SECRET).verify(hook.calls[0].body, hook.calls[0].headers)
    for cached in caches:
        cached.cache_clear()
    store.close()


def test_an_unfinished_job_and_one_without_a_webhook_have_nothing_to_deliver() -> None:
    api = an_api()
    made = api.client.post("/v1/jobs", json={"prompt": "the sea"})
    assert a_notifier(api).deliver(made.get_json()["id"]) is None
    finish(api, made.get_json()["id"])
    assert a_notifier(api).deliver(made.get_json()["id"]) is None
    found = api.store.get_job(made.get_json()["id"])
    assert found is not None
    assert found.status is Status.SUCCEEDED
