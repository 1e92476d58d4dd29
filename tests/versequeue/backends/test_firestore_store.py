"""The store in Firestore: its indexes, lost answers, and a Firestore that is not there."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from google.api_core import exceptions

from tests.support.emulators import EmulatedProject
from tests.support.paths import ROOT
from tests.support.samples import NOW, batch_of, key_record, queued_job
from versequeue.backends.firestore_documents import Document, Documents, Exists, New, Query
from versequeue.backends.firestore_store import FirestoreStore
from versequeue.errors import StartupError, StoreUnavailable
from versequeue.rules.job import Job, Status
from versequeue.rules.tally import Tally, tally_at
from versequeue.rules.transitions import note

INDEXES = json.loads((ROOT / "deploy" / "firestore.indexes.json").read_text())
#: Every call with which a store may be asked for something.
CALLS: tuple[Callable[[FirestoreStore], Any], ...] = (
    lambda store: store.create([queued_job()], record=key_record(), now=NOW),
    lambda store: store.get_job("job_1"),
    lambda store: store.update_job("job_1", lambda job: note(job, NOW, "seen")),
    lambda store: store.update_state("worker", lambda _: {"seen": 1}),
    lambda store: store.batch_counts("batch_1"),
    lambda store: store.due_jobs(NOW),
)

#: Every search that the code makes, in every form.
SEARCHES: tuple[Callable[[FirestoreStore], Any], ...] = (
    lambda store: store.batch_jobs("batch_1"),
    lambda store: store.batch_counts("batch_1"),
    lambda store: store.batch_unfinished("batch_1"),
    lambda store: store.ended_jobs("batch_1", NOW),
    lambda store: store.due_jobs(NOW),
    lambda store: store.due_batches(NOW),
    lambda store: store.count_queued(),
    lambda store: store.count_queued(NOW),
    lambda store: store.count_queued(NOW, singles=True),
    lambda store: store.count_queued(singles=True),
    lambda store: store.queued_jobs(NOW, 8),
    lambda store: store.held_jobs(8),
    lambda store: store.count_created(NOW),
    lambda store: store.jobs_to_notify(NOW),
    lambda store: store.batches_to_notify(NOW),
    lambda store: store.delete_expired(NOW),
    lambda store: store.batch_worker_s("batch_1"),
    lambda store: store.count_running(),
    lambda store: store.oldest_jobs(Status.QUEUED, 8),
    lambda store: store.newest_jobs(None, None, 8),
    lambda store: store.newest_jobs("client", None, 8),
)
#: Methods that go by a document's name and therefore need no index.
BY_NAME = {
    *("create", "close", "get_job", "update_job", "update_jobs", "get_batch", "update_batch"),
    *("get_record", "get_state", "update_state"),
}


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """What all the searches of a store ask for; nothing is found and nothing is connected.

    A sum needs the index that its order would need.
    """
    asked: list[Query] = []

    def find(_: Documents, query: Query) -> list[Document]:
        asked.append(query)
        return []

    def count(_: Documents, query: Query) -> int:
        asked.append(query)
        return 1

    def total(_: Documents, query: Query, field: str) -> float:
        asked.append(replace(query, order_by=field))
        return 0.0

    monkeypatch.setattr(Documents, "find", find)
    monkeypatch.setattr(Documents, "count", count)
    monkeypatch.setattr(Documents, "sum", total)
    store = FirestoreStore("demo-nowhere")
    for search in SEARCHES:
        search(store)
    return asked


def test_no_method_that_may_search_is_left_out() -> None:
    called = {name for search in SEARCHES for name in search.__code__.co_names}
    public = {name for name in vars(FirestoreStore) if not name.startswith("_")}
    assert public - BY_NAME - called == set()


def test_every_search_by_two_kinds_of_fields_has_its_composite_index(queries: list[Query]) -> None:
    needed = set()
    for query in queries:
        equal = [field for field, operator, _ in query.filters if operator == "=="]
        ranged = {field for field, operator, _ in query.filters if operator != "=="}
        ranged |= {query.order_by} - {""}
        assert len(ranged) <= 1
        if equal and ranged:
            needed.add((query.collection, *equal, *ranged))
    declared = {
        (index["collectionGroup"], *(field["fieldPath"] for field in index["fields"]))
        for index in INDEXES["indexes"]
    }
    assert declared == needed


def test_no_search_uses_a_field_that_has_no_index(queries: list[Query]) -> None:
    searched = {(query.collection, field) for query in queries for field, _, _ in query.filters}
    bare = {(each["collectionGroup"], each["fieldPath"]) for each in INDEXES["fieldOverrides"]}
    assert searched
    assert searched & bare == set()


def test_whatever_expires_is_deleted_by_firestore_and_no_body_is_indexed() -> None:
    overrides = {
        (each["collectionGroup"], each["fieldPath"]): each for each in INDEXES["fieldOverrides"]
    }
    assert all(each["indexes"] == [] for each in overrides.values())
    expiring = {group for (group, field), each in overrides.items() if each.get("ttl")}
    assert expiring == {"jobs", "batches", "records", "tallies"}
    assert {group for group, field in overrides if field == "body"} == expiring | {"states"}


def test_a_missing_project_is_named_at_the_start() -> None:
    with pytest.raises(StartupError, match="VERSEQUEUE_PROJECT"):
        FirestoreStore("")


def test_nothing_is_connected_before_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.cloud.firestore.Client", None)
    FirestoreStore("demo-nowhere").close()


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("versequeue.backends.firestore_documents.RPC_TIMEOUT_S", 0.3)
    monkeypatch.setattr("versequeue.backends.firestore_documents.CREATE_TIMEOUT_S", 0.3)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("port", ["closed_port", "silent_port"])
@pytest.mark.usefixtures("short_timeouts")
def test_a_firestore_that_is_not_there_is_store_unavailable_soon(
    call: Callable[[FirestoreStore], Any],
    port: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{request.getfixturevalue(port)}")
    store = FirestoreStore("demo-nowhere")
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="The job store fails: it ") as failed:
        call(store)
    assert time.monotonic() - started < 5
    assert failed.value.headers == {"Retry-After": "5"}
    store.close()


class Lossy(Documents):
    """Documents of which some writes do not arrive, or arrive while the answer does not."""

    refused = lost = 0
    fault: Any = None

    def _write(self, documents: Sequence[New], timeout_s: float) -> None:
        if self.refused:
            self.refused -= 1
            raise self.fault("no answer")
        super()._write(documents, timeout_s)
        if self.lost:
            self.lost -= 1
            raise self.fault("no answer")


@pytest.fixture(params=[exceptions.ServiceUnavailable, exceptions.DeadlineExceeded])
def lossy(
    emulated_project: EmulatedProject, request: pytest.FixtureRequest
) -> Iterator[tuple[FirestoreStore, Lossy]]:
    store = FirestoreStore(emulated_project.id)
    documents = Lossy(emulated_project.id)
    documents.fault = request.param
    store._documents = documents
    yield store, documents
    store.close()


@pytest.mark.emulators
def test_a_create_whose_answer_is_lost_has_worked(lossy: tuple[FirestoreStore, Lossy]) -> None:
    store, documents = lossy
    documents.lost = 1
    store.create([queued_job()], record=key_record(), now=NOW)
    documents.lost = 1
    store.create([queued_job("job_2")], batch=batch_of(), now=NOW)
    documents.lost = 1
    store.create([queued_job("job_3")], now=NOW)
    assert [bool(store.get_job(f"job_{n}")) for n in (1, 2, 3)] == [True, True, True]
    with pytest.raises(Exists):
        store.create([queued_job("job_3", prompt="another one"), queued_job("job_4")], now=NOW)
    assert store.get_job("job_4") is None


@pytest.mark.emulators
def test_a_charge_alone_whose_answer_is_lost_is_not_made_twice(
    lossy: tuple[FirestoreStore, Lossy],
) -> None:
    store, documents = lossy
    seen: list[int] = []

    def charge(found: Tally | None) -> Tally:
        tally = tally_at(found, "everybody", NOW)
        seen.append(tally.used)
        return replace(tally, used=tally.used + 1)

    for _ in range(2):
        documents.lost = 1
        store.create([], charges={"everybody": charge}, now=NOW)
    assert seen == [0, 1]


@pytest.mark.emulators
def test_a_change_whose_answer_is_lost_is_not_made_twice(
    lossy: tuple[FirestoreStore, Lossy],
) -> None:
    store, documents = lossy
    store.create([queued_job()], now=NOW)
    documents.lost = 1
    changed = store.update_job("job_1", lambda job: note(job, NOW, "seen"))
    assert changed is not None
    assert [event.event for event in changed.events] == ["seen"]
    assert store.get_job("job_1") == changed


@pytest.mark.emulators
def test_a_write_that_does_not_arrive_is_tried_again_but_not_for_ever(
    lossy: tuple[FirestoreStore, Lossy],
) -> None:
    store, documents = lossy
    documents.refused = 1
    store.update_state("worker", lambda state: {"n": state.get("n", 0) + 1})
    documents.refused = 1000
    with pytest.raises(StoreUnavailable, match=r"it (cannot be reached|does not answer)"):
        store.update_state("worker", lambda state: {"n": state.get("n", 0) + 1})
    assert store.get_state("worker") == {"n": 1}


@pytest.mark.emulators
def test_a_change_that_comes_between_is_kept(emulated_project: EmulatedProject) -> None:
    store, other = FirestoreStore(emulated_project.id), FirestoreStore(emulated_project.id)
    store.create([queued_job()], now=NOW)
    runs = 0

    def slow(job: Job) -> Job:
        nonlocal runs
        runs += 1
        if runs == 1:
            other.update_job("job_1", lambda job: note(job, NOW, "first"))
        return note(job, NOW, "second")

    store.update_job("job_1", slow)
    job = store.get_job("job_1")
    assert job is not None
    assert [event.event for event in job.events] == ["first", "second"]
    store.close()
    other.close()


@pytest.mark.emulators
@pytest.mark.parametrize("job_id", ["", ".", "..", "a/b", "__x__", "x" * 5000, "jöb", "job 1"])
def test_an_id_that_firestore_would_refuse_is_unknown(
    emulated_project: EmulatedProject, job_id: str
) -> None:
    store = FirestoreStore(emulated_project.id)
    assert store.get_job(job_id) is None
    assert store.get_batch(job_id) is None
    assert store.update_job(job_id, lambda job: job) is None
    store.close()
