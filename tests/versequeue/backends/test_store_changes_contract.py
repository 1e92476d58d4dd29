"""What every store promises of changes that belong together, and of what it cannot read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.samples import NOW, at, batch_of, key_record, queued_job
from tests.versequeue.backends.conftest import ON_EMULATOR, RACERS, StoreMaker, at_once
from versequeue.backends.document_store import UNREADABLE_FOR_S, index_fields
from versequeue.errors import BudgetExhausted, RetryRefused, Unreadable
from versequeue.ports.store import KeyTaken, Store
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally, add_songs, tally_at
from versequeue.rules.webhook import Pending, Webhook

on_disk = pytest.mark.parametrize("store", ["sqlite", ON_EMULATOR], indirect=True)


class NewerStage(StrEnum):
    """What a later version may know."""

    REHEARSING = "rehearsing"


def charge_of(songs: int, limit: int, key: str = "all") -> Callable[[Tally | None], Tally]:
    def charge(found: Tally | None) -> Tally:
        added = add_songs(tally_at(found, key, NOW), songs, limit)
        if added is None:
            raise BudgetExhausted()
        return added

    return charge


def begin_round(batch: Batch) -> Batch:
    if batch.round:
        raise RetryRefused()
    return replace(batch, round=1)


def test_what_is_created_is_charged_or_neither_happens(store: Store) -> None:
    charges = {"all": charge_of(2, limit=3)}
    store.create([queued_job("job_1"), queued_job("job_2")], charges=charges, now=NOW)
    with pytest.raises(BudgetExhausted):
        store.create(
            [queued_job("job_3"), queued_job("job_4")],
            batch=batch_of(),
            record=key_record(),
            charges=charges,
            now=NOW,
        )
    assert (store.get_job("job_3"), store.get_batch("batch_1")) == (None, None)
    assert store.get_record("key_1") is None
    store.create([queued_job("job_3")], charges={"all": charge_of(1, limit=3)}, now=NOW)
    with pytest.raises(BudgetExhausted):
        store.create([], charges={"all": charge_of(1, limit=3)}, now=NOW)


def test_what_a_taken_key_refuses_is_not_charged(store: Store) -> None:
    charges = {"all": charge_of(1, limit=2)}
    store.create([queued_job()], record=key_record(), charges=charges, now=NOW)
    with pytest.raises(KeyTaken):
        store.create([queued_job("job_2")], record=key_record(), charges=charges, now=NOW)
    store.create([queued_job("job_3")], charges=charges, now=NOW)


def test_a_taken_key_is_told_also_where_the_limit_is_used_up(store: Store) -> None:
    charges = {"all": charge_of(1, limit=1)}
    store.create([queued_job()], record=key_record(), charges=charges, now=NOW)
    with pytest.raises(KeyTaken):
        store.create([queued_job("job_2")], record=key_record(), charges=charges, now=NOW)
    with pytest.raises(BudgetExhausted):
        store.create([queued_job("job_2")], record=key_record("key_2"), charges=charges, now=NOW)


def test_of_racing_creations_as_many_pass_as_the_limit_allows(open_shared: StoreMaker) -> None:
    stores = list(enumerate(open_shared() for _ in range(RACERS)))

    def race(racer: tuple[int, Store]) -> bool:
        number, store = racer
        charges = {"all": charge_of(1, 3), "client": charge_of(1, RACERS, "client")}
        try:
            store.create([queued_job(f"job_{number}")], charges=charges, now=NOW)
        except BudgetExhausted:
            return False
        return True

    passed = at_once(race, stores)
    assert sum(passed) == 3
    created = [stores[0][1].get_job(f"job_{n}") is not None for n in range(RACERS)]
    assert created == passed


def test_jobs_join_a_batch_together_with_its_change_or_not_at_all(store: Store) -> None:
    store.create([], batch=batch_of(), now=NOW)
    joined = ("batch_1", begin_round)
    store.create([queued_job("job_1", batch_id="batch_1")], joined=joined, now=NOW)
    assert store.get_batch("batch_1") == batch_of(round=1)
    charges = {"all": charge_of(1, limit=1)}
    with pytest.raises(RetryRefused):
        store.create([queued_job("job_2")], joined=joined, charges=charges, now=NOW)
    assert store.get_job("job_2") is None
    store.create([queued_job("job_2")], charges=charges, now=NOW)


def test_of_racing_joiners_exactly_one_wins(open_shared: StoreMaker) -> None:
    stores = list(enumerate(open_shared() for _ in range(RACERS)))
    stores[0][1].create([], batch=batch_of(), now=NOW)

    def race(racer: tuple[int, Store]) -> bool:
        number, store = racer
        job = queued_job(f"job_{number}", batch_id="batch_1", position=number)
        try:
            store.create([job], joined=("batch_1", begin_round), now=NOW)
        except RetryRefused:
            return False
        return True

    assert sum(at_once(race, stores)) == 1
    assert len(stores[0][1].batch_jobs("batch_1")) == 1


def test_due_webhooks_do_not_stand_before_unfinished_jobs(store: Store) -> None:
    hook = Webhook("https://example.org", pending=Pending("job.failed", "msg_1", 0, at(1)))
    ended = [
        queued_job(f"job_{n}", status=Status.FAILED, finished_at=at(1), webhook=hook)
        for n in range(5)
    ]
    store.create([*ended, queued_job("job_lost", publish_at=at(2))], now=NOW)
    assert [job.id for job in store.due_jobs(at(9), limit=1)] == ["job_lost"]
    assert len(store.jobs_to_notify(at(9), limit=3)) == 3
    assert len(store.jobs_to_notify(at(9))) == 5


def test_due_webhooks_do_not_stand_before_unfinished_batches(store: Store) -> None:
    hook = Webhook("https://example.org", pending=Pending("batch.completed", "msg_1", 0, at(1)))
    store.create([], batch=batch_of("batch_done", finished_at=at(1), webhook=hook), now=NOW)
    store.create([], batch=batch_of("batch_open", check_at=at(2)), now=NOW)
    assert [batch.id for batch in store.due_batches(at(9), limit=1)] == ["batch_open"]
    assert [batch.id for batch in store.batches_to_notify(at(9))] == ["batch_done"]
    store.update_batch("batch_done", lambda batch: replace(batch, webhook=None))
    assert store.batches_to_notify(at(9)) == []


@on_disk
def test_what_cannot_be_read_neither_ends_a_search_nor_fills_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    newer: Any = NewerStage.REHEARSING
    odd = [queued_job(f"job_odd_{n}", stage=newer, publish_at=at(1)) for n in range(3)]
    store.create([*odd, queued_job("job_1", publish_at=at(2))], now=NOW)
    assert [job.id for job in store.due_jobs(at(9), limit=2)] == ["job_1"]
    assert "job_odd_0 is left as it is" in caplog.text
    # It is looked at again later: by then somebody may be able to read it.
    caplog.clear()
    assert [job.id for job in store.due_jobs(at(10))] == ["job_1"]
    assert "job_odd" not in caplog.text
    store.due_jobs(at(9 + UNREADABLE_FOR_S))
    assert "job_odd_0 is left as it is" in caplog.text


@on_disk
def test_what_cannot_be_read_is_not_put_off_until_a_day_that_was_asked_for(store: Store) -> None:
    newer: Any = NewerStage.REHEARSING
    store.create([queued_job("job_odd", stage=newer, publish_at=at(1))], now=NOW)
    years = timedelta(days=3650)
    assert store.due_jobs(NOW + years) == []  # as a server does that takes over from a dead one
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "versequeue.backends.document_store.read_stored",
            lambda _kind, _name, body: queued_job("job_odd", publish_at=at(1)) if body else None,
        )
        soon = datetime.now(UTC) + timedelta(seconds=UNREADABLE_FOR_S + 60)
        assert [job.id for job in store.due_jobs(soon)] == ["job_odd"]


@on_disk
def test_what_an_older_version_has_indexed_is_found_in_its_place(store: Store) -> None:
    """It had one field for both moments; SQLite's files are brought up to date when opened."""
    hook = Webhook("https://example.org", pending=Pending("job.failed", "msg_1", 0, at(1)))
    ended = queued_job(status=Status.FAILED, finished_at=at(1), webhook=hook)
    with pytest.MonkeyPatch.context() as patched:
        if type(store).__name__ == "FirestoreStore":
            patched.setattr(
                "versequeue.backends.firestore_store.index_fields",
                lambda job: {**index_fields(job), "due_at": at(1), "notify_at": None},
            )
        store.create([ended], now=NOW)
    assert store.due_jobs(at(9)) == []
    assert store.jobs_to_notify(at(9)) == [ended]


