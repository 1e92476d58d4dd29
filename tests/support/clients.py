"""The Python client with a clock that only sleeping moves, so that no test waits."""

from dataclasses import dataclass, field
from typing import Any

from versequeue.client.client import Client


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now_s: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Seconds since the test began."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.now_s += seconds


def connect(url: str, time: FakeTime, **more: Any) -> Client:
    """A client of the server at `url` that lives in `time`."""
    return Client(url, clock=time.clock, sleep=time.sleep, jitter=lambda: 1.0, **more)
