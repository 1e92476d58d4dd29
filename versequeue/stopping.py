"""Whether this process was asked to stop: what a worker asks at every token.

A function cannot install a signal handler: its server has one. Both gunicorn's and our own are
methods of an object with an `alive` flag, and any thread may look at that.
"""

import signal
from types import FrameType

from versequeue.errors import StartupError


class StopFlag:
    """Our own handler, for a process that is not run by gunicorn."""

    def __init__(self) -> None:
        self.alive = True

    def handle(self, _signum: int, _frame: FrameType | None) -> None:
        """Note that SIGTERM has come."""
        self.alive = False


def stopping() -> bool:
    """True once SIGTERM has come to a process whose handler has an `alive` flag."""
    owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return not getattr(owner, "alive", True)


class StoppedEarly(StartupError):
    """The server was told to stop before it was ready."""


def raise_if_stopping() -> None:
    """For loops that wait for something to start. Raises StoppedEarly."""
    if stopping():
        raise StoppedEarly("It was asked to stop before it was ready.")
