"""Documents in Firestore as maps that people can read, and those that older versions wrote."""

import json
from dataclasses import replace
from typing import Any

import pytest
from google.cloud import firestore
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emulators import EmulatedProject
from tests.support.samples import NOW, at, batch_of, finished_job, queued_job
from versequeue.backends.firestore_maps import AS_JSON, from_map, to_map
from versequeue.backends.firestore_store import FirestoreStore
from versequeue.errors import Unreadable
from versequeue.records import to_json, to_record
from versequeue.rules.transitions import note

#: Surrogates too: a caller's JSON may hold one half of a pair.
TEXTS = st.text(st.characters(codec=None, categories=None), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
KEYS = TEXTS | st.sampled_from(["lines", AS_JSON, "__name__", "", "a.b", "é", "metadata"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
RECORDS = st.dictionaries(st.sampled_from(["prompt", "output", "metadata"]), VALUES)


@settings(max_examples=300)
@given(RECORDS)
def test_every_record_is_read_as_it_was_written(record: dict[str, Any]) -> None:
    assert from_map(to_map(record)) == record


@settings(max_examples=300)
@given(RECORDS)
def test_nothing_is_in_a_map_that_firestore_refuses(record: dict[str, Any]) -> None:
    check(to_map(record), 20)


def check(value: Any, depth: int) -> None:
    """What Firestore's documentation allows, checked as directly as can be."""
    assert depth
    if isinstance(value, dict):
        for key, item in value.items():
            assert 0 < len(key.encode()) <= 1500
            assert not (key.startswith("__") and key.endswith("__"))
            check(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            assert not isinstance(item, list)
            check(item, depth - 1)
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63


def test_what_people_look_for_stands_as_it_is() -> None:
    found = to_map(to_record(finished_job()))
    assert found["status"] == "succeeded"
    assert found["output"]["sections"][0]["lines"] == ["one", "two"]
    assert found["events"][0]["event"] == "claimed"
    assert AS_JSON not in str({**found, "metadata": None})


def test_the_callers_keys_are_text_whatever_they_are() -> None:
    found = to_map(to_record(queued_job(metadata={"file": "a.csv"})))
    assert found["metadata"] == {AS_JSON: '{"file": "a.csv"}'}


def test_a_value_nested_too_deep_is_text() -> None:
    deep: Any = "end"
    for _ in range(30):
        deep = {"in": deep}
    check(to_map({"output": deep}), 20)
    assert from_map(to_map({"output": deep})) == {"output": deep}


@pytest.fixture
def client(emulated_project: EmulatedProject) -> firestore.Client:
    return firestore.Client(project=emulated_project.id)


@pytest.mark.emulators
def test_the_console_shows_a_job_as_a_map(
    emulated_project: EmulatedProject, client: firestore.Client
) -> None:
    store = FirestoreStore(emulated_project.id)
    job = finished_job(metadata={"a.b/c": "x", "__id__": "y", "": "z"})
    store.create([job], now=NOW)
    assert store.get_job(job.id) == job
    shown = client.collection("jobs").document(job.id).get().to_dict()
    assert shown
    body = shown["body"]
    assert body["prompt"] == job.prompt
    assert body["output"]["sections"] == [{"name": "verse", "lines": ["one", "two"]}]
    named = client.collection("jobs").where(
        filter=firestore.FieldFilter("body.prompt", "==", job.prompt)
    )
    assert [each.id for each in named.stream()] == [job.id]
    store.close()


@pytest.mark.emulators
def test_documents_of_text_are_still_read_and_become_maps(
    emulated_project: EmulatedProject, client: firestore.Client
) -> None:
    store = FirestoreStore(emulated_project.id)
    batch = batch_of(total=1, check_at=at(5))
    store.create([queued_job(batch_id="batch_1")], batch=batch, now=NOW)
    store.update_state("worker", lambda _: {"pace": {"song_s": [1.5]}})
    kept = {
        "jobs/job_1": to_json(queued_job(batch_id="batch_1")),
        "batches/batch_1": to_json(batch),
        "states/worker": json.dumps({"pace": {"song_s": [1.5]}}),
    }
    for path, text in kept.items():
        client.document(path).update({"body": text})
    assert store.get_job("job_1") == queued_job(batch_id="batch_1")
    assert store.batch_jobs("batch_1") == [queued_job(batch_id="batch_1")]
    assert store.due_batches(at(9)) == [batch]
    assert store.get_state("worker") == {"pace": {"song_s": [1.5]}}
    store.update_job("job_1", lambda job: note(job, NOW, "seen"))
    store.update_batch("batch_1", lambda found: replace(found, check_at=at(7)))
    store.update_state("worker", lambda state: {**state, "model": "tiny"})
    for path in kept:
        assert isinstance(client.document(path).get().get("body"), dict)
    store.close()


@pytest.mark.emulators
@pytest.mark.parametrize("body", ["{", "[]", None, 7, {AS_JSON: "{"}, {"metadata": {AS_JSON: 3}}])
def test_a_body_that_somebody_broke_is_unreadable_and_keeps_nobody_else(
    emulated_project: EmulatedProject, client: firestore.Client, body: Any
) -> None:
    store = FirestoreStore(emulated_project.id)
    store.create([queued_job("job_odd"), queued_job("job_1")], now=NOW)
    client.document("jobs/job_odd").update({"body": body})
    with pytest.raises(Unreadable):
        store.get_job("job_odd")
    assert [job.id for job in store.due_jobs(at(600))] == ["job_1"]
    store.close()
