"""Which receiver of webhooks may have a sender now: a share for each, a rest for the silent."""

import threading
from dataclasses import dataclass

#: Deliveries on their way at once, to everybody and to one receiver.
SENDERS, SHARE = 16, 4
#: Senders that are kept for receivers that answered last time.
KEPT_FOR_GOOD = 4
#: Rest of a receiver that did not answer; doubled each time, at most the second one.
REST_FIRST_S, REST_LONGEST_S = 2.0, 60.0
#: What a receiver is taken to need for a delivery before its first, and at least.
FIRST_TOOK_S, LEAST_TOOK_S = 0.2, 0.02
#: Receivers that are remembered; beyond it the one that was heard of the longest ago is forgotten.
REMEMBERED = 1000


@dataclass
class _Known:
    in_flight: int = 0
    #: times in a row that it did not answer; None before its first answer
    silences: int | None = None
    rests_until: float = 0.0
    #: how long its last delivery took
    took_s: float = FIRST_TOOK_S
    #: when the last message that was put back is to come again
    last_turn: float = 0.0

    def next_turn(self, now_s: float) -> float:
        """When one more message is to come again: one after the other, at the receiver's pace."""
        # Else all that wait would be taken and put back again and again.
        free_at = max(now_s, self.rests_until, self.last_turn)
        self.last_turn = min(free_at + self.took_s / self.share, now_s + REST_LONGEST_S)
        return self.last_turn

    @property
    def good(self) -> bool:
        """Whether it answered last time."""
        return self.silences == 0

    @property
    def share(self) -> int:
        """Senders that it may have at once."""
        return SHARE if self.good else 1


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
            known = self._known.setdefault(receiver, _Known())
            room = SENDERS if known.good else SENDERS - KEPT_FOR_GOOD
            rests = known.rests_until > now_s
            if rests or known.in_flight >= known.share or self._in_flight >= room:
                self._forget()
                return known.next_turn(now_s) - now_s
            known.in_flight += 1
            self._in_flight += 1
            return 0

    def unused(self, receiver: str) -> None:
        """The sender is free again without having sent anything."""
        with self._lock:
            self._in_flight -= 1
            self._known[receiver].in_flight -= 1

    def done(self, receiver: str, now_s: float, *, took_s: float, answered: bool) -> None:
        """The sender is free again, after `took_s`; a receiver that did not answer rests."""
        with self._lock:
            self._in_flight -= 1
            known = self._known.pop(receiver)
            known.in_flight -= 1
            known.took_s = max(LEAST_TOOK_S, took_s)
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
