"""Pub/Sub: topics, pushes as functions receive them, dead letters, and a Pub/Sub that is away."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.emulators import EmulatedProject
from tests.support.receivers import Receiver, answer, receiver
from tests.support.waiting import wait_until
from versequeue.backends.pubsub_queue import PubSubQueue
from versequeue.emulated.topics import DEAD_LETTER, Policy, create_topics
from versequeue.errors import QueueUnavailable, StartupError
from versequeue.functions.push import read_message
from versequeue.ports.queue import Topic

#: The shortest that Pub/Sub allows, except for the back-off, which may be nothing.
HASTY = Policy(ack_deadline_s=10, max_deliveries=5, backoff_first_s=0, backoff_longest_s=1)
LIMIT_S = 60


@pytest.fixture
def queue(emulated_project: EmulatedProject) -> Iterator[PubSubQueue]:
    queue = PubSubQueue(emulated_project.id)
    yield queue
    queue.close()


def test_a_missing_project_is_named_at_the_start() -> None:
    with pytest.raises(StartupError, match="VERSEQUEUE_PROJECT"):
        PubSubQueue("")


@pytest.mark.parametrize("listening", [False, True])
def test_a_pubsub_that_is_not_there_is_queue_unavailable_soon(
    monkeypatch: pytest.MonkeyPatch, listening: bool
) -> None:
    monkeypatch.setattr("versequeue.backends.pubsub_queue.PUBLISH_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{listener.getsockname()[1]}")
        if not listening:
            listener.close()
        queue = PubSubQueue("demo-nowhere")
        started = time.monotonic()
        with pytest.raises(QueueUnavailable, match="The queue fails: it cannot be reached"):
            queue.publish(Topic.JOBS, [{"job_ids": ["job_1"]}])
        assert time.monotonic() - started < 5
        queue.close()


@pytest.mark.emulators
def test_a_topic_that_does_not_exist_is_queue_unavailable(queue: PubSubQueue) -> None:
    with pytest.raises(QueueUnavailable, match="the topic does not exist"):
        queue.publish(Topic.JOBS, [{}])


@pytest.mark.emulators
def test_a_push_is_what_the_functions_read(
    emulated_project: EmulatedProject, queue: PubSubQueue
) -> None:
    with receiver(answer(200)) as worker, receiver(answer(204)) as notifier:
        urls = {Topic.JOBS: _base(worker), Topic.NOTIFY: _base(notifier)}
        create_topics(emulated_project.id, urls)
        queue.publish(Topic.JOBS, [{"job_ids": ["job_1"]}])
        queue.publish(Topic.NOTIFY, [{"target": "job_1"}])
        wait_until(lambda: worker.calls and notifier.calls, LIMIT_S)
        call = worker.calls[0]
        assert call.line.startswith(f"POST /projects/{emulated_project.id}/topics/jobs")
        assert call.headers["Content-Type"] == "application/json"
        assert read_message(json.loads(call.body)) == {"job_ids": ["job_1"]}
        assert read_message(json.loads(notifier.calls[0].body)) == {"target": "job_1"}


@pytest.mark.emulators
def test_a_push_that_fails_comes_again_until_it_is_acked(
    emulated_project: EmulatedProject, queue: PubSubQueue
) -> None:
    with receiver(answer(500), answer(503), answer(200)) as worker:
        create_topics(emulated_project.id, {Topic.JOBS: _base(worker)}, HASTY)
        queue.publish(Topic.JOBS, [{"n": 0}])
        wait_until(lambda: len(worker.calls) == 3, LIMIT_S)
        bodies = [json.loads(call.body)["message"] for call in worker.calls]
        assert len({body["messageId"] for body in bodies}) == 1
        queue.publish(Topic.JOBS, [{"n": 1}])
        wait_until(lambda: len(worker.calls) == 4, LIMIT_S)
        assert read_message(json.loads(worker.calls[3].body)) == {"n": 1}


@pytest.mark.emulators
def test_a_push_that_fails_too_often_becomes_a_dead_letter(
    emulated_project: EmulatedProject, queue: PubSubQueue
) -> None:
    from google.cloud.pubsub_v1 import SubscriberClient

    with receiver(answer(500)) as worker, SubscriberClient() as subscriber:
        create_topics(emulated_project.id, {Topic.BULK: _base(worker)}, HASTY)
        queue.publish(Topic.BULK, [{"job_ids": ["job_1"]}])
        name = subscriber.subscription_path(emulated_project.id, DEAD_LETTER)
        asked = {"subscription": name, "max_messages": 1}
        letters = subscriber.pull(request=asked, timeout=LIMIT_S).received_messages
        assert [json.loads(letter.message.data) for letter in letters] == [{"job_ids": ["job_1"]}]
        assert len(worker.calls) == HASTY.max_deliveries


@pytest.mark.emulators
def test_a_push_that_is_not_answered_before_its_deadline_comes_again_beside_the_first(
    emulated_project: EmulatedProject, queue: PubSubQueue
) -> None:
    with receiver() as worker:

        def overrun(connection: socket.socket) -> None:
            wait_until(lambda: len(worker.calls) > 1, LIMIT_S)
            answer(200)(connection)

        worker.behaviours += [overrun, answer(200)]
        create_topics(emulated_project.id, {Topic.JOBS: _base(worker)}, HASTY)
        queue.publish(Topic.JOBS, [{"job_ids": ["job_1"]}])
        wait_until(lambda: len(worker.calls) == 2, LIMIT_S)
        first, second = (json.loads(call.body)["message"] for call in worker.calls)
        assert (first["messageId"], first["data"]) == (second["messageId"], second["data"])


@pytest.mark.emulators
def test_creating_the_topics_again_moves_the_pushes(
    emulated_project: EmulatedProject, queue: PubSubQueue
) -> None:
    with receiver(answer(200)) as old, receiver(answer(200)) as new:
        create_topics(emulated_project.id, {Topic.JOBS: _base(old)})
        create_topics(emulated_project.id, {Topic.JOBS: _base(new)})
        queue.publish(Topic.JOBS, [{}])
        wait_until(lambda: new.calls, LIMIT_S)
        assert old.calls == []


def _base(served: Receiver) -> str:
    return f"http://127.0.0.1:{served.port}/"
