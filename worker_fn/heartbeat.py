"""The worker's heartbeat: leases are renewed as long as songs are really being written.

A line may take longer than a lease. A thread that beat whatever happens would keep a worker alive
that hangs, so it beats as long as tokens are drawn.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from versequeue.config import Settings
from versequeue.service.attempt import Attempt

log = logging.getLogger(__name__)


class Heartbeat(AbstractContextManager["Heartbeat"]):
    """Beats for some attempts, in a thread of its own, while the block runs."""

    def __init__(
        self,
        attempts: Sequence[Attempt],
        settings: Settings,
        on_stall: Callable[[], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_stall` is called once: for as long as the settings allow no token was drawn, or every
        attempt has been over and the writing still goes on.
        """
        self._attempts = attempts
        self._every_s = settings.lease_s / 6
        self._stall_limit_s = settings.stall_limit_s
        self._on_stall = on_stall
        self._monotonic = monotonic
        self._ended = threading.Event()
        self._drawn_at = monotonic()
        #: when all attempts were first seen to be over
        self._over_at: float | None = None
        #: loading a model draws no token; it ends with the attempts, whose own limit ends them
        self._excused = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        try:
            self._thread.start()
        except RuntimeError:  # no thread is left: the lines themselves renew the leases
            log.warning("no heartbeat: a thread cannot be started")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread.ident:
            self._thread.join()

    def token(self) -> None:
        """A token was drawn."""
        self._drawn_at = self._monotonic()

    @contextmanager
    def without_tokens(self) -> Iterator[None]:
        """In this block none are to be expected."""
        self._excused = True
        try:
            yield
        finally:
            self.token()
            self._excused = False

    def beat(self) -> bool:
        """Renew the leases; False, and none is renewed, if the writing hangs."""
        now = self._monotonic()
        if not self._excused and now - self._drawn_at > self._stall_limit_s:
            return False
        if all(attempt.over for attempt in self._attempts):
            self._over_at = now if self._over_at is None else self._over_at
            if now - self._over_at > self._stall_limit_s:
                return False
        for attempt in self._attempts:
            attempt.beat()
        return True

    def _run(self) -> None:
        beats = True
        while beats and not self._ended.wait(self._every_s):
            try:
                beats = self.beat()
            except Exception:
                log.exception("a heartbeat was lost; the next one is tried")
        if not self._ended.is_set():
            log.error(
                "nothing to be had of the writing for %g s: the worker hangs and ends",
                self._stall_limit_s,
            )
            self._on_stall()
