"""A push from the end of a job or batch to its browser: once, tried again, given up."""

from typing import Any

import pytest

from tests.support.api import ApiUnderTest
from tests.support.push_service import PushService, push_service
from tests.support.receivers import answer, receiver
from tests.support.webhooks import a_notifier, an_api
from versequeue.errors import GenerationFailed
from versequeue.ports.queue import Topic
from versequeue.rules.job import Stage
from versequeue.rules.push import Push
from versequeue.rules.webhook import DELIVERY_LEASE_S, JITTER, RETRY_SCHEDULE_S
from versequeue.service.sweep import sweep
from versequeue.webhooks.sender import Outcome


def a_job_told_to(api: ApiUnderTest, service: PushService, **more: Any) -> str:
    """Submit it with the subscription of a browser; the job's id."""
    return api.submit(push=service.subscription, **more)


def the_push(api: ApiUnderTest, job_id: str) -> Push:
    job = api.store.get_job(job_id)
    assert job is not None
    assert job.push is not None
    return job.push


def sweep_later(api: ApiUnderTest, seconds: float) -> list[object]:
    """Let time go by and sweep; the targets that are hinted at."""
    api.clock.pass_s(seconds)
    api.messages(Topic.NOTIFY)
    sweep(api.store, api.queue, api.clock)
    return [message["target"] for message in api.messages(Topic.NOTIFY)]


def test_the_end_of_a_job_reaches_its_browser_once_and_is_listed() -> None:
    api = an_api()
    with push_service() as service:
        job_id = a_job_told_to(api, service)
        api.write(job_id)
        (message,) = api.messages(Topic.NOTIFY)
        notifier = a_notifier(api)
        assert notifier.deliver(message["target"]) == Outcome(201)
        assert notifier.deliver(message["target"]) is None, "a second message sends nothing"
    assert service.messages() == [{"type": "job.succeeded", "title": "T", "link": f"?job={job_id}"}]
    shown = api.client.get(f"/v1/jobs/{job_id}").get_json()["push"]
    (delivery,) = shown["deliveries"]
    assert (delivery["event"], delivery["status_code"]) == ("job.succeeded", 201)
    assert service.hook.url not in api.client.get(f"/v1/jobs/{job_id}").text


def test_a_job_that_fails_is_told_and_one_that_somebody_cancels_is_not() -> None:
    api = an_api()
    with push_service() as service:
        failed, canceled = a_job_told_to(api, service), a_job_told_to(api, service)
        attempt = api.worker_side.claim(failed, Stage.WRITING)
        assert attempt
        attempt.fail(GenerationFailed(), retry=False)
        api.client.post(f"/v1/jobs/{canceled}/cancel")
        for message in api.messages(Topic.NOTIFY):
            a_notifier(api).deliver(message["target"])
    assert [message["type"] for message in service.messages()] == ["job.failed"]


def test_a_push_and_a_webhook_of_one_job_do_not_wait_for_each_other() -> None:
    api = an_api()
    with push_service() as service, receiver(answer(500), answer(200)) as hook:
        job_id = a_job_told_to(api, service, webhook={"url": hook.url})
        api.write(job_id)
        targets = [message["target"] for message in api.messages(Topic.NOTIFY)]
        assert targets == [job_id, f"{job_id}/push"]
        notifier = a_notifier(api)
        assert [notifier.deliver(target) for target in targets] == [
            Outcome(500, "The answer was 500."),
            Outcome(201),
        ]
        assert sweep_later(api, RETRY_SCHEDULE_S[1] * (1 + JITTER)) == [job_id]
        assert notifier.deliver(job_id) == Outcome(200)
        assert sweep_later(api, 90_000) == []
    assert len(service.hook.calls) == 1


def test_a_push_service_that_fails_is_tried_again_under_the_same_topic() -> None:
    api = an_api()
    with push_service(answer(503), answer(201)) as service:
        job_id = a_job_told_to(api, service)
        api.write(job_id)
        target = f"{job_id}/push"
        notifier = a_notifier(api)
        assert notifier.deliver(target) == Outcome(503, "The answer was 503.")
        assert notifier.deliver(target) is None, "the next attempt is not due yet"
        assert sweep_later(api, RETRY_SCHEDULE_S[1] * (1 + JITTER)) == [target]
        assert notifier.deliver(target) == Outcome(201)
    first, second = service.hook.calls
    assert first.headers["Topic"] == second.headers["Topic"]
    assert len(first.headers["Topic"]) == 32
    assert service.messages()[0] == service.messages()[1]


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_has_unsubscribed_is_never_written_to_again(status: int) -> None:
    api = an_api()
    with push_service(answer(status)) as service:
        job_id = a_job_told_to(api, service)
        api.write(job_id)
        a_notifier(api).deliver(f"{job_id}/push")
        assert the_push(api, job_id).stopped
        assert sweep_later(api, 200_000) == []
        assert a_notifier(api).deliver(f"{job_id}/push") is None
    assert len(service.hook.calls) == 1


