"""Submitting while a part of the cloud is away."""

from datetime import timedelta

import pytest

from tests.support.api import make_api
from tests.support.emulators import EmulatedProject
from tests.support.memory import MemoryQueue
from versequeue.clock import utc_now
from versequeue.config import Settings
from versequeue.errors import StoreUnavailable, Unreadable
from versequeue.ports.queue import Topic
from versequeue.rules.job import Status
from versequeue.rules.options import ResolvedOptions
from versequeue.service.callers import Submission
from versequeue.service.jobs import Jobs
from versequeue.service.sweep import sweep


@pytest.mark.emulators
def test_a_job_whose_message_pubsub_did_not_take_is_kept_and_published_by_the_sweep(
    emulated_project: EmulatedProject, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from versequeue.backends.firestore_store import FirestoreStore
    from versequeue.backends.pubsub_queue import PubSubQueue

    monkeypatch.setattr("versequeue.backends.pubsub_queue.PUBLISH_TIMEOUT_S", 0.3)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{closed_port}")
    store, away = FirestoreStore(emulated_project.id), PubSubQueue(emulated_project.id)
    jobs = Jobs(store, away, Settings())

    accepted = jobs.submit("city lights", ResolvedOptions(seed=7), Submission())
    later = MemoryQueue(utc_now)
    sweep(store, later, clock=lambda: utc_now() + timedelta(minutes=5))

    assert jobs.get(accepted.found.id).status is Status.QUEUED
    delivery = later.lease((Topic.JOBS,), utc_now(), 600)
    assert delivery is not None
    assert delivery.message == {"job_ids": [accepted.found.id]}
    store.close()
    away.close()


@pytest.mark.parametrize("wait", [{}, {"Prefer": "wait=20"}])
@pytest.mark.parametrize("call", ["count_queued", "get_state", "get_job"])
def test_a_job_that_was_accepted_is_a_202_though_the_store_fails_right_after(
    monkeypatch: pytest.MonkeyPatch, call: str, wait: dict[str, str]
) -> None:
    def away(*_: object, **_more: object) -> None:
        raise StoreUnavailable("The job store fails: it cannot be reached.")

    app = make_api()
    with monkeypatch.context() as patched:
        patched.setattr(app.store, call, away)
        answer = app.post_job({"prompt": "rain"}, headers=wait)
    assert answer.status_code == 202, answer.text
    assert answer.get_json()["queue_position"] == (1 if call == "get_job" else None)
    assert app.jobs.get(answer.get_json()["id"]).status is Status.QUEUED
    assert app.queue.depth(Topic.JOBS) == 1


def test_a_job_that_was_accepted_is_a_202_though_a_newer_version_writes_it_right_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def newer(_: str) -> None:
        raise Unreadable("This job cannot be read: 'rehearsing' is not a valid Stage.")

    app = make_api()
    monkeypatch.setattr(app.store, "get_job", newer)
    answer = app.post_job({"prompt": "rain"}, headers={"Prefer": "wait=20"})
    assert answer.status_code == 202, answer.text
    assert app.queue.depth(Topic.JOBS) == 1


def test_a_firestore_that_is_away_at_submit_is_a_503_and_nothing_is_published(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from versequeue.backends.firestore_store import FirestoreStore

    for name in ("RPC_TIMEOUT_S", "CREATE_TIMEOUT_S"):
        monkeypatch.setattr(f"versequeue.backends.firestore_documents.{name}", 0.3)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{closed_port}")
    app = make_api(store=FirestoreStore("demo-nowhere"))

    answer = app.post_job({"prompt": "rain"}, headers={"Idempotency-Key": "once"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert app.queue.depth(Topic.JOBS) == 0
    app.store.close()
