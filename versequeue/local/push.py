"""One push to the worker process, and whether what it was sent to still reports.

A worker is judged by what it stores of its jobs: one that hangs still has a living process.
"""

import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

from versequeue.config import ACK_DEADLINE_S
from versequeue.errors import VerseQueueError

CONNECT_LIMIT_S = 5.0
#: How often the worker is looked at while it works.
LOOK_S = 1.0
#: From the push to the claim of the first job; a worker that starts imports its libraries before.
FIRST_REPORT_LIMIT_S = 60.0
#: A warm-up reports nothing until the model is loaded.
WARM_UP_LIMIT_S = 120.0

#: What a worker has said last of each of its jobs.
Reports = Mapping[str, datetime]


class WorkerSilent(OSError):
    """It has not reported for so long that it counts as hanging."""


@dataclass
class Watch:
    """Waits for a worker's reports by a clock that nobody sets."""

    #: reads the reports from the store; it may raise VerseQueueError
    look: Callable[[], Reports]
    first_limit_s: float
    silence_limit_s: float
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._known: Reports = {}
        self._pushed_at = self._heard_at = self.monotonic()

    def check(self) -> None:
        """Raise WorkerSilent if it hangs."""
        now = self.monotonic()
        try:
            reports = self.look()
        except VerseQueueError:
            # Where nobody can look, nobody can report either.
            self._heard_at = now
        else:
            if any(self._known.get(job_id) != report for job_id, report in reports.items()):
                self._heard_at, self._known = now, reports
        silent_s = now - self._heard_at
        if silent_s > (self.silence_limit_s if self._known else self.first_limit_s):
            raise WorkerSilent(f"it has not reported for {silent_s:.0f} s")
        if now - self._pushed_at > ACK_DEADLINE_S:
            raise WorkerSilent(f"it has not answered within {ACK_DEADLINE_S:g} s")


def post(url: str, body: bytes, headers: Mapping[str, str], check: Callable[[], None]) -> bool:
    """Push to the worker; whether it took the message. Raises OSError or HTTPException if it died.

    What `check`, which is asked every LOOK_S, raises passes through. A connection for each push:
    one that is kept may have been closed meanwhile, which would look like a death.
    """
    connection = HTTPConnection(urlsplit(url).netloc, timeout=CONNECT_LIMIT_S)
    try:
        connection.request("POST", "/", body, {**headers, "Connection": "close"})
        poller = select.poll()
        poller.register(connection.sock, select.POLLIN)
        while not poller.poll(LOOK_S * 1000):
            check()
        answer = connection.getresponse()
        answer.read()
        return 200 <= answer.status < 300
    finally:
        connection.close()
