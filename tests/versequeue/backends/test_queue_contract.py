"""What every queue promises, and the rules of delivery where time can be told what it is."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Union

import pytest

from tests.support.emulators import EmulatedProject
from tests.support.inspected_queue import InspectedQueue
from tests.support.memory import MemoryQueue
from tests.support.samples import NOW, at
from versequeue.backends.sqlite_queue import LOOKED_PAST, Fit, LeasedMessage, backoff_s
from versequeue.ports.queue import Topic

if TYPE_CHECKING:
    from tests.support.pulled_pubsub import PulledPubSub

EVERY_TOPIC = tuple(Topic)
ACK_DEADLINE_S = 600
RACERS = 8

LocalQueue = MemoryQueue | InspectedQueue
AnyQueue = Union[LocalQueue, "PulledPubSub"]
SqliteMaker = Callable[[], InspectedQueue]


@pytest.fixture
def open_sqlite(tmp_path: Path) -> Iterator[SqliteMaker]:
    opened = []

    def open_queue() -> InspectedQueue:
        opened.append(InspectedQueue(tmp_path / "queue.sqlite3", lambda: NOW, max_deliveries=3))
        return opened[-1]

    yield open_queue
    for queue in opened:
        queue.close()


@pytest.fixture(params=["memory", "sqlite"])
def queue(request: pytest.FixtureRequest) -> LocalQueue:
    """A queue that is told what time it is."""
    if request.param == "memory":
        return MemoryQueue(lambda: NOW, max_deliveries=3)
    open_sqlite: SqliteMaker = request.getfixturevalue("open_sqlite")
    return open_sqlite()


@pytest.fixture
def pubsub(emulated_project: EmulatedProject) -> Iterator["PulledPubSub"]:
    from tests.support.pulled_pubsub import PulledPubSub

    pulled = PulledPubSub(emulated_project.id)
    yield pulled
    pulled.close()


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("pubsub", marks=pytest.mark.emulators)],
)
def any_queue(request: pytest.FixtureRequest) -> "AnyQueue":
    """A queue of which only that may be asked which Pub/Sub promises, too."""
    if request.param == "memory":
        return MemoryQueue(lambda: NOW)
    if request.param == "sqlite":
        open_sqlite: SqliteMaker = request.getfixturevalue("open_sqlite")
        return open_sqlite()
    pulled: PulledPubSub = request.getfixturevalue("pubsub")
    return pulled


def _take(queue: "AnyQueue", seconds: float = 0, *topics: Topic) -> LeasedMessage:
    delivery = queue.lease(topics or EVERY_TOPIC, at(seconds), ACK_DEADLINE_S)
    assert delivery is not None
    return delivery


def test_a_message_is_delivered_as_it_was_published(any_queue: AnyQueue) -> None:
    message = {"job_ids": ["job_1", "job_2"], "n": 1, "text": "Été 東京", "none": None}
    any_queue.publish(Topic.BULK, [message])
    delivery = _take(any_queue)
    assert (delivery.topic, delivery.message, delivery.number) == (Topic.BULK, message, 1)


def test_every_message_of_a_large_publish_is_delivered(any_queue: AnyQueue) -> None:
    any_queue.publish(Topic.BULK, [{"n": n} for n in range(125)])
    taken = [_take(any_queue) for _ in range(125)]
    assert sorted(delivery.message["n"] for delivery in taken) == list(range(125))


def test_each_topic_has_messages_of_its_own(any_queue: AnyQueue) -> None:
    any_queue.publish(Topic.NOTIFY, [{"target": "job_1"}])
    any_queue.publish(Topic.JOBS, [{"job_ids": ["job_1"]}])
    assert _take(any_queue, 0, Topic.JOBS).message == {"job_ids": ["job_1"]}
    assert _take(any_queue, 0, Topic.NOTIFY).message == {"target": "job_1"}


def test_a_message_that_is_not_acked_comes_again_and_an_acked_one_does_not(
    any_queue: AnyQueue,
) -> None:
    any_queue.publish(Topic.JOBS, [{"n": 0}])
    first = _take(any_queue)
    any_queue.nack(first, at(0), delay_s=0)
    second = _take(any_queue)
    assert (second.id, second.message) == (first.id, {"n": 0})
    any_queue.ack(second)
    any_queue.publish(Topic.JOBS, [{"n": 1}])
    assert _take(any_queue, 1e6).message == {"n": 1}


def test_a_message_keeps_the_moment_of_its_publishing(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{}])
    assert _take(queue, 9).published_at == NOW


def test_messages_are_delivered_in_the_order_of_their_publishing(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{"n": 0}, {"n": 1}])
    queue.publish(Topic.JOBS, [{"n": 2}])
    assert [_take(queue).message["n"] for _ in range(3)] == [0, 1, 2]


def test_the_first_topic_goes_before_the_second(queue: LocalQueue) -> None:
    queue.publish(Topic.BULK, [{"n": 0}, {"n": 1}])
    queue.publish(Topic.JOBS, [{"n": 2}])
    order = [_take(queue, 0, Topic.JOBS, Topic.BULK).message["n"] for _ in range(3)]
    assert order == [2, 0, 1]


def test_a_topic_that_is_not_asked_for_is_not_delivered(queue: LocalQueue) -> None:
    queue.publish(Topic.NOTIFY, [{"target": "job_1"}])
    assert queue.lease([Topic.JOBS, Topic.BULK], at(0), ACK_DEADLINE_S) is None
    assert queue.next_due_at([Topic.JOBS, Topic.BULK]) is None


def test_an_empty_publish_is_no_message(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [])
    assert queue.depth(Topic.JOBS) == 0
    assert queue.lease(EVERY_TOPIC, at(0), ACK_DEADLINE_S) is None


def test_an_acked_message_is_gone(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{}])
    assert queue.ack(_take(queue))
    assert queue.depth(Topic.JOBS) == 0
    assert queue.lease(EVERY_TOPIC, at(1e6), ACK_DEADLINE_S) is None


def test_a_leased_message_counts_and_comes_again_after_its_ack_deadline(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{}])
    first = _take(queue)
    assert queue.depth(Topic.JOBS) == 1
    assert queue.next_due_at(EVERY_TOPIC) == at(ACK_DEADLINE_S)
    assert queue.lease(EVERY_TOPIC, at(ACK_DEADLINE_S - 0.001), ACK_DEADLINE_S) is None
    second = _take(queue, ACK_DEADLINE_S)
    assert (second.id, second.number) == (first.id, 2)


def test_the_ack_of_an_older_delivery_does_nothing(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{}])
    first = _take(queue)
    second = _take(queue, ACK_DEADLINE_S)
    assert not queue.ack(first)
    assert not queue.nack(first, at(ACK_DEADLINE_S))
    assert queue.next_due_at(EVERY_TOPIC) == at(2 * ACK_DEADLINE_S)
    assert queue.ack(second)
    assert not queue.ack(second)


def test_a_nacked_message_comes_again_after_a_back_off_that_doubles(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{}])
    assert queue.nack(_take(queue), at(0))
    assert queue.next_due_at(EVERY_TOPIC) == at(1)
    assert queue.nack(_take(queue, 1), at(1))
    assert queue.next_due_at(EVERY_TOPIC) == at(3)


def test_a_nack_can_name_its_own_delay(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{}])
    assert queue.nack(_take(queue), at(0), delay_s=0)
    assert _take(queue).number == 2


def test_the_back_off_stays_within_ten_minutes() -> None:
    assert [backoff_s(number) for number in (1, 2, 10, 11, 10_000)] == [1, 2, 512, 600, 600]


def test_a_message_that_is_nacked_too_often_becomes_a_dead_letter(queue: LocalQueue) -> None:
    queue.publish(Topic.BULK, [{"job_ids": ["job_1"]}])
    for moment in (0, 1000, 2000):
        queue.nack(_take(queue, moment), at(moment))
    assert queue.lease(EVERY_TOPIC, at(1e6), ACK_DEADLINE_S) is None
    [letter] = queue.dead_letters()
    assert (letter.topic, letter.message) == (Topic.BULK, {"job_ids": ["job_1"]})
    assert (letter.deliveries, letter.published_at, letter.died_at) == (3, NOW, at(2000))


def test_a_message_that_is_never_answered_becomes_a_dead_letter(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{"n": 0}])
    for moment in (0, 600, 1200):
        assert _take(queue, moment).message == {"n": 0}
    queue.publish(Topic.JOBS, [{"n": 1}])
    queue.ack(_take(queue, 1300))
    assert queue.lease(EVERY_TOPIC, at(1800), ACK_DEADLINE_S) is None
    assert queue.depth(Topic.JOBS) == 0
    [letter] = queue.dead_letters()
    assert (letter.message, letter.died_at) == ({"n": 0}, at(1800))


def test_the_latest_dead_letters_are_listed_first(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{"n": n} for n in range(3)])
    for moment in (0, 600, 1200):
        for _ in range(3):
            queue.nack(_take(queue, moment), at(moment), delay_s=600)
    assert [letter.message["n"] for letter in queue.dead_letters()] == [2, 1, 0]


def test_messages_are_leased_together_up_to_the_first_that_does_not_fit(queue: LocalQueue) -> None:
    queue.publish(Topic.BULK, [{"n": 9}])
    queue.publish(Topic.JOBS, [{"n": n} for n in range(4)])

    def below_two(taken: Sequence[LeasedMessage], candidate: LeasedMessage) -> Fit:
        assert [one.message["n"] for one in taken] == list(range(candidate.message["n"]))
        return Fit.JOINS if candidate.message["n"] < 2 else Fit.ENDS

    taken = queue.lease_together(EVERY_TOPIC, NOW, ACK_DEADLINE_S, below_two)
    assert [(one.topic, one.message["n"], one.number) for one in taken] == [
        (Topic.JOBS, 0, 1),
        (Topic.JOBS, 1, 1),
    ]
    assert _take(queue).message == {"n": 2}


def test_messages_that_wait_for_another_turn_are_looked_past_and_keep_their_place(
    queue: LocalQueue,
) -> None:
    queue.publish(Topic.JOBS, [{"n": n} for n in range(5)])

    def even(_taken: Sequence[LeasedMessage], candidate: LeasedMessage) -> Fit:
        return Fit.WAITS if candidate.message["n"] % 2 else Fit.JOINS

    taken = queue.lease_together(EVERY_TOPIC, NOW, ACK_DEADLINE_S, even)
    assert [(one.message["n"], one.number) for one in taken] == [(0, 1), (2, 1), (4, 1)]
    rest = queue.lease_together(EVERY_TOPIC, NOW, ACK_DEADLINE_S, lambda *_: Fit.JOINS)
    assert [(one.message["n"], one.number) for one in rest] == [(1, 1), (3, 1)]


def test_no_more_messages_are_looked_past_than_is_said(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{"n": n} for n in range(LOOKED_PAST + 3)])
    asked: list[int] = []

    def none(_taken: Sequence[LeasedMessage], candidate: LeasedMessage) -> Fit:
        asked.append(candidate.message["n"])
        return Fit.WAITS

    assert len(queue.lease_together(EVERY_TOPIC, NOW, ACK_DEADLINE_S, none)) == 1
    assert asked == list(range(1, LOOKED_PAST + 2))


def test_messages_that_were_leased_together_come_back_together_or_are_gone_together(
    queue: LocalQueue,
) -> None:
    queue.publish(Topic.JOBS, [{"n": n} for n in range(3)])
    taken = queue.lease_together(EVERY_TOPIC, NOW, ACK_DEADLINE_S, lambda *_: Fit.JOINS)
    assert queue.nack_all(taken, NOW, delay_s=0) == 3
    again = queue.lease_together(EVERY_TOPIC, NOW, ACK_DEADLINE_S, lambda *_: Fit.JOINS)
    assert [one.number for one in again] == [2, 2, 2]
    assert queue.ack_all(taken) == 0
    assert queue.nack_all(taken, NOW) == 0
    assert queue.ack_all(again) == 3
    assert queue.depth(Topic.JOBS) == 0


def test_what_was_leased_together_comes_back_after_the_ack_deadline(queue: LocalQueue) -> None:
    queue.publish(Topic.JOBS, [{"n": n} for n in range(2)])
    queue.lease_together(EVERY_TOPIC, NOW, ACK_DEADLINE_S, lambda *_: Fit.JOINS)
    assert queue.lease(EVERY_TOPIC, at(ACK_DEADLINE_S - 1), ACK_DEADLINE_S) is None
    assert _take(queue, ACK_DEADLINE_S).message == {"n": 0}


def test_of_racing_leases_exactly_one_gets_the_message(open_sqlite: SqliteMaker) -> None:
    queues = [open_sqlite() for _ in range(RACERS)]
    queues[0].publish(Topic.JOBS, [{"n": n} for n in range(3)])

    def race(queue: InspectedQueue) -> LeasedMessage | None:
        return queue.lease(EVERY_TOPIC, NOW, ACK_DEADLINE_S)

    with ThreadPoolExecutor(RACERS) as pool:
        taken = [delivery for delivery in pool.map(race, queues) if delivery]
    assert sorted(delivery.message["n"] for delivery in taken) == [0, 1, 2]


def test_messages_survive_the_end_of_the_process(open_sqlite: SqliteMaker) -> None:
    first = open_sqlite()
    first.publish(Topic.JOBS, [{"n": 0}, {"n": 1}])
    delivery = _take(first)
    first.close()
    second = open_sqlite()
    assert _take(second).message == {"n": 1}
    assert second.ack(delivery)
    assert second.depth(Topic.JOBS) == 1
