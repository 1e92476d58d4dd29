"""How batches end: canceled, completed, their failed rows tried again."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, make_api
from tests.support.batches import a_batch, end, end_all, jobs_of, look, rows_of
from versequeue.errors import StoreUnavailable
from versequeue.ports.queue import Topic
from versequeue.rules.job import Stage, Status
from versequeue.rules.transitions import claim
from versequeue.service.batches import Batches
from versequeue.service.sweep import sweep


def test_a_cancel_ends_what_is_queued_and_asks_what_is_running() -> None:
    api = make_api()
    batch_id = a_batch(api)
    first, second, _ = jobs_of(api, batch_id)
    end(api, first, Status.SUCCEEDED)
    now = api.clock()
    api.store.update_job(
        second.id,
        lambda job: claim(job, now, "w", lease_s=30, attempt_limit_s=60, stage=Stage.WRITING),
    )
    for _ in range(2):
        answer = api.client.post(f"/v1/batches/{batch_id}/cancel")
        api.clock.pass_s(1)
        assert answer.status_code == 200
        assert answer.get_json()["request_counts"]["canceled"] == 1
        assert answer.get_json()["status"] == "running"
    api.clock.pass_s(61)
    sweep(api.store, api.queue, api.clock)
    batch = look(api, batch_id)
    assert (batch["status"], batch["done"]) == ("canceled", True)
    assert batch["request_counts"]["succeeded"] == 1
    assert batch["request_counts"]["canceled"] == 2
    stored = api.store.get_batch(batch_id)
    assert stored is not None
    assert stored.cancel_requested_at == now


def test_a_batch_whose_cost_cannot_be_asked_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = make_api()

    def away(_: str) -> float:
        raise StoreUnavailable("The index is still built.")

    monkeypatch.setattr(api.store, "batch_worker_s", away)
    batch_id = a_batch(api)
    end_all(api, batch_id, *[Status.SUCCEEDED] * 3)
    batch = look(api, batch_id)
    assert batch["status"] == "completed"
    assert batch["finished_at"] is not None
    assert batch["cost_usd"] is None


def test_a_finished_batch_is_not_canceled() -> None:
    api = make_api()
    batch_id = a_batch(api)
    for job in jobs_of(api, batch_id):
        end(api, job, Status.SUCCEEDED)
    answer = api.client.post(f"/v1/batches/{batch_id}/cancel")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "completed")


def test_a_cancel_that_came_when_all_had_ended_cancels_nothing_that_is_tried_again() -> None:
    api = make_api()
    batch_id = a_batch(api)
    for job in jobs_of(api, batch_id):
        end(api, job, Status.FAILED)
    api.batches.cancel(batch_id)
    assert api.client.post(f"/v1/batches/{batch_id}/retry-failed").status_code == 202
    for _ in range(3):
        api.clock.pass_s(61)
        sweep(api.store, api.queue, api.clock)
    assert look(api, batch_id)["request_counts"]["queued"] == 3


def test_a_cancel_that_was_cut_short_is_finished_by_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("versequeue.service.rows.CANCELED_AT_ONCE", 1)
    api = make_api()
    batch_id = a_batch(api)
    ticks = iter(range(1000))
    # Half of a second for every job, and a budget that is over at once.
    hasty = Batches(
        api.store,
        api.queue,
        api.jobs.settings,
        clock=api.clock,
        monotonic=lambda: next(ticks) * 15.0,
    )
    assert hasty.cancel(batch_id).counts[Status.CANCELED] < 3
    sweep(api.store, api.queue, api.clock)
    assert look(api, batch_id)["status"] == "canceled"
    assert look(api, batch_id)["request_counts"]["canceled"] == 3


def finished_with_two_failed(api: ApiUnderTest) -> str:
    batch_id = a_batch(api)
    end_all(api, batch_id, Status.FAILED, Status.SUCCEEDED, Status.FAILED)
    api.messages(Topic.BULK)
    return batch_id


def test_a_retry_queues_the_failed_rows_again_in_their_places() -> None:
    api = make_api()
    batch_id = finished_with_two_failed(api)
    before = rows_of(api, batch_id)
    answer = api.client.post(f"/v1/batches/{batch_id}/retry-failed")
    assert answer.status_code == 202
    assert (answer.get_json()["status"], answer.get_json()["finished_at"]) == ("running", None)
    counts = answer.get_json()["request_counts"]
    assert (counts["total"], counts["queued"], counts["succeeded"], counts["failed"]) == (
        3,
        2,
        1,
        0,
    )
    (message,) = api.messages(Topic.BULK)
    rows = rows_of(api, batch_id)
    assert [row["id"] for row in rows if row["status"] == "queued"] == message["job_ids"]
    for name in ("custom_id", "line", "prompt"):
        assert [row[name] for row in rows] == [row[name] for row in before]
    old = api.client.get(f"/v1/jobs/{before[0]['id']}").get_json()
    assert old["status"] == "failed", "what has ended never changes"


def test_a_row_that_is_tried_again_late_ends_before_it_is_deleted() -> None:
    api = make_api()
    batch_id = finished_with_two_failed(api)
    batch = api.store.get_batch(batch_id)
    assert batch is not None
    api.clock.pass_s((batch.expires_at - api.clock()).total_seconds() - 60)
    assert api.client.post(f"/v1/batches/{batch_id}/retry-failed").status_code == 202
    queued = [job for job in jobs_of(api, batch_id) if job.status is Status.QUEUED]
    assert {(job.deadline_at, job.expires_at) for job in queued} == {
        (batch.expires_at, batch.expires_at)
    }


def test_a_retried_batch_ends_again_and_may_be_retried_again() -> None:
    api = make_api()
    batch_id = finished_with_two_failed(api)
    first_end = look(api, batch_id)["finished_at"]
    api.client.post(f"/v1/batches/{batch_id}/retry-failed")
    queued = [job for job in jobs_of(api, batch_id) if job.status is Status.QUEUED]
    end(api, queued[0], Status.FAILED)
    end(api, queued[1], Status.SUCCEEDED)
    api.clock.pass_s(61)
    sweep(api.store, api.queue, api.clock)
    batch = look(api, batch_id)
    assert batch["status"] == "completed"
    assert batch["finished_at"] > first_end
    assert batch["request_counts"]["succeeded"] == 2
    assert batch["request_counts"]["failed"] == 1
    again = api.client.post(f"/v1/batches/{batch_id}/retry-failed").get_json()
    assert again["request_counts"]["queued"] == 1
    assert [row["status"] for row in rows_of(api, batch_id)] == ["queued", "succeeded", "succeeded"]
    (last,) = [job for job in jobs_of(api, batch_id) if job.status is Status.QUEUED]
    end(api, last, Status.SUCCEEDED)
    assert {row["status"] for row in rows_of(api, batch_id)} == {"succeeded"}
    assert look(api, batch_id)["request_counts"]["failed"] == 0


def before_the_first_create(
    monkeypatch: pytest.MonkeyPatch, api: ApiUnderTest, action: Callable[[], object]
) -> None:
    """Let `action` come in between, as another process could, when next something is created."""
    create = api.store.create

    def create_after_it(*args: Any, **more: Any) -> None:
        monkeypatch.setattr(api.store, "create", create)
        action()
        create(*args, **more)

    monkeypatch.setattr(api.store, "create", create_after_it)


def test_two_retries_at_once_retry_once(monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api()
    batch_id = finished_with_two_failed(api)
    batches = api.batches
    before_the_first_create(monkeypatch, api, lambda: batches.retry_failed(batch_id))
    batches.retry_failed(batch_id)
    assert look(api, batch_id)["request_counts"]["queued"] == 2
    assert len(jobs_of(api, batch_id)) == 5


def test_a_retry_that_comes_late_does_not_open_a_batch_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = make_api()
    batch_id = finished_with_two_failed(api)
    batches = api.batches

    def a_whole_round() -> None:
        batches.retry_failed(batch_id)
        for job in jobs_of(api, batch_id):
            if job.status is Status.QUEUED:
                end(api, job, Status.SUCCEEDED)
        api.clock.pass_s(61)
        sweep(api.store, api.queue, api.clock)

    before_the_first_create(monkeypatch, api, a_whole_round)
    batches.retry_failed(batch_id)
    assert look(api, batch_id)["finished_at"]
    assert look(api, batch_id)["request_counts"]["succeeded"] == 3


def test_a_retry_is_written_as_a_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api()
    batch_id = finished_with_two_failed(api)
    writes: list[str] = []
    for name in ("create", "update_batch", "update_job", "update_jobs", "update_state"):
        write = getattr(api.store, name)

        def noted(*args: Any, name: str = name, write: Any = write, **more: Any) -> Any:
            writes.append(name)
            return write(*args, **more)

        monkeypatch.setattr(api.store, name, noted)
    api.batches.retry_failed(batch_id)
    # The batch's change is part of it, and so there is nothing that a crash could come between.
    assert [name for name in writes if name != "update_batch"] == ["create"]
    assert look(api, batch_id)["finished_at"] is None


def test_with_nothing_failed_a_retry_changes_nothing() -> None:
    api = make_api()
    batch_id = a_batch(api)
    answer = api.client.post(f"/v1/batches/{batch_id}/retry-failed")
    assert (answer.status_code, answer.get_json()["request_counts"]["queued"]) == (202, 3)
    assert len(jobs_of(api, batch_id)) == 3


def test_a_retry_that_was_created_is_a_202_though_the_store_fails_right_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object, **_more: object) -> None:
        raise StoreUnavailable("The job store fails: it cannot be reached.")

    api = make_api()
    batch_id = a_batch(api)
    end_all(api, batch_id, Status.SUCCEEDED, Status.FAILED, Status.FAILED)
    create = api.store.create
    with monkeypatch.context() as patched:

        def create_and_go(*asked: Any, **more: Any) -> None:
            create(*asked, **more)
            patched.setattr(api.store, "get_batch", away)
            patched.setattr(api.store, "batch_counts", away)

        patched.setattr(api.store, "create", create_and_go)
        answer = api.client.post(f"/v1/batches/{batch_id}/retry-failed")
    assert answer.status_code == 202, answer.text
    told, now = answer.get_json(), look(api, batch_id)
    assert told["request_counts"] == now["request_counts"]
    assert (told["status"], told["finished_at"]) == ("running", None)


def test_rows_that_fail_while_others_are_tried_again_are_told_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = make_api()
    batch_id = a_batch(api)
    first, second, _ = jobs_of(api, batch_id)
    end(api, first, Status.FAILED)
    rows = api.store.batch_jobs

    def read_later(*asked: Any, **more: Any) -> Any:
        monkeypatch.undo()
        end(api, second, Status.FAILED)
        return rows(*asked, **more)

    monkeypatch.setattr(api.store, "batch_jobs", read_later)
    told = api.client.post(f"/v1/batches/{batch_id}/retry-failed").get_json()
    assert told["request_counts"] == look(api, batch_id)["request_counts"]
    assert told["request_counts"]["queued"] == 3
