"""Webhooks of a batch: told once that it is complete, and of its jobs only on demand."""

import json

from tests.support.api import ApiUnderTest
from tests.support.receivers import answer, receiver
from tests.support.webhooks import (
    a_notifier,
    an_api,
    finish,
    the_webhook,
)
from versequeue.ports.queue import Topic
from versequeue.rules.webhook import Webhook
from versequeue.service.sweep import sweep
from versequeue.webhooks.sender import Outcome


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
