"""Whose request is answered next: addresses take turns, none has all threads, few bodies are large.

waitress answers in the order in which requests come, so that whoever sends many makes all others
wait behind them.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from waitress.task import ThreadedTaskDispatcher

from versequeue.api.edge import MAX_BODY_BYTES

#: Files of prompts that are read at once. Reading keeps the processor busy, and more of them at a
#: time would not be done sooner.
LARGE_AT_ONCE = 2


class _Request(NamedTuple):
    channel: Any
    network: str
    is_large: bool


@dataclass(frozen=True)
class _Turn:
    """A request that a thread answers."""

    request: _Request
    ended: Callable[[_Request], None]

    def service(self) -> None:
        try:
            self.request.channel.service()
        finally:
            self.ended(self.request)

    def cancel(self) -> None:
        self.request.channel.cancel()


class Turns:
    """The requests that wait, in place of waitress's queue, whose lock guards every method.

    False if none of them may be answered now.
    """

    def __init__(self, of_one: int, ended: Callable[[_Request], None]) -> None:
        """One address has `of_one` threads at most; 0: as many as there are."""
        self._of_one = of_one
        self._ended = ended
        #: by address, in the order in which they had their last turn
        self._lines: OrderedDict[str, deque[_Request]] = OrderedDict()
        #: requests of each address that are being answered, and how many of all have large bodies
        self._answered: Counter[str] = Counter()
        self._large = 0

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __bool__(self) -> bool:
        return self._next() is not None

    def append(self, channel: Any) -> None:
        """A connection's first request has come in whole."""
        is_large = channel.requests[0].body_bytes_received > MAX_BODY_BYTES
        request = _Request(channel, channel.network, is_large)
        self._lines.setdefault(request.network, deque()).append(request)

    def popleft(self) -> _Turn:
        """The next one to be answered. Raises IndexError if there is none."""
        request = self._next()
        if request is None:
            raise IndexError("nobody's turn")
        line = self._lines[request.network]
        line.remove(request)
        self._lines.move_to_end(request.network)
        if not line:
            del self._lines[request.network]
        self._answered[request.network] += 1
        self._large += request.is_large
        return _Turn(request, self._ended)

    def end(self, request: _Request) -> None:
        """It has been answered."""
        self._large -= request.is_large
        self._answered[request.network] -= 1
        if not self._answered[request.network]:
            del self._answered[request.network]

    def _next(self) -> _Request | None:
        firsts = filter(None, (self._first(*line) for line in self._lines.items()))
        return min(firsts, key=lambda one: self._answered[one.network], default=None)

    def _first(self, network: str, line: deque[_Request]) -> _Request | None:
        if self._of_one and self._answered[network] >= self._of_one:
            return None
        room = self._large < LARGE_AT_ONCE
        return next((one for one in line if room or not one.is_large), None)


class FairDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc] # waitress has no types
    """waitress's threads, with a queue in which everybody has a turn."""

    def __init__(self, of_one: int) -> None:
        super().__init__()
        self.queue = Turns(of_one, self._end)

    def add_task(self, task: Any) -> None:
        """Let `task` wait for its turn; without waitress's line in the log for each that waits."""
        with self.lock:
            self.queue.append(task)
            self.queue_cv.notify()

    def _end(self, request: _Request) -> None:
        with self.lock:
            self.queue.end(request)
            # This thread takes the next one itself; a large body's place may let in one more.
            self.queue_cv.notify()
