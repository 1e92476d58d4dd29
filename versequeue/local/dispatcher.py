"""What Pub/Sub does in the cloud, on one machine: take messages and push them until acked."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from versequeue.backends.sqlite_queue import LeasedMessage, SqliteQueue
from versequeue.clock import utc_now
from versequeue.errors import VerseQueueError
from versequeue.functions.notify import notify_target
from versequeue.functions.push import push_body, push_headers
from versequeue.local.worker import WorkerProcess
from versequeue.ports.queue import Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.job import Status
from versequeue.service.worker import WorkerSide

log = logging.getLogger(__name__)
ACK_DEADLINE_S = 600.0
CONNECT_LIMIT_S = 5.0
#: A pause after a worker that died, so that one that always dies does not burn the processor.
CRASH_PAUSE_S = 0.5
LONGEST_WAIT_S = 1.0
NOTIFY_ACK_DEADLINE_S = 60.0


class Dispatcher:
    """Pushes jobs to the worker process, single visitors' before batches', one at a time."""

    def __init__(
        self, queue: SqliteQueue, worker: WorkerProcess, side: WorkerSide, idle_timeout_s: float
    ) -> None:
        self._queue = queue
        self._worker = worker
        self._side = side
        self._idle_timeout_s = idle_timeout_s
        self._stopping = threading.Event()
        self._last_push = time.monotonic()

    def take_over(self) -> None:
        """Queue again what an earlier server and its worker had in hand: both are dead."""
        self._side.show_stopped()
        self._queue.release(utc_now())
        horizon = utc_now() + timedelta(days=3650)
        for job in self._side.store.due_jobs(horizon, limit=100_000):
            if job.status is Status.RUNNING:
                self._side.abandon([job.id], job.worker)

    def run(self) -> None:
        """Push until `stop`."""
        while not self._stopping.is_set():
            seen = self._queue.publishes
            try:
                deliveries = self._queue.lease_together(
                    (Topic.JOBS, Topic.BULK), utc_now(), ACK_DEADLINE_S, go_together
                )
            except VerseQueueError as error:
                log.warning("the queue cannot be read: %s", error)
                self._stopping.wait(LONGEST_WAIT_S)
                continue
            if deliveries:
                self._push(deliveries)
            else:
                self._stop_if_idle()
                self._queue.wait(seen, self._pause_s())

    def stop(self) -> None:
        """Take no more messages."""
        self._stopping.set()

    def _push(self, deliveries: Sequence[LeasedMessage]) -> None:
        url, name = self._worker.ensure()
        headers = push_headers(deliveries[0].topic, "local", utc_now())
        body = push_body(joined(deliveries), str(deliveries[0].id))
        try:
            accepted = post(url, body, headers)
        except (OSError, HTTPException) as error:
            self._worker_died(deliveries, name, error)
            return
        finally:
            self._last_push = time.monotonic()
        self._settle(deliveries, accepted=accepted)

    def _settle(self, deliveries: Sequence[LeasedMessage], *, accepted: bool) -> None:
        try:
            if accepted:
                self._queue.ack_all(deliveries)
            else:
                self._queue.nack_all(deliveries, utc_now())
        except VerseQueueError as error:
            log.warning("the message will come again: %s", error)

    def _worker_died(
        self, deliveries: Sequence[LeasedMessage], name: str, error: Exception
    ) -> None:
        if not self._stopping.is_set():
            log.warning("the worker has stopped: %s", error, extra={"worker": name})
        try:
            self._side.show_stopped()
            ids = joined(deliveries).get("job_ids", [])
            held = self._side.abandon(ids, name)
            if not held:
                # It may be unable to start at all: that counts as an attempt, so that it ends.
                self._side.fail_unclaimed(ids, "The worker ended before it could begin.")
            self._queue.nack_all(deliveries, utc_now(), delay_s=0 if held else None)
        except VerseQueueError as fault:
            log.warning("left to the sweep: %s", fault)
        self._stopping.wait(CRASH_PAUSE_S)

    def _stop_if_idle(self) -> None:
        idle_s = time.monotonic() - self._last_push
        if self._worker.running and idle_s > self._idle_timeout_s:
            self._worker.stop()
            self._side.show_stopped()

    def _pause_s(self) -> float:
        due_at = self._queue.next_due_at((Topic.JOBS, Topic.BULK))
        if due_at is None:
            return LONGEST_WAIT_S
        return min(LONGEST_WAIT_S, max(0.0, (due_at - utc_now()).total_seconds()))


def go_together(taken: Sequence[LeasedMessage], candidate: LeasedMessage) -> bool:
    """Whether a waiting message joins those that are taken: single visitors' jobs, up to 8.

    Only on their first way. A job that brings its worker down takes the others along once: what
    comes back is pushed alone.
    """
    every = [*taken, candidate]
    if any(one.topic is not Topic.JOBS or one.number > 1 for one in every):
        return False
    named = [one.message["job_ids"] for one in every if set(one.message) == {"job_ids"}]
    return len(named) == len(every) and len(dict.fromkeys(chain(*named))) <= JOBS_PER_MESSAGE


def joined(deliveries: Sequence[LeasedMessage]) -> dict[str, Any]:
    """The one message that says what all of these say."""
    if len(deliveries) == 1:
        return deliveries[0].message
    named = chain.from_iterable(one.message["job_ids"] for one in deliveries)
    return {"job_ids": list(dict.fromkeys(named))}


def post(url: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Push to the worker; whether it took the message. Raises OSError or HTTPException if it died.

    A connection for each push: one that is kept may have been closed meanwhile, which would look
    like a death.
    """
    connection = HTTPConnection(urlsplit(url).netloc, timeout=CONNECT_LIMIT_S)
    try:
        connection.connect()
        connection.sock.settimeout(ACK_DEADLINE_S)
        connection.request("POST", "/", body, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return 200 <= answer.status < 300
    finally:
        connection.close()


class NotifyDispatcher:
    """Sends due webhooks, a few at a time, so that a slow receiver does not hold up the others."""

    def __init__(self, queue: SqliteQueue) -> None:
        self._queue = queue
        self._stopping = threading.Event()
        self._senders = ThreadPoolExecutor(max_workers=4, thread_name_prefix="notify")

    def run(self) -> None:
        """Send until `stop`."""
        while not self._stopping.is_set():
            seen = self._queue.publishes
            try:
                delivery = self._queue.lease((Topic.NOTIFY,), utc_now(), NOTIFY_ACK_DEADLINE_S)
            except VerseQueueError as error:
                log.warning("the queue cannot be read: %s", error)
                self._stopping.wait(LONGEST_WAIT_S)
                continue
            if delivery:
                self._senders.submit(self._send, delivery)
            else:
                self._queue.wait(seen, LONGEST_WAIT_S)

    def stop(self) -> None:
        """Start no more deliveries; one that is on its way may end."""
        self._stopping.set()
        self._senders.shutdown(wait=False, cancel_futures=True)

    def _send(self, delivery: LeasedMessage) -> None:
        try:
            notify_target(str(delivery.message.get("target", "")))
            self._queue.ack(delivery)
        except VerseQueueError as error:
            log.warning("the webhook will be tried again: %s", error)
