"""What clients of Google's services have in common: a project, a connection, calls made again."""

import threading
from collections.abc import Callable
from typing import Any

from google.api_core import exceptions, retry

from versequeue.errors import StartupError

#: Faults that pass by themselves; a write that ended so may have taken effect.
PASSING_FAULTS = (
    exceptions.ServiceUnavailable,
    exceptions.InternalServerError,
    exceptions.GatewayTimeout,
)


def require_project(project: str) -> str:
    """`project`. Raises StartupError if there is none."""
    if not project:
        raise StartupError("VERSEQUEUE_PROJECT has to name the Google Cloud project.")
    return project


class Connection:
    """A client that is made at its first use, so that a process may fork before."""

    def __init__(self, connect: Callable[[], Any], close: Callable[[Any], None]) -> None:
        self._connect = connect
        self._close = close
        self._connecting = threading.Lock()
        self._connected: Any = None

    def client(self) -> Any:
        """The one client of all threads."""
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def close(self) -> None:
        """Let go of the client; a later use makes another."""
        with self._connecting:
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
