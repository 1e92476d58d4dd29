"""A stored message that is not what it says keeps no other back."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.inspected_queue import InspectedQueue
from tests.support.samples import NOW, at
from versequeue.ports.queue import Topic

ODD = (7, 0.5, "", "0", "zzz", "\ud83d", b"\x00", "9999-12-31T23:59:59.000000Z", "[" * 100_000)


@pytest.mark.parametrize("column", ["body", "published_at", "due_at"])
def test_an_odd_message_keeps_no_other_back(tmp_path: Path, column: str) -> None:
    for number, odd in enumerate(ODD):
        queue = InspectedQueue(tmp_path / f"{number}.sqlite3", lambda: NOW)
        queue.publish(Topic.JOBS, [{"job_ids": ["odd"]}])
        _put(queue, column, odd)
        queue.publish(Topic.JOBS, [{"job_ids": ["sound"]}])
        taken = []
        while found := queue.lease([Topic.JOBS], at(1), 600):
            taken.append(found.message)
        assert {"job_ids": ["sound"]} in taken, odd
        assert len(queue.in_hand(Topic.JOBS, 0, 10)) == len(taken)
        # Every moment is of an hour ago now, and then of the present.
        queue.lease([Topic.JOBS], at(-3600), 600)
        queue.release(at(-3600))
        assert queue.lease([Topic.JOBS], at(-3600), 600)
        queue.close()


def test_with_nothing_but_an_odd_message_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    queue = InspectedQueue(tmp_path / "queue.sqlite3", lambda: NOW)
    queue.publish(Topic.JOBS, [{"job_ids": ["odd"]}])
    _put(queue, "due_at", "zzz")
    assert queue.lease([Topic.JOBS], at(1), 600) is None
    assert queue.next_due_at([Topic.JOBS]) is None
    queue.close()


def _put(queue: InspectedQueue, column: str, value: Any) -> None:
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()
    with queue._file.transaction() as connection:
        connection.execute(f"UPDATE messages SET {column} = ?", (value,))
