"""Webhooks of a batch: told once that it is complete, and of its jobs only on demand."""

import json

from tests.support.batches import a_batch, end, jobs_of
from tests.support.receivers import answer, receiver
from tests.support.webhooks import (
    a_notifier,
    an_api,
    the_webhook,
)
from versequeue.ports.queue import Topic
from versequeue.rules.job import Status
from versequeue.rules.webhook import Webhook
from versequeue.service.sweep import sweep
from versequeue.webhooks.sender import Outcome


def test_a_batch_says_once_that_it_is_complete() -> None:
    api = an_api()
    with receiver(answer(200)) as hook:
        batch_id = a_batch(api, query=f"?webhook_url={hook.url}")
        for job in jobs_of(api, batch_id):
            end(api, job, Status.SUCCEEDED)
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
    assert event["data"]["request_counts"]["succeeded"] == 3
    assert "lyrics" not in call.body.decode()


def test_a_batch_tells_of_its_jobs_only_if_that_was_asked_for_by_name() -> None:
    api = an_api()
    for job in jobs_of(api, a_batch(api, query="?webhook_url=http://127.0.0.1:1/")):
        assert api.client.get(f"/v1/jobs/{job.id}").get_json()["webhook"] is None
    query = "?webhook_url=http://127.0.0.1:1/&webhook_events=batch.completed,job.failed"
    batch_id = a_batch(api, query=query)
    assert the_webhook(api, jobs_of(api, batch_id)[0].id).events == ("job.failed",)
    batch = api.store.get_batch(batch_id)
    assert batch is not None
    assert batch.webhook == Webhook("http://127.0.0.1:1/", ("batch.completed",))