@on_disk
def test_what_cannot_be_read_is_left_where_others_are_changed(store: Store) -> None:
    newer: Any = NewerStage.REHEARSING
    store.create([queued_job("job_odd", stage=newer), queued_job("job_1")], now=NOW)

    def take(job: Job) -> Job:
        return replace(job, attempt=1)

    changed = store.update_jobs({"job_odd": take, "job_1": take})
    assert changed["job_odd"] is None
    assert changed["job_1"] == store.get_job("job_1") == queued_job(attempt=1)
    for use in (store.get_job, lambda job_id: store.update_job(job_id, take)):
        with pytest.raises(Unreadable, match="rehearsing"):
            use("job_odd")


@on_disk
def test_what_cannot_be_read_is_left_out_of_the_queue_before_a_job(store: Store) -> None:
    newer: Any = NewerStage.REHEARSING
    store.create([queued_job("job_odd", stage=newer), queued_job("job_1")], now=NOW)
    assert [job.id for job in store.queued_jobs(at(1), 8)] == ["job_1"]


@on_disk
def test_a_named_document_that_cannot_be_read_begins_anew(store: Store) -> None:
    with pytest.MonkeyPatch.context() as patched:
        if type(store).__name__ == "FirestoreStore":
            patched.setattr("versequeue.backends.firestore_documents.to_map", lambda _: "{half")
        else:
            half = SimpleNamespace(dumps=lambda _state: "{half")
            patched.setattr("versequeue.backends.sqlite_store.json", half)
        store.update_state("worker", lambda _: {"seen": 1})
    assert store.get_state("worker") == {}
    store.update_state("worker", lambda state: {**state, "seen": 2})
    assert store.get_state("worker") == {"seen": 2}


def test_a_tally_goes_when_it_is_of_no_use_any_more(store: Store) -> None:
    store.create([], charges={"all": charge_of(1, limit=1)}, now=NOW)
    with pytest.raises(BudgetExhausted):
        store.create([], charges={"all": charge_of(1, limit=1)}, now=NOW)
    if store.delete_expired(at(3 * 86400)):  # Firestore deletes by itself
        store.create([], charges={"all": charge_of(1, limit=1)}, now=NOW)
