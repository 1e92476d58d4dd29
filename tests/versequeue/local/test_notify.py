"""The dispatcher of webhooks, step by step: who is sent, who waits, and what grows."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.api import ManualClock
from tests.support.inspected_queue import InspectedQueue
from tests.support.waiting import wait_until
from versequeue.errors import StoreUnavailable, Unreadable
from versequeue.local.notify import NOTIFY_ACK_DEADLINE_S, NotifyDispatcher
from versequeue.ports.queue import Topic
from versequeue.webhooks.receivers import REST_LONGEST_S, SENDERS, Receiver
from versequeue.webhooks.sender import Outcome

DEAD = 500


class Senders:
    """The senders' side: what was started and has not ended, and what got through."""

    def __init__(self) -> None:
        self.on_their_way: list[Callable[[], None]] = []
        self.sent: list[str] = []

    def start(self, send: Callable[[], None]) -> None:
        self.on_their_way.append(send)

    def end(self) -> None:
        """Let every one that is on its way come to its end."""
        ending, self.on_their_way = self.on_their_way, []
        for send in ending:
            send()

    def deliver(self, target: str) -> Outcome:
        self.sent.append(target)
        silent = target.startswith("dead")
        return Outcome(error="No answer in time.") if silent else Outcome(200)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(tmp_path: Path, clock: ManualClock) -> Iterator[InspectedQueue]:
    made = InspectedQueue(tmp_path / "queue.sqlite3", clock)
    yield made
    made.close()


@pytest.fixture
def senders() -> Senders:
    return Senders()


@pytest.fixture
def notifier(queue: InspectedQueue, clock: ManualClock, senders: Senders) -> NotifyDispatcher:
    return NotifyDispatcher(
        queue,
        senders.deliver,
        lambda target: Receiver(target.partition("/")[0], client=target[:4]),
        start=senders.start,
        clock=clock,
        monotonic=lambda: clock().timestamp(),
    )


def hint(queue: InspectedQueue, *targets: str) -> None:
    queue.publish(Topic.NOTIFY, [{"target": target} for target in targets])


def steps(notifier: NotifyDispatcher) -> None:
    """All that can be done without time going by."""
    while notifier.step():
        pass


def test_one_receiver_that_never_answers_holds_up_nobody_else(
    notifier: NotifyDispatcher, queue: InspectedQueue, senders: Senders
) -> None:
    hint(queue, *(f"dead/{n}" for n in range(DEAD)), "alive/1")
    steps(notifier)
    assert len(senders.on_their_way) == 2
    senders.end()
    assert senders.sent == ["dead/0", "alive/1"]


def test_a_job_that_cannot_be_read_holds_up_nobody_else(
    queue: InspectedQueue, clock: ManualClock, senders: Senders
) -> None:
    def receiver_of(target: str) -> Receiver:
        if target.startswith("odd"):
            raise Unreadable("A newer version wrote it.")
        return Receiver(target)

    notifier = NotifyDispatcher(
        queue, senders.deliver, receiver_of, start=senders.start, clock=clock
    )
    hint(queue, *(f"odd/{n}" for n in range(DEAD)), "alive/1")
    steps(notifier)
    senders.end()
    assert senders.sent == ["alive/1"]


def test_hints_at_what_waits_add_nothing_and_all_of_it_is_sent_in_the_end(
    notifier: NotifyDispatcher, queue: InspectedQueue, senders: Senders, clock: ManualClock
) -> None:
    targets = [f"dead/{n}" for n in range(20)]
    for _ in range(40):
        hint(queue, *targets[len(set(senders.sent)) :])
        steps(notifier)
        assert queue.depth(Topic.NOTIFY) <= len(targets) + 1
        senders.end()
        clock.pass_s(REST_LONGEST_S)
    assert set(senders.sent) == set(targets)
    assert not queue.dead_letters()


def test_no_more_is_taken_than_there_are_senders(
    notifier: NotifyDispatcher, queue: InspectedQueue, senders: Senders
) -> None:
    for number in range(3 * SENDERS):
        hint(queue, f"{number:04}/1")
    steps(notifier)
    assert len(senders.on_their_way) < SENDERS
    assert queue.depth(Topic.NOTIFY) == 3 * SENDERS


def test_a_receiver_that_cannot_be_looked_up_keeps_its_message(
    queue: InspectedQueue, clock: ManualClock, senders: Senders
) -> None:
    def receiver_of(_target: str) -> Receiver:
        raise StoreUnavailable("The job store fails: the disk is full.")

    notifier = NotifyDispatcher(
        queue, senders.deliver, receiver_of, start=senders.start, clock=clock
    )
    hint(queue, "x/1")
    with pytest.raises(StoreUnavailable):
        notifier.step()
    assert queue.depth(Topic.NOTIFY) == 1
    assert not notifier.step()


def test_a_delivery_that_fails_by_a_fault_of_ours_frees_its_sender(
    queue: InspectedQueue, clock: ManualClock, senders: Senders
) -> None:
    def deliver(_target: str) -> Outcome:
        raise RuntimeError("can't start new thread")

    notifier = NotifyDispatcher(queue, deliver, Receiver, start=senders.start, clock=clock)
    hint(queue, "x", "y")
    for _ in range(2):
        assert notifier.step()
    senders.end()
    assert queue.depth(Topic.NOTIFY) == 2
    assert notifier._receivers._in_flight == 0


def test_where_no_thread_can_start_the_message_is_put_back_and_sent_once_later(
    queue: InspectedQueue,
    clock: ManualClock,
    senders: Senders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    notifier = NotifyDispatcher(queue, senders.deliver, Receiver, clock=clock)
    hint(queue, "x")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        assert notifier.step()
    assert (notifier._receivers._in_flight, queue.depth(Topic.NOTIFY)) == (0, 1)
    clock.pass_s(NOTIFY_ACK_DEADLINE_S - 1)
    assert notifier.step()
    wait_until(lambda: queue.depth(Topic.NOTIFY) == 0, 30)
    assert senders.sent == ["x"]
    notifier.stop()


def test_its_own_threads_send_side_by_side(queue: InspectedQueue) -> None:
    both = threading.Barrier(2)

    def deliver(_target: str) -> Outcome:
        both.wait(timeout=30)
        return Outcome(200)

    notifier = NotifyDispatcher(queue, deliver, Receiver, clock=lambda: queue._clock())
    hint(queue, "a", "b")
    steps(notifier)
    wait_until(lambda: queue.depth(Topic.NOTIFY) == 0, 30)
    notifier.stop()
