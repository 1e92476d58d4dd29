"""Sending an event again on demand: the same event, and only where there was one."""

import json

import pytest

from tests.support.receivers import answer, receiver
from tests.support.webhooks import (
    FakeSender,
    a_finished_job,
    a_notifier,
    an_api,
    deliveries,
)
from versequeue.ports.queue import Topic
from versequeue.webhooks.sender import Outcome


def test_the_memory_of_deliveries_is_bounded() -> None:
    api = an_api()
    job_id = a_finished_job(api, "http://127.0.0.1:1/")
    notifier = a_notifier(api, FakeSender(Outcome(200)))
    for _ in range(40):
        notifier.deliver(job_id)
        api.clock.pass_s(60)
        assert api.client.post(f"/v1/jobs/{job_id}/redeliver").status_code == 202
    assert len(deliveries(api, job_id)) == 30


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
