"""The queue on a file: waking its dispatcher, and its faults."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.support.inspected_queue import InspectedQueue
from tests.support.samples import NOW
from tests.support.waiting import wait_until
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
