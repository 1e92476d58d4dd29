"""How many requests may wait at one time: the threads that are left answer everybody else."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

#: The part of the seats that one caller may have, so that there are some for others.
PART_OF_ONE = 0.75


class Seats:
    """Seats for those who wait, shared by all threads of one process."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._of_one = max(1, int(count * PART_OF_ONE))
        self._lock = threading.Lock()
        #: seats that are taken, by caller
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, client: str) -> Iterator[bool]:
        """A seat for the length of the block; False, at once, if all or the caller's are taken."""
        seated = self._take(client)
        try:
            yield seated
        finally:
            if seated:
                self._leave(client)

    def _take(self, client: str) -> bool:
        with self._lock:
            free = self._taken.total() < self._count and self._taken[client] < self._of_one
            if free:
                self._taken[client] += 1
            return free

    def _leave(self, client: str) -> None:
        with self._lock:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]
