"""What every store promises, asked of each of them."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.samples import NOW, at, batch_of, finished_job, key_record, queued_job
from tests.versequeue.backends.conftest import RACERS, StoreMaker, at_once
from versequeue.errors import LeaseLost
from versequeue.ports.store import KeyTaken, Store
from versequeue.rules.job import Job, Metrics, Status
from versequeue.rules.transitions import FURTHEST_S, note, request_cancel
from versequeue.rules.webhook import Pending, Webhook


def test_a_job_comes_back_as_it_was_written(store: Store) -> None:
    jobs = [queued_job(), finished_job()]
    store.create(jobs, now=NOW)
    assert [store.get_job(job.id) for job in jobs] == jobs


def test_metadata_may_have_odd_keys(store: Store) -> None:
    odd = {"": "empty", "__name__": "reserved", "a.b/c`d": "path", "x" * 64: "long"}
    store.create([queued_job(metadata=odd)], batch=batch_of(metadata=odd), now=NOW)
    job, batch = store.get_job("job_1"), store.get_batch("batch_1")
    assert job is not None
    assert batch is not None
    assert job.metadata == batch.metadata == odd


def test_a_batch_and_a_record_come_back_as_they_were_written(store: Store) -> None:
    batch = batch_of(metadata={"a": "b"}, webhook=Webhook("https://example.org"), check_at=at(9))
    record = key_record()
    store.create([queued_job()], batch=batch, record=record, now=NOW)
    assert store.get_batch(batch.id) == batch
    assert store.get_record(record.key) == record


def test_what_is_unknown_is_none_and_is_not_changed(store: Store) -> None:
    def never(_: Any) -> Any:
        raise AssertionError("there is nothing to change")

    assert store.get_job("job_x") is None
    assert store.get_batch("batch_x") is None
    assert store.get_record("key_x") is None
    assert store.update_job("job_x", never) is None
    assert store.update_batch("batch_x", never) is None
    assert store.batch_jobs("batch_x") == []
    assert sum(store.batch_counts("batch_x").values()) == 0


def test_a_change_is_returned_and_stored(store: Store) -> None:
    store.create([queued_job()], batch=batch_of(), now=NOW)
    changed = store.update_job("job_1", lambda job: note(job, at(1), "seen"))
    assert changed is not None
    assert changed.events[-1].event == "seen"
    assert store.get_job("job_1") == changed
    batch = store.update_batch("batch_1", lambda batch: replace(batch, round=1))
    assert batch == store.get_batch("batch_1") == batch_of(round=1)


def test_several_changes_are_returned_and_stored(store: Store) -> None:
    store.create([queued_job(), queued_job("job_2")], now=NOW)

    def see(job: Job) -> Job:
        return note(job, at(1), f"seen {job.id}")

    changed = store.update_jobs({"job_1": see, "job_x": see, "job_2": lambda job: job})
    assert list(changed) == ["job_1", "job_x", "job_2"]
    assert changed["job_1"] == store.get_job("job_1") == see(queued_job())
    assert changed["job_x"] is None
    assert changed["job_2"] == store.get_job("job_2") == queued_job("job_2")


def test_what_a_change_raises_passes_and_nothing_is_written(store: Store) -> None:
    store.create([queued_job()], now=NOW)

    def refuse(job: Job) -> Job:
        raise LeaseLost(f"not {job.id}")

    with pytest.raises(LeaseLost, match="not job_1"):
        store.update_job("job_1", refuse)
    assert store.get_job("job_1") == queued_job()
    store.update_job("job_1", lambda job: note(job, at(1), "still works"))


def test_a_change_that_makes_no_difference_leaves_the_job(store: Store) -> None:
    store.create([queued_job()], now=NOW)
    assert store.update_job("job_1", lambda job: job) == queued_job()
    assert store.get_job("job_1") == queued_job()


def test_a_live_key_refuses_everything_that_came_with_it(store: Store) -> None:
    first = key_record()
    store.create([queued_job()], record=first, now=NOW)
    second = key_record(resource_id="job_2")
    with pytest.raises(KeyTaken) as taken:
        store.create([queued_job("job_2")], batch=batch_of(), record=second, now=at(86399))
    assert taken.value.record == first
    assert store.get_job("job_2") is None
    assert store.get_batch("batch_1") is None
    assert store.get_record("key_1") == first


def test_a_key_that_has_expired_can_be_used_again(store: Store) -> None:
    store.create([queued_job()], record=key_record(), now=NOW)
    second = key_record(resource_id="job_2", expires_at=at(2 * 86400))
    store.create([queued_job("job_2")], record=second, now=at(86400))
    assert store.get_record("key_1") == second


def test_what_the_jobs_of_a_batch_took_is_added_up(store: Store) -> None:
    def row(name: str, batch_id: str, worker_s: float | None) -> Job:
        return queued_job(name, batch_id=batch_id, metrics=Metrics(worker_s=worker_s))

    rows = [("job_1", "batch_1", 1.5), ("job_2", "batch_1", 2.25), ("job_3", "batch_1", None)]
    store.create([row(*each) for each in [*rows, ("job_4", "batch_2", 50.0)]], now=NOW)
    assert store.batch_worker_s("batch_1") == 3.75
    took = Metrics(worker_s=4.0)
    store.update_job("job_3", lambda job: replace(job, metrics=took))
    assert store.batch_worker_s("batch_1") == 7.75
    assert store.batch_worker_s("batch_x") == 0.0


def test_a_thousand_jobs_are_read_by_position_in_pages(store: Store) -> None:
    jobs = [queued_job(f"job_{n}", batch_id="batch_1", position=n) for n in range(1000)]
    store.create(jobs[::-1], batch=batch_of(total=1000), now=NOW)
    assert store.batch_jobs("batch_1", limit=2) == jobs[:2]
    assert store.batch_jobs("batch_1", after=1, limit=500) == jobs[2:502]
    assert store.batch_jobs("batch_1", after=998) == jobs[999:]
    assert store.batch_jobs("batch_1", after=999) == []
    assert store.batch_counts("batch_1") == {Status.QUEUED: 1000}


def test_counts_follow_the_jobs(store: Store) -> None:
    jobs = [queued_job(f"job_{n}", batch_id="batch_1", position=n) for n in range(3)]
    store.create([*jobs, queued_job("job_other", batch_id="batch_2")], now=NOW)
    store.update_job("job_1", lambda job: request_cancel(job, at(1)))
    assert store.batch_counts("batch_1") == {Status.QUEUED: 2, Status.CANCELED: 1}
    assert [store.batch_unfinished(f"batch_{n}") for n in (1, 2, 3)] == [2, 1, 0]
    assert store.count_queued() == 3


def test_ended_jobs_are_those_of_the_batch_since_a_moment_in_the_order_of_their_ends(
    store: Store,
) -> None:
    ends = {"job_1": at(5), "job_2": at(3), "job_3": at(4), "job_4": None}
    jobs = [
        queued_job(name, batch_id="batch_1", position=n, status=Status.CANCELED, finished_at=end)
        for n, (name, end) in enumerate(ends.items())
    ]
    other = queued_job("job_5", batch_id="batch_2", status=Status.CANCELED, finished_at=at(5))
    store.create([*jobs, other], now=NOW)
    store.update_job("job_4", lambda job: replace(job, finished_at=at(6)))
    found = [job.id for job in store.ended_jobs("batch_1", at(4))]
    assert found == ["job_3", "job_1", "job_4"]
    assert store.ended_jobs("batch_3", at(0)) == []


def test_due_jobs_are_those_whose_moment_has_come_most_overdue_first(store: Store) -> None:
    hook = Webhook("https://example.org", pending=Pending("job.failed", "msg_1", 0, at(20)))
    jobs = [
        queued_job("job_late", publish_at=at(30)),
        queued_job("job_early", publish_at=at(10)),
        queued_job("job_future", publish_at=at(31)),
        queued_job("job_done", status=Status.FAILED),
        queued_job("job_hook", status=Status.FAILED, webhook=hook),
        queued_job("job_running", status=Status.RUNNING, lease_expires_at=at(25)),
    ]
    store.create(jobs, now=NOW)
    due = [job.id for job in store.due_jobs(at(30))]
    assert due == ["job_early", "job_running", "job_late"]
    assert [job.id for job in store.jobs_to_notify(at(30))] == ["job_hook"]
    assert [job.id for job in store.due_jobs(at(30), limit=1)] == ["job_early"]
    assert store.due_jobs(at(9.999)) == []


def test_what_is_further_ahead_than_any_rule_sets_it_is_due_after_the_most_overdue(
    store: Store,
) -> None:
    ahead = at(FURTHEST_S + 1)
    pending = Pending("job.failed", "msg_1", 0, ahead)
    hook = Webhook("https://example.org", pending=pending)
    jobs = [
        queued_job("job_ahead", publish_at=ahead),
        queued_job("job_early", publish_at=at(-10)),
        queued_job("job_later", publish_at=at(FURTHEST_S)),
        queued_job("job_hook", status=Status.FAILED, webhook=hook),
    ]
    store.create(jobs, batch=batch_of(check_at=ahead), now=NOW)
    assert [job.id for job in store.due_jobs(NOW)] == ["job_early", "job_ahead"]
    assert [job.id for job in store.due_jobs(NOW, limit=1)] == ["job_early"]
    assert [job.id for job in store.jobs_to_notify(NOW)] == ["job_hook"]
    assert [batch.id for batch in store.due_batches(NOW)] == ["batch_1"]


def test_a_claimed_job_is_due_when_its_lease_ends_and_no_longer_queued(store: Store) -> None:
    store.create([queued_job()], now=NOW)
    store.update_job("job_1", _take)
    assert store.count_queued() == 0
    assert store.due_jobs(at(60.5)) == []
    assert [job.attempt for job in store.due_jobs(at(61))] == [1]


def test_due_batches_are_those_whose_check_has_come(store: Store) -> None:
    for name, check_at in (("batch_b", at(2)), ("batch_a", at(1)), ("batch_c", at(3))):
        store.create([], batch=batch_of(name, check_at=check_at), now=NOW)
    store.create([], batch=batch_of("batch_done", finished_at=at(1)), now=NOW)
    assert [batch.id for batch in store.due_batches(at(2))] == ["batch_a", "batch_b"]
    assert [batch.id for batch in store.due_batches(at(9), limit=1)] == ["batch_a"]
    store.update_batch("batch_a", lambda batch: replace(batch, check_at=None))
    assert [batch.id for batch in store.due_batches(at(2))] == ["batch_b"]


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
def test_what_is_past_its_retention_is_deleted_and_counted(store: Store) -> None:
    jobs = [queued_job(f"job_{n}", expires_at=at(n)) for n in range(5)]
    batch = batch_of(expires_at=at(2))
    store.create(jobs, batch=batch, record=key_record(expires_at=at(2)), now=NOW)
    assert store.delete_expired(at(2), limit=1) == 1
    assert store.delete_expired(at(2)) == 4
    assert store.delete_expired(at(2)) == 0
    assert [n for n in range(5) if store.get_job(f"job_{n}")] == [3, 4]
    assert store.get_batch("batch_1") is None
    assert store.get_record("key_1") is None


def test_queued_jobs_are_counted_also_up_to_a_moment(store: Store) -> None:
    jobs = [queued_job(f"job_{n}", created_at=at(n)) for n in range(4)]
    store.create([*jobs, finished_job(created_at=at(0))], now=NOW)
    assert store.count_queued() == 4
    assert store.count_queued(before=at(2)) == 2
    assert store.count_queued(before=NOW) == 0


def test_queued_jobs_that_give_way_can_be_left_out_of_the_count(store: Store) -> None:
    single = queued_job("job_1", created_at=at(1))
    row = queued_job("job_2", created_at=at(0), batch_id="batch_1")
    one_of_many = queued_job("job_3", created_at=at(0), gives_way=True)
    store.create([single, row, one_of_many], batch=batch_of(), now=NOW)
    assert store.count_queued() == 3
    assert store.count_queued(singles=True) == 1
    assert store.count_queued(at(2), singles=True) == 1
    assert store.count_queued(at(1), singles=True) == 0


def test_the_first_queued_jobs_of_single_visitors_are_found_up_to_a_moment(store: Store) -> None:
    jobs = [queued_job(f"job_{n}", created_at=at(n)) for n in (2, 0, 1, 3)]
    row = queued_job("job_row", created_at=at(0), batch_id="batch_1")
    one_of_many = queued_job("job_many", created_at=at(0), gives_way=True)
    done = finished_job(created_at=at(0), batch_id=None)
    store.create([*jobs, row, one_of_many, done], batch=batch_of(), now=NOW)
    assert [job.id for job in store.queued_jobs(at(3), 8)] == ["job_0", "job_1", "job_2"]
    assert [job.id for job in store.queued_jobs(at(3), 2)] == ["job_0", "job_1"]


def test_held_jobs_are_found_in_their_order_and_counted_with_none_that_is_queued(
    store: Store,
) -> None:
    later: Any = {"when": "later", "ready_by": at(3600), "held": True}
    held = [queued_job(f"job_{n}", created_at=at(n), **later) for n in (2, 0, 1)]
    row = queued_job("job_3", created_at=at(3), batch_id="batch_1", **later)
    store.create([*held, row, queued_job("job_now")], batch=batch_of(), now=NOW)
    assert [job.id for job in store.held_jobs(8)] == ["job_0", "job_1", "job_2", "job_3"]
    assert [job.id for job in store.held_jobs(2)] == ["job_0", "job_1"]
    assert store.count_queued() == 1
    assert store.batch_counts("batch_1") == {Status.QUEUED: 1}
    assert store.batch_unfinished("batch_1") == 1
    store.update_job("job_0", lambda job: replace(job, held=False))
    store.update_job("job_3", lambda job: replace(job, held=False, status=Status.RUNNING))
    assert [job.id for job in store.held_jobs(8)] == ["job_1", "job_2"]
    assert store.count_queued() == 2
    assert store.count_queued(singles=True) == 1, "a later job gives way"


def test_created_jobs_are_counted_since_a_moment(store: Store) -> None:
    store.create([queued_job(f"job_{n}", created_at=at(n)) for n in range(6)], now=NOW)
    assert store.count_created(at(2)) == 4
    assert store.count_created(at(6)) == 0


def test_a_named_document_is_changed_as_a_whole(store: Store) -> None:
    assert store.get_state("worker") == {}
    store.update_state("worker", lambda state: state | {"seen": 1, "recent": [1.5, None]})
    changed = store.update_state("worker", lambda state: {**state, "seen": state["seen"] + 1})
    assert changed == store.get_state("worker") == {"seen": 2, "recent": [1.5, None]}
    assert store.get_state("other") == {}
    store.get_state("worker")["seen"] = 99
    assert store.get_state("worker")["seen"] == 2


def test_a_dropped_entry_of_a_named_document_is_gone(store: Store) -> None:
    store.update_state("worker", lambda _: {"a": 1, "b": {"c": 1, "d": 2}})
    store.update_state("worker", lambda _: {"b": {"c": 1}})
    assert store.get_state("worker") == {"b": {"c": 1}}


def test_of_racing_claims_exactly_one_wins(open_shared: StoreMaker) -> None:
    stores = [open_shared() for _ in range(RACERS)]
    stores[0].create([queued_job()], now=NOW)

    def race(store: Store) -> bool:
        try:
            store.update_job("job_1", _take)
        except LeaseLost:
            return False
        return True

    assert sum(at_once(race, stores)) == 1
    job = stores[0].get_job("job_1")
    assert job is not None
    assert job.attempt == 1


def test_of_racing_creates_with_one_key_exactly_one_wins(open_shared: StoreMaker) -> None:
    stores = list(enumerate(open_shared() for _ in range(RACERS)))

    def race(racer: tuple[int, Store]) -> str | None:
        number, store = racer
        job = queued_job(f"job_{number}")
        try:
            store.create([job], record=key_record(resource_id=job.id), now=NOW)
        except KeyTaken:
            return None
        return job.id

    [winner] = [job_id for job_id in at_once(race, stores) if job_id]
    created = [n for n in range(RACERS) if stores[0][1].get_job(f"job_{n}")]
    assert [f"job_{n}" for n in created] == [winner]


def test_racing_changes_of_one_document_all_count(open_shared: StoreMaker) -> None:
    stores = [open_shared() for _ in range(RACERS)]

    def race(store: Store) -> None:
        store.update_state("count", lambda state: {"n": state.get("n", 0) + 1})

    at_once(race, stores)
    assert stores[0].get_state("count") == {"n": RACERS}


def test_one_store_serves_many_threads(open_shared: StoreMaker) -> None:
    store = open_shared()

    def submit(number: int) -> Job | None:
        store.create([queued_job(f"job_{number}")], now=NOW)
        return store.get_job(f"job_{number}")

    assert all(at_once(submit, range(RACERS)))
    assert store.count_queued() == RACERS


def _take(job: Job) -> Job:
    if job.status is not Status.QUEUED:
        raise LeaseLost
    return replace(job, status=Status.RUNNING, attempt=job.attempt + 1, lease_expires_at=at(61))
