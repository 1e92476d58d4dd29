"""Which receiver of webhooks may have a sender now: a share for each, a rest for the silent.

A receiver that never answered is a stranger, and one caller may name any number of them: they share
a few senders, so that they keep the strangers of others waiting as little as those who answer. Many
may have a receiver at one host, of an automation service: what one caller's does there, hanging or
silent, is told of that caller's alone.
"""

import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

#: Deliveries on their way at once, to everybody and to one host and port.
SENDERS, SHARE = 16, 4
#: Of the latter, one is kept for callers whose receiver there answered last time.
KEPT_AT_PLACE = 1
#: Senders that are kept for receivers that answered last time.
KEPT_FOR_GOOD = 4
#: Senders of one caller; beyond them only those of its receivers get more that answered last time.
SHARE_OF_CALLER = 2
#: Rest of a receiver that did not answer; doubled each time, at most the second one.
REST_FIRST_S, REST_LONGEST_S = 2.0, 60.0
#: What a receiver is taken to need for a delivery before its first, and at least.
FIRST_TOOK_S, LEAST_TOOK_S = 0.2, 0.02
#: Receivers and callers that are remembered; beyond it the one that was heard of the longest ago is
#: forgotten.
REMEMBERED = 1000


class Receiver(NamedTuple):
    """Who gets a webhook: its host and port in one spelling, and the caller who named it."""

    place: str
    client: str = ""


@dataclass
class _Line:
    """Messages that wait for the same senders."""

    in_flight: int = 0
    #: how long its last delivery took
    took_s: float = FIRST_TOOK_S
    #: when the last message that was put back is to come again
    last_turn: float = 0.0

    def next_turn(self, now_s: float, senders: int, rests_until: float = 0.0) -> float:
        """When one more message is to come again: one after the other, at the pace of senders."""
        # Else all that wait would be taken and put back again and again.
        free_at = max(now_s, rests_until, self.last_turn)
        self.last_turn = min(free_at + self.took_s / senders, now_s + REST_LONGEST_S)
        return self.last_turn

    def ended(self, took_s: float) -> None:
        self.in_flight -= 1
        self.took_s = max(LEAST_TOOK_S, took_s)


@dataclass
class _Known(_Line):
    #: times in a row that it did not answer; None before its first answer
    silences: int | None = None
    rests_until: float = 0.0

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
        self._known: dict[Receiver, _Known] = {}
        self._places: dict[str, _Line] = {}
        self._callers: dict[str, _Line] = {}
        self._in_flight = 0

    @property
    def full(self) -> bool:
        """Whether no sender is free for anybody."""
        return self._in_flight >= SENDERS

    def ask(self, receiver: Receiver, now_s: float) -> float:
        """0, and a sender is taken for it; else how long its message has to wait, in seconds."""
        with self._lock:
            known = self._known.setdefault(receiver, _Known())
            place = self._places.setdefault(receiver.place, _Line())
            caller = self._callers.setdefault(receiver.client, _Line())
            if known.rests_until > now_s or known.in_flight >= known.share:
                turn = known.next_turn(now_s, known.share, known.rests_until)
            elif place.in_flight >= SHARE - (0 if known.good else KEPT_AT_PLACE):
                turn = place.next_turn(now_s, SHARE)
            elif not known.good and caller.in_flight >= SHARE_OF_CALLER:
                turn = caller.next_turn(now_s, SHARE_OF_CALLER)
            elif self._in_flight >= (SENDERS if known.good else SENDERS - KEPT_FOR_GOOD):
                turn = known.next_turn(now_s, known.share)
            else:
                for line in (known, place, caller):
                    line.in_flight += 1
                self._in_flight += 1
                return 0
            self._forget()
            return turn - now_s

    def unused(self, receiver: Receiver) -> None:
        """The sender is free again without having sent anything."""
        with self._lock:
            self._in_flight -= 1
            self._known[receiver].in_flight -= 1
            for line in (self._places[receiver.place], self._callers[receiver.client]):
                line.in_flight -= 1

    def done(self, receiver: Receiver, now_s: float, *, took_s: float, answered: bool) -> None:
        """The sender is free again, after `took_s`; a receiver that did not answer rests."""
        with self._lock:
            self._in_flight -= 1
            known = self._known.pop(receiver)
            place = self._places.pop(receiver.place)
            caller = self._callers.pop(receiver.client)
            for line in (known, place, caller):
                line.ended(took_s)
            known.silences = 0 if answered else (known.silences or 0) + 1
            if known.silences:
                rest_s = REST_FIRST_S * 2.0 ** min(known.silences - 1, 30)
                known.rests_until = now_s + min(rest_s, REST_LONGEST_S)
            self._known[receiver] = known
            self._places[receiver.place] = place
            self._callers[receiver.client] = caller
            self._forget()

    def _forget(self) -> None:
        _forget_oldest(self._known)
        _forget_oldest(self._places)
        _forget_oldest(self._callers)


def _forget_oldest(lines: dict[Any, Any]) -> None:
    idle = (name for name, line in lines.items() if not line.in_flight)
    if len(lines) > REMEMBERED and (oldest := next(idle, None)) is not None:
        del lines[oldest]