def test_a_push_ends_after_as_many_tries_as_a_webhook() -> None:
    api = an_api()
    with push_service(answer(500)) as service:
        job_id = a_job_told_to(api, service)
        api.write(job_id)
        while pending := the_push(api, job_id).pending:
            api.clock.pass_s((pending.due_at - api.clock()).total_seconds())
            a_notifier(api).deliver(f"{job_id}/push")
    assert len(service.hook.calls) == len(RETRY_SCHEDULE_S)


def test_a_notifier_that_dies_while_it_pushes_leaves_it_to_the_next() -> None:
    api = an_api()

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    with push_service() as service:
        job_id = a_job_told_to(api, service)
        api.write(job_id)
        dying = a_notifier(api)
        dying.pushes.send = die  # type: ignore[method-assign, assignment]
        with pytest.raises(Died):
            dying.deliver(f"{job_id}/push")
        assert a_notifier(api).deliver(f"{job_id}/push") is None, "the lease holds"
        assert sweep_later(api, DELIVERY_LEASE_S) == [f"{job_id}/push"]
        assert a_notifier(api).deliver(f"{job_id}/push") == Outcome(201)


def test_a_lost_hint_at_a_push_is_made_good_by_the_sweep() -> None:
    api = an_api()
    with push_service() as service:
        job_id = a_job_told_to(api, service)
        api.write(job_id)
        assert sweep_later(api, 30) == [], "the hint of the end counts as on its way"
        assert sweep_later(api, 31) == [f"{job_id}/push"]


def test_each_completion_of_a_batch_is_a_push_with_its_counts() -> None:
    api = an_api()
    with push_service() as service:
        answered = api.client.post("/v1/batches", data="rain\nsun", content_type="text/plain")
        batch_id = answered.get_json()["id"]
        told = api.client.post(f"/v1/batches/{batch_id}/push", json=service.subscription)
        assert told.status_code == 200
        first, second = (job.id for job in api.batches.rows(batch_id))
        api.write(first)
        attempt = api.worker_side.claim(second, Stage.WRITING)
        assert attempt
        attempt.fail(RuntimeErrorOfTheModel(), retry=False)
        (message,) = api.messages(Topic.NOTIFY)
        assert a_notifier(api).deliver(message["target"]) == Outcome(201)
        api.client.post(f"/v1/batches/{batch_id}/retry-failed")
        again = next(job.id for job in api.batches.rows(batch_id) if not job.done)
        api.write(again)
        (message,) = api.messages(Topic.NOTIFY)
        assert a_notifier(api).deliver(message["target"]) == Outcome(201)
    about = {"type": "batch.completed", "title": "", "link": f"?batch={batch_id}", "total": 2}
    assert service.messages() == [{**about, "succeeded": 1}, {**about, "succeeded": 2}]
    topics = {call.headers["Topic"] for call in service.hook.calls}
    assert len(topics) == 2, "an event of its own"


class RuntimeErrorOfTheModel(GenerationFailed):
    """One that may not come again."""

    retryable = True


def test_a_round_that_begins_before_the_last_ones_push_takes_its_place() -> None:
    api = an_api()
    with push_service() as service:
        answered = api.client.post("/v1/batches", data="rain", content_type="text/plain")
        batch_id = answered.get_json()["id"]
        api.client.post(f"/v1/batches/{batch_id}/push", json=service.subscription)
        (row,) = api.batches.rows(batch_id)
        attempt = api.worker_side.claim(row.id, Stage.WRITING)
        assert attempt
        attempt.fail(RuntimeErrorOfTheModel(), retry=False)
        api.client.post(f"/v1/batches/{batch_id}/retry-failed")
        assert a_notifier(api).deliver(f"{batch_id}/push") is None
    assert service.hook.calls == []


def test_no_log_names_a_subscription(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    api = an_api()
    with push_service(answer(500)) as service:
        job_id = a_job_told_to(api, service)
        api.client.post(f"/v1/jobs/{job_id}/push", json={**service.subscription, "keys": {}})
        api.write(job_id)
        a_notifier(api).deliver(f"{job_id}/push")
        sweep_later(api, 400)
    assert f"push: {Outcome(500, 'The answer was 500.')}" in caplog.text
    for secret in (service.hook.url, *service.subscription["keys"].values()):
        assert secret not in caplog.text
