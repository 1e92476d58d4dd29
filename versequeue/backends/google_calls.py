"""What clients of Google's services have in common: a project, a connection, calls made again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core import exceptions, retry

from versequeue.errors import StartupError

#: Faults that pass by themselves; a write that ended so may have taken effect.
PASSING_FAULTS = (
    exceptions.ServiceUnavailable,
    exceptions.InternalServerError,
    exceptions.GatewayTimeout,
)
#: What a call ends with that reached nobody.
UNREACHED = (exceptions.ServiceUnavailable, exceptions.RetryError)
#: A connection that lay idle for so long is made anew. While an instance sleeps its connections
#: are given up by the other side, or by the network between, and no word of that arrives: a call
#: on one would wait out its whole time, and so would the next.
IDLE_LIMIT_S = 240.0
#: gRPC hangs up a moment after it was told to, and a client that is made within that moment shares
#: the dead connection: so did 7 of 40 on a busy machine, and none after this pause.
HANG_UP_S = 0.1


def require_project(project: str) -> str:
    """`project`. Raises StartupError if there is none."""
    if not project:
        raise StartupError("VERSEQUEUE_PROJECT has to name the Google Cloud project.")
    return project


class Connection:
    """A client that is made at its first use, so that a process may fork before.

    It is made anew after a call that reached nobody, since gRPC then waits for up to two minutes
    before it connects again, and after it lay idle for IDLE_LIMIT_S, longer than any call takes.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        close: Callable[[Any], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: the time of day, since others may stand still while an instance sleeps."""
        self._connect = connect
        self._close = close
        self._clock = clock
        self._lock = threading.Lock()
        self._connected: Any = None
        self._users = 0
        self._used_s = clock()

    @contextmanager
    def client(self) -> Iterator[Any]:
        """The one client of all threads, for one call."""
        with self._lock:
            has_slept = self._clock() - self._used_s > IDLE_LIMIT_S
            if has_slept and self._connected is not None and not self._users:
                self._hang_up()
            if self._connected is None:
                self._connected = self._connect()
            client = self._connected
            self._users += 1
        is_lost = False
        try:
            yield client
        except UNREACHED:
            is_lost = True
            raise
        finally:
            with self._lock:
                self._users -= 1
                self._used_s = self._clock()
                # Calls of others would end with it.
                if is_lost and self._connected is not None and not self._users:
                    self._hang_up()

    def close(self) -> None:
        """Let go of the client; a later use makes another."""
        with self._lock:
            self._let_go()

    def _hang_up(self) -> None:
        self._let_go()
        time.sleep(HANG_UP_S)

    def _let_go(self) -> None:
        # Before another is made: gRPC shares a connection, dead or not, among all open clients.
        if self._connected is not None:
            self._close(self._connected)
        self._connected = None


def retry_for(timeout_s: float) -> Any:
    """Call again after a fault that passes, for `timeout_s` in all."""
    return retry.Retry(
        predicate=retry.if_exception_type(*PASSING_FAULTS),
        initial=0.1,
        maximum=1.0,
        timeout=timeout_s,
    )
