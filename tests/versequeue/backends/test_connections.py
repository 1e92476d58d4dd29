"""Connections to Google's services that died, while the instance slept or under its hands."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from deploy import services
from deploy.functions import function
from deploy.stage import stage
from tests.support.deployment import TARGET
from tests.support.emulators import EmulatedProject, require_emulators
from tests.support.environments import python_of
from tests.support.relay import relay
from tests.support.samples import NOW, queued_job
from tests.support.trial import started
from tests.support.waiting import wait_until
from versequeue.backends import google_calls
from versequeue.backends.firestore_store import FirestoreStore
from versequeue.backends.google_calls import Connection
from versequeue.backends.pubsub_queue import PubSubQueue
from versequeue.child_process import free_port
from versequeue.emulated.emulators import Emulators
from versequeue.emulated.topics import create_topics
from versequeue.errors import QueueUnavailable, StoreUnavailable
from versequeue.ports.queue import Topic

pytestmark = pytest.mark.long

LIMIT_S = 60
FIRESTORE, PUBSUB = "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"


class Clients:
    """Makes clients that are only names, at a time that a test sets."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.closed: list[str] = []
        self.now_s = 1000.0
        self.connection = Connection(self.connect, self.closed.append, lambda: self.now_s)

    def connect(self) -> str:
        self.made.append(f"client {len(self.made)}")
        return self.made[-1]

    def lose(self) -> None:
        """A call that reaches nobody."""
        reached_nobody: Any = exceptions.ServiceUnavailable
        with pytest.raises(exceptions.ServiceUnavailable), self.connection.client():
            raise reached_nobody("no answer")

    def used(self) -> str:
        """The client that a call gets."""
        with self.connection.client() as client:
            return str(client)


def test_a_connection_is_kept_until_it_was_idle_for_minutes() -> None:
    clients = Clients()
    assert clients.used() == "client 0"
    for _ in range(2):
        clients.now_s += google_calls.IDLE_LIMIT_S
        assert clients.used() == "client 0", "it was used in between"
    clients.now_s -= 3600
    assert clients.used() == "client 0", "a clock that is set back says nothing"

    clients.now_s += google_calls.IDLE_LIMIT_S + 1

    assert clients.used() == "client 1"
    assert clients.closed == ["client 0"]


def test_a_connection_that_reaches_nobody_is_made_anew_unless_others_are_using_it() -> None:
    clients = Clients()
    reached_nobody: Any = exceptions.ServiceUnavailable
    refused: Any = exceptions.Forbidden
    with pytest.raises(exceptions.Forbidden), clients.connection.client():
        raise refused("no right")
    with (
        clients.connection.client(),
        pytest.raises(exceptions.ServiceUnavailable),
        clients.connection.client(),
    ):
        raise reached_nobody("no answer")
    assert clients.used() == "client 0"

    clients.lose()

    assert clients.closed == ["client 0"]
    assert clients.used() == "client 1"


def test_the_one_that_is_dead_has_a_moment_to_be_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients()
    seen: list[tuple[float, list[str], list[str]]] = []

    def pause(seconds: float) -> None:
        seen.append((seconds, [*clients.closed], [*clients.made]))

    monkeypatch.setattr("time.sleep", pause)
    clients.used()
    clients.lose()
    clients.used()
    clients.now_s += google_calls.IDLE_LIMIT_S + 1
    clients.used()

    first, second = ["client 0"], ["client 0", "client 1"]
    assert seen == [
        (google_calls.HANG_UP_S, first, first),
        (google_calls.HANG_UP_S, second, second),
    ]


@pytest.mark.emulators
def test_the_first_call_after_a_sleep_does_not_wait_for_a_connection_that_was_forgotten(
    emulated_project: EmulatedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = emulated_project.emulators.environ
    with relay(environ[FIRESTORE]) as firestore, relay(environ[PUBSUB]) as pubsub:
        create_topics(emulated_project.id, {})
        monkeypatch.setenv(FIRESTORE, firestore.address)
        monkeypatch.setenv(PUBSUB, pubsub.address)
        store, queue = FirestoreStore(emulated_project.id), PubSubQueue(emulated_project.id)
        store.create([queued_job()], now=NOW)
        queue.publish(Topic.JOBS, [{}])
        firestore.forget()
        pubsub.forget()
        monkeypatch.setattr(google_calls, "IDLE_LIMIT_S", 0.0)  # that was a long sleep

        assert store.get_job("job_1") == queued_job()
        store.create([queued_job("job_2")], now=NOW)
        queue.publish(Topic.JOBS, [{}])

        store.close()
        queue.close()


@pytest.mark.emulators
def test_a_connection_that_was_cut_is_made_anew_within_the_call(
    emulated_project: EmulatedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(emulated_project.emulators.environ[FIRESTORE]) as network:
        monkeypatch.setenv(FIRESTORE, network.address)
        store = FirestoreStore(emulated_project.id)
        store.create([queued_job()], now=NOW)
        for number in range(2, 5):
            network.cut()
            store.create([queued_job(f"job_{number}")], now=NOW)
            network.cut()
            assert store.get_job(f"job_{number}") == queued_job(f"job_{number}")
        store.close()


@pytest.mark.emulators
def test_services_that_end_and_begin_again_are_used_again_by_the_same_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_emulators()
    project = "demo-begins-again"
    emulators = Emulators(tmp_path, firestore_port=free_port(), pubsub_port=free_port())
    for name, value in (emulators.environ | {"GOOGLE_CLOUD_PROJECT": project}).items():
        monkeypatch.setenv(name, value)
    store, queue = FirestoreStore(project), PubSubQueue(project)

    def has_topics() -> bool:
        with suppress(QueueUnavailable):  # gRPC refuses its first call after an outage
            create_topics(project, {})
            return True
        return False

    try:
        for number in range(2):
            emulators.start()
            wait_until(has_topics, LIMIT_S)
            store.create([queued_job(f"job_{number}")], now=NOW)
            queue.publish(Topic.JOBS, [{}])
            emulators.stop()
            with pytest.raises(StoreUnavailable):
                store.get_job("job_1")
            with pytest.raises(QueueUnavailable):
                queue.publish(Topic.JOBS, [{}])
    finally:
        emulators.stop()
        store.close()
        queue.close()


@pytest.mark.emulators
def test_an_instance_that_stood_still_while_its_connections_ended_answers_the_next_visitor(
    emulated_project: EmulatedProject, tmp_path: Path
) -> None:
    spec = function("submit")
    folder = stage(spec, tmp_path / "build", {}).folder
    create_topics(emulated_project.id, {})
    emulators = emulated_project.emulators.environ
    with relay(emulators[FIRESTORE]) as firestore, relay(emulators[PUBSUB]) as pubsub:
        environ = services.settings(TARGET, spec) | {
            "VERSEQUEUE_PROJECT": emulated_project.id,
            "VERSEQUEUE_HASH_KEY": "trial",
            FIRESTORE: firestore.address,
            PUBSUB: pubsub.address,
        }
        with started(spec, folder, python_of(folder), environ, tmp_path / "log") as running:
            json = {"Content-Type": "application/json", "X-Forwarded-For": "203.0.113.1"}
            order = ("POST", "/v1/jobs", b'{"prompt": "rain"}', json)
            assert running.ask(*order)[0] == 202
            os.killpg(running.pid, signal.SIGSTOP)
            firestore.cut()
            pubsub.cut()
            os.killpg(running.pid, signal.SIGCONT)

            status, answer = running.ask(*order)

            assert status == 202, answer
