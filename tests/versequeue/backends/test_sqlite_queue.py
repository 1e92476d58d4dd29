"""The queue on a file: waking its dispatcher, and its faults."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.support.inspected_queue import InspectedQueue
from tests.support.samples import NOW, at
from tests.support.waiting import wait_until
from versequeue.backends.queue_rows import MAX_DEAD_LETTERS
from versequeue.errors import QueueUnavailable, StartupError
from versequeue.ports.queue import Topic

#: Far beyond what any wake-up takes, so that a wait that is not woken fails its test.
LONG_S = 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.sqlite3"


def test_a_publish_wakes_a_waiting_dispatcher(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    seen, waiting = queue.publishes, Barrier(2)

    def dispatch() -> bool:
        waiting.wait()
        return queue.wait(seen, LONG_S) != seen

    with ThreadPoolExecutor(1) as pool:
        woken = pool.submit(dispatch)
        waiting.wait()
        queue.publish(Topic.JOBS, [{}])
        assert woken.result(timeout=5)


def test_a_publish_before_the_wait_is_not_missed(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    seen = queue.publishes
    assert queue.lease([Topic.JOBS], NOW, 600) is None
    queue.publish(Topic.JOBS, [{}])
    assert queue.wait(seen, LONG_S) != seen


def test_a_wait_without_a_publish_ends_at_its_limit(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    assert queue.wait(queue.publishes, 0.01) == queue.publishes == 0


def test_a_publish_of_another_process_wakes_the_dispatcher(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    seen = queue.publishes
    assert queue.depth(Topic.JOBS) == 0
    publish = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime;"
        "from versequeue.backends.sqlite_queue import SqliteQueue;"
        "from versequeue.ports.queue import Topic;"
        "SqliteQueue(Path(sys.argv[1]), lambda: datetime.now(UTC)).publish(Topic.JOBS, [{}])"
    )
    subprocess.run([sys.executable, "-c", publish, str(path)], check=True, timeout=60)
    assert queue.wait(seen, LONG_S) != seen
    assert queue.depth(Topic.JOBS) == 1


def test_closing_wakes_the_dispatcher_and_ends_the_queue(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    seen = queue.publishes
    queue.close()
    assert queue.wait(seen, LONG_S) != seen
    with pytest.raises(QueueUnavailable, match="closed"):
        queue.publish(Topic.JOBS, [{}])


def test_a_wait_that_is_under_way_ends_when_the_queue_is_closed(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.wait, queue.publishes, LONG_S)
        wait_until(waiting.running, limit_s=5)
        queue.close()
        assert waiting.result(timeout=5) == queue.publishes


def test_a_damaged_queue_says_that_nothing_is_lost_with_it(path: Path) -> None:
    path.write_bytes(b"not a database, surely" * 100)
    with pytest.raises(StartupError, match=r"queue\.sqlite3 cannot be used.*sweep publishes again"):
        InspectedQueue(path, lambda: NOW)


def test_a_dispatcher_that_starts_alone_gets_what_the_last_one_had_in_hand(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    queue.publish(Topic.JOBS, [{"n": 1}])
    assert queue.lease([Topic.JOBS], NOW, 600)
    assert queue.lease([Topic.JOBS], NOW, 600) is None
    assert queue.release(NOW) == 1
    again = queue.lease([Topic.JOBS], NOW, 600)
    assert again is not None
    assert (again.message, again.number) == ({"n": 1}, 2)


def test_a_clock_that_is_set_back_by_an_hour_hides_no_message(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    queue.publish(Topic.JOBS, [{"n": 1}, {"n": 2}])
    nacked = queue.lease([Topic.JOBS], NOW, 600)
    assert nacked is not None
    queue.nack(nacked, NOW)
    again = queue.lease([Topic.JOBS], at(-3600), 600)
    assert again is not None
    assert again.message == {"n": 2}
    # What was to come in a second comes in a second of the new time, and not in an hour.
    back = queue.lease([Topic.JOBS], at(-3598), 600)
    assert back is not None
    assert (back.message, back.number) == ({"n": 1}, 2)


def test_a_message_in_delivery_does_not_come_twice_because_the_clock_was_set_back(
    path: Path,
) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    queue.publish(Topic.JOBS, [{}])
    held = queue.lease([Topic.JOBS], NOW, 600)
    assert held is not None
    assert queue.lease([Topic.JOBS], at(-3600), 600) is None
    assert queue.next_due_at([Topic.JOBS]) == at(-3000)
    assert queue.ack(held)


def test_a_server_that_starts_after_the_clock_was_set_back_finds_every_message_due(
    path: Path,
) -> None:
    InspectedQueue(path, lambda: NOW).publish(Topic.JOBS, [{"n": 1}])
    queue = InspectedQueue(path, lambda: NOW)
    assert queue.release(at(-3600)) == 1
    assert queue.lease([Topic.JOBS], at(-3600), 600) is not None


def test_the_same_hint_given_again_and_again_is_one_message_until_it_is_delivered(
    path: Path,
) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    for _ in range(3):
        queue.publish(Topic.NOTIFY, [{"target": "job_1"}, {"target": "job_1"}])
    assert queue.depth(Topic.NOTIFY) == 1
    assert queue.lease([Topic.NOTIFY], NOW, 60)
    queue.publish(Topic.NOTIFY, [{"target": "job_1"}])
    assert queue.depth(Topic.NOTIFY) == 2, "there may be news since the delivery began"


def test_what_is_postponed_counts_as_not_delivered(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW, max_deliveries=2)
    queue.publish(Topic.NOTIFY, [{"target": "job_1"}])
    for turn in range(5):
        taken = queue.lease([Topic.NOTIFY], at(turn), 60)
        assert taken is not None
        assert taken.number == 1
        assert queue.postpone(taken, at(turn), 1)
        assert not queue.postpone(taken, at(turn), 1)


def test_a_message_that_cannot_be_read_is_put_aside_and_does_not_hold_up_the_next(
    path: Path,
) -> None:
    queue = InspectedQueue(path, lambda: NOW)
    queue.publish(Topic.JOBS, [{"n": 1}, {"n": 2}])
    with queue._file.transaction() as connection:
        connection.execute("UPDATE messages SET body = '{\"n' WHERE id = 1")
    taken = queue.lease([Topic.JOBS], NOW, 600)
    assert taken is not None
    assert taken.message == {"n": 2}


def test_of_the_dead_letters_only_the_latest_are_kept(path: Path) -> None:
    queue = InspectedQueue(path, lambda: NOW, max_deliveries=1)
    queue.publish(Topic.JOBS, [{"n": n} for n in range(MAX_DEAD_LETTERS + 5)])
    while queue.lease([Topic.JOBS], NOW, 0):
        pass
    assert queue.depth(Topic.JOBS) == 0
    letters = queue.dead_letters()
    assert len(letters) == MAX_DEAD_LETTERS
    assert letters[0].message == {"n": MAX_DEAD_LETTERS + 4}
