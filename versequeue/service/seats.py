"""How many requests may wait at one time: the threads that are left answer everybody else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Seats:
    """Seats for those who wait, shared by all threads of one process."""

    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)

    @contextmanager
    def one(self) -> Iterator[bool]:
        """A seat for the length of the block: False, at once, if all are taken."""
        seated = self._free.acquire(blocking=False)
        try:
            yield seated
        finally:
            if seated:
                self._free.release()
