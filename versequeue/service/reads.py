"""What each client may read of the store: reads are billed. In memory, since storing costs more."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from versequeue.errors import RateLimited

#: So many clients are remembered, those that came last.
MOST_CLIENTS = 10_000


class Reads:
    """What each client has left of its documents a minute; any number of threads may share it."""

    def __init__(self, per_minute: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._lock = threading.Lock()
        #: by client: what was left, and when
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, documents: int) -> None:
        """Let `client` have so many documents read, if it has any left. Raises RateLimited.

        It may take more than it has left, and then waits until that is paid back: a file of
        results is one request, however long it is.
        """
        if not self._per_minute:
            return
        now = self._monotonic()
        with self._lock:
            left, at = self._left.pop(client, (self._per_minute, now))
            left = min(self._per_minute, left + (now - at) * self._per_minute / 60)
            allowed = left > 0
            self._left[client] = (left - documents if allowed else left, now)
            while len(self._left) > MOST_CLIENTS:
                self._left.popitem(last=False)
        if not allowed:
            wait_s = int(-left * 60 / self._per_minute) + 1
            raise RateLimited(
                f"At most {self._per_minute} documents are read for you a minute; "
                f"try again in {wait_s} s.",
                headers={"Retry-After": str(wait_s)},
            )

    def give_back(self, client: str, documents: int) -> None:
        """So many of what `client` took were not read after all."""
        with self._lock:
            if known := self._left.get(client):
                self._left[client] = known[0] + documents, known[1]
