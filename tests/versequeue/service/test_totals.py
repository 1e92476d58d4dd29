"""What is counted of the ends of jobs, by whoever ends them, and that a count costs no job."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, make_api
from tests.support.batches import upload
from tests.support.samples import NOW, at, queued_job, song_of
from tests.support.webhooks import FakeSender, a_finished_job, a_notifier, an_api
from versequeue.errors import GenerationFailed, StoreUnavailable
from versequeue.rules import totals
from versequeue.rules.channels import Channel
from versequeue.rules.job import Metrics, Stage, Status
from versequeue.service.sweep import sweep
from versequeue.webhooks.sender import Outcome


def ever(api: ApiUnderTest) -> totals.Totals:
    kept = (api.store.get_state("worker").get("totals"), api.store.get_state("totals"))
    return totals.read(kept, api.clock())[0]


def away(*_: Any) -> Any:
    raise StoreUnavailable("It is away.")


def test_sums_are_kept_for_ever_and_for_the_day() -> None:
    one = totals.noted({}, {"lines": 4, "usd": 0.5}, NOW)
    two = totals.noted(one, {"lines": 2}, NOW)
    assert totals.read([two, two], NOW) == ({"lines": 12, "usd": 1.0}, {"lines": 12, "usd": 1.0})
    tomorrow = at(86_400)
    assert totals.read([two], tomorrow) == ({"lines": 6, "usd": 0.5}, {})
    three = totals.noted(two, {"lines": 1}, tomorrow)
    assert totals.read([three], tomorrow) == ({"lines": 7, "usd": 0.5}, {"lines": 1})


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.0, 1), (1.0, 1), (1.1, 2), (600.0, 600), (601.0, totals.LONGER)]
)
def test_a_wait_is_counted_with_those_that_took_as_long(seconds: float, bound: int | str) -> None:
    metrics = Metrics(queue_s=seconds)
    job = queued_job(status=Status.SUCCEEDED, finished_at=at(3), metrics=metrics)
    found = totals.of_job(job, 0.0)
    assert found[totals.bucket(totals.QUEUED, bound)] == 1
    assert found[totals.bucket(totals.QUEUED, "sum")] == seconds
    assert set(found) <= totals.NAMES


def test_what_the_sweep_ends_is_counted_once_and_a_sweep_with_nothing_to_do_writes_nothing() -> (
    None
):
    api = make_api()
    sweep(api.store, api.queue, api.clock)
    assert api.store.get_state("totals") == {}
    api.submit()
    api.clock.pass_s(2 * 86_400)
    for _ in range(2):
        sweep(api.store, api.queue, api.clock)
    found = ever(api)
    assert (found["ended.expired"], found["swept.ended"]) == (1, 1)


def test_the_rows_of_a_canceled_file_are_counted_once_each() -> None:
    api = make_api()
    batch_id = upload(api, b"a\nb\nc\n", "text/plain").get_json()["id"]
    for _ in range(2):
        api.clock.pass_s(1)
        api.client.post(f"/v1/batches/{batch_id}/cancel")
    assert ever(api)["ended.canceled"] == 3


def test_a_job_that_ends_with_its_dead_worker_is_counted() -> None:
    api = make_api()
    job_id = api.submit()
    for _ in range(5):
        assert api.worker_side.claim(job_id, Stage.WRITING)
        api.clock.pass_s(1)
        api.worker_side.abandon([job_id], "worker")
    found = ever(api)
    assert (found["ended.failed"], found["worker_s"]) == (1, 5)


def failed(api: ApiUnderTest) -> None:
    attempt = api.worker_side.claim(api.submit(), Stage.WRITING)
    assert attempt
    attempt.fail(GenerationFailed("It broke."), retry=False)


def written(api: ApiUnderTest) -> None:
    attempt = api.worker_side.claim(api.submit(), Stage.WRITING)
    assert attempt
    attempt.succeed(song_of("one"), Metrics(generate_s=1.0, cold_start=False))


@pytest.mark.parametrize("end", [failed, written])
def test_what_a_worker_cannot_write_now_is_counted_with_its_next_message(
    end: Callable[[ApiUnderTest], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api()
    with monkeypatch.context() as patched:
        patched.setattr(api.store, "update_state", away)
        end(api)
        api.worker_side.show_ends()
    assert ever(api) == {}
    api.worker_side.show_ends()
    api.worker_side.show_ends()
    found = ever(api)
    assert found.get("ended.failed", 0) + found.get("ended.succeeded", 0) == 1


def test_a_song_alone_is_counted_in_the_write_that_notes_what_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = make_api()
    writes: list[str] = []
    real = api.store.update_state

    def update_state(name: str, change: Any) -> Any:
        writes.append(name)
        return real(name, change)

    monkeypatch.setattr(api.store, "update_state", update_state)
    written(api)
    api.worker_side.show_ends()
    assert writes == ["worker"]
    assert ever(api)["ended.succeeded"] == 1


def test_attempts_to_deliver_are_counted_by_how_they_went() -> None:
    api = an_api()
    sender = FakeSender(Outcome(500, "The answer was 500."), Outcome(204))
    notifier = a_notifier(api, sender)
    job_id = a_finished_job(api, "https://example.org/hook")
    notifier.deliver(job_id)
    api.clock.pass_s(60)
    notifier.deliver(job_id)
    found = ever(api)
    counted = [found[totals.delivery(Channel.WEBHOOK, each)] for each in totals.RESULTS]
    assert counted == [1, 1]


def test_a_count_that_cannot_be_written_costs_no_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api()
    job_id = api.submit()
    monkeypatch.setattr(api.store, "update_state", away)
    answer = api.client.post(f"/v1/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "canceled")
