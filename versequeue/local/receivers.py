"""Which receiver of webhooks may have a sender now: a share for each, a rest for the silent.

Knows receivers by name only; knows no message and no thread.
"""

import threading
from dataclasses import dataclass

#: Deliveries on their way at once, to everybody and to one receiver.
SENDERS, SHARE = 16, 2
#: Senders that are kept for receivers that answered last time.
KEPT_FOR_GOOD = 4
#: Rest of a receiver that did not answer; doubled each time, at most the second one.
REST_FIRST_S, REST_LONGEST_S = 2.0, 60.0
#: Wait of a message whose receiver has its share.
TURN_S = 1.0
#: Receivers that are remembered; beyond it the one that was heard of the longest ago is forgotten.
REMEMBERED = 1000


@dataclass
class _Known:
    in_flight: int = 0
    #: times in a row that it did not answer; None before its first answer
    silences: int | None = None
    rests_until: float = 0.0


class Receivers:
    """Shares senders out. Every method may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: in the order in which they were last heard of
        self._known: dict[str, _Known] = {}
        self._in_flight = 0

    @property
    def full(self) -> bool:
        """Whether no sender is free for anybody."""
        return self._in_flight >= SENDERS

    def ask(self, receiver: str, now_s: float) -> float:
        """0, and a sender is taken for it; else how long its message has to wait, in seconds."""
        with self._lock:
            known = self._known.get(receiver) or _Known()
            if known.rests_until > now_s:
                return known.rests_until - now_s
            good = known.silences == 0
            room = SENDERS if good else SENDERS - KEPT_FOR_GOOD
            if known.in_flight >= (SHARE if good else 1) or self._in_flight >= room:
                return TURN_S
            known.in_flight += 1
            self._in_flight += 1
            self._known[receiver] = known
            return 0

    def done(self, receiver: str, now_s: float, *, answered: bool) -> None:
        """The sender is free again; a receiver that did not answer rests."""
        with self._lock:
            self._in_flight -= 1
            known = self._known.pop(receiver)
            known.in_flight -= 1
            known.silences = 0 if answered else (known.silences or 0) + 1
            if known.silences:
                rest_s = REST_FIRST_S * 2.0 ** min(known.silences - 1, 30)
                known.rests_until = now_s + min(rest_s, REST_LONGEST_S)
            self._known[receiver] = known
            self._forget()

    def _forget(self) -> None:
        idle = (name for name, known in self._known.items() if not known.in_flight)
        if len(self._known) > REMEMBERED and (oldest := next(idle, None)):
            del self._known[oldest]
