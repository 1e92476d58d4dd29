"""What Pub/Sub does in the cloud with webhook messages: hand them to senders, a few at a time.

A message stays in the queue until a sender is free for its receiver: neither memory nor threads
grow with what waits, and a receiver that never answers holds up nobody else's.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from versequeue.backends.sqlite_queue import LeasedMessage, SqliteQueue
from versequeue.clock import Clock, utc_now
from versequeue.errors import Unreadable, VerseQueueError
from versequeue.local.loops import keep_on
from versequeue.ports.queue import Topic
from versequeue.webhooks.receivers import SENDERS, Receiver, Receivers
from versequeue.webhooks.sender import Outcome

log = logging.getLogger(__name__)
TOPICS = (Topic.NOTIFY,)
#: Longer than any delivery takes.
NOTIFY_ACK_DEADLINE_S = 60.0
LONGEST_WAIT_S = 1.0
#: Pause where every sender is busy.
BUSY_PAUSE_S = 0.1


class NotifyDispatcher:
    """Sends due webhooks side by side, no more at once than there are senders."""

    def __init__(
        self,
        queue: SqliteQueue,
        deliver: Callable[[str], Outcome | None],
        receiver_of: Callable[[str], Receiver],
        *,
        start: Callable[[Callable[[], None]], object] | None = None,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`deliver` makes one attempt for a target; `receiver_of` names who would get it.

        `start` runs a delivery beside all others; by default in one of SENDERS threads.
        """
        self._queue = queue
        self._deliver = deliver
        self._receiver_of = receiver_of
        self._clock = clock
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="notify")
        self._start = start or self._senders.submit
        self._receivers = Receivers()

    def run(self) -> None:
        """Send until `stop`, whatever happens around."""
        keep_on(self._turn, self._stopping, "the notifier")

    def stop(self) -> None:
        """Start no more deliveries; one that is on its way may end."""
        self._stopping.set()
        self._senders.shutdown(wait=False, cancel_futures=True)

    def step(self) -> bool:
        """Take one due message and have it sent, or put it back until its receiver's turn.

        False if there was none to take, or nobody to send it. Raises what its surroundings do.
        """
        if self._receivers.full:
            return False
        delivery = self._queue.lease(TOPICS, self._clock(), NOTIFY_ACK_DEADLINE_S)
        if delivery is None:
            return False
        try:
            receiver = self._receiver_of(_target(delivery))
            wait_s = self._receivers.ask(receiver, self._monotonic())
        except Unreadable as error:
            log.warning("its webhook will be tried again: %s", error)
            self._queue.nack(delivery, self._clock())
            return True
        except Exception:
            self._queue.nack(delivery, self._clock())
            raise
        if wait_s:
            self._queue.postpone(delivery, self._clock(), wait_s)
        else:
            self._begin(delivery, receiver)
        return True

    def _turn(self) -> None:
        seen = self._queue.publishes
        if not self.step():
            if self._receivers.full:
                self._stopping.wait(BUSY_PAUSE_S)
            else:
                self._queue.wait(seen, LONGEST_WAIT_S)

    def _begin(self, delivery: LeasedMessage, receiver: Receiver) -> None:
        mine = threading.Lock()

        def send() -> None:
            if mine.acquire(blocking=False):
                self._send(delivery, receiver)

        try:
            self._start(send)
        except RuntimeError as error:
            # The pool may keep `send` all the same: either it has the message, or it is put back.
            if self._stopping.is_set() or not mine.acquire(blocking=False):
                return
            log.warning("no thread for a webhook: %s", error)
            self._receivers.unused(receiver)
            self._queue.nack(delivery, self._clock())

    def _send(self, delivery: LeasedMessage, receiver: Receiver) -> None:
        answered, began_s = True, self._monotonic()
        try:
            outcome = self._deliver(_target(delivery))
            answered = outcome is None or outcome.status_code is not None
            self._queue.ack(delivery)
        except VerseQueueError as error:
            log.warning("the webhook will be tried again: %s", error)
        except Exception:
            log.exception("the webhook will be tried again")
        finally:
            now_s = self._monotonic()
            self._receivers.done(receiver, now_s, took_s=now_s - began_s, answered=answered)


def _target(delivery: LeasedMessage) -> str:
    return str(delivery.message.get("target", ""))
