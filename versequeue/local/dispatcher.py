"""What Pub/Sub does in the cloud, on one machine: take jobs' messages and push them until acked."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from http.client import HTTPException
from itertools import chain
from typing import Any

from versequeue.backends.document_store import readable
from versequeue.backends.sqlite_queue import Fit, LeasedMessage, SqliteQueue
from versequeue.config import ACK_DEADLINE_S
from versequeue.errors import (
    SURROUNDINGS,
    QueueUnavailable,
    StoreUnavailable,
    VerseQueueError,
)
from versequeue.functions.push import push_body, push_headers
from versequeue.local import push
from versequeue.local.loops import keep_on
from versequeue.local.worker_process import WorkerProcess
from versequeue.ports.queue import Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.waits import Work, fit_together, work_of
from versequeue.service.worker import WorkerSide

log = logging.getLogger(__name__)
TOPICS = (Topic.JOBS, Topic.BULK)
#: A pause after a worker that died, so that one that always dies does not burn the processor.
CRASH_PAUSE_S = 0.5
LONGEST_WAIT_S = 1.0
#: So many messages of a dead server are read at once.
PAGE = 100


class Dispatcher:
    """Pushes jobs to the worker process, single visitors' before batches', one at a time."""

    def __init__(
        self,
        queue: SqliteQueue,
        worker: WorkerProcess,
        side: WorkerSide,
        idle_timeout_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """`pause` waits for some seconds, at most until `stop`."""
        self._queue = queue
        self._worker = worker
        self._side = side
        self._idle_timeout_s = idle_timeout_s
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._pause = pause or self._stopping.wait
        self._last_push = monotonic()
        #: what has still to be written; nothing new is taken before it is
        self._owed: list[Callable[[], object]] = []

    def take_over(self) -> None:
        """Queue again, before the first push, what an earlier server and its worker had in hand."""
        self._owed.append(self._take_over)
        try:
            self._pay()
        except VerseQueueError as error:
            log.warning("what the last server left is taken over later: %s", error)

    def run(self) -> None:
        """Push until `stop`, whatever happens around."""
        keep_on(self._turn, self._stopping, "the dispatcher")
        with suppress(VerseQueueError):  # else the next server releases it
            self._pay()

    def stop(self) -> None:
        """Take no more messages."""
        self._stopping.set()

    def step(self) -> bool:
        """Settle what is owed, then push what is due; False if there was nothing to push.

        Raises what its surroundings do; nothing is lost by it, and the next step goes on.
        """
        self._pay()
        now = self._side.clock()
        fits = partial(go_together, cache(self._work_of))
        deliveries = self._queue.lease_together(TOPICS, now, ACK_DEADLINE_S, fits)
        if deliveries:
            self._push(deliveries)
        else:
            self._stop_if_idle()
        return bool(deliveries)

    def _work_of(self, job_id: str) -> Work | None:
        job = readable(job_id, partial(self._side.store.get_job, job_id))
        return work_of(job.options, job.given) if job else None

    def _turn(self) -> None:
        seen = self._queue.publishes
        if self.step():
            return
        due_at = self._queue.next_due_at(TOPICS)
        left_s = (due_at - self._side.clock()).total_seconds() if due_at else LONGEST_WAIT_S
        self._queue.wait(seen, min(LONGEST_WAIT_S, max(0.0, left_s)))

    def _take_over(self) -> None:
        # Whatever runs was pushed by a message that nobody has acked.
        self._side.show_stopped()
        for topic in TOPICS:
            last = 0
            while page := self._queue.in_hand(topic, last, PAGE):
                for job_id in _job_ids(page):
                    self._side.free(job_id)
                last = page[-1].id
        self._queue.release(self._side.clock())

    def _push(self, deliveries: Sequence[LeasedMessage]) -> None:
        headers = push_headers(deliveries[0].topic, "local", self._side.clock())
        body = push_body(joined(deliveries), str(deliveries[0].id))
        name = ""
        try:
            url, name = self._worker.ensure()
            accepted = push.post(url, body, headers, self._watch(deliveries, name).check)
        except Exception as error:
            if name and _is_death(error):
                self._give_up_on(name, deliveries, error)
                return
            # Nothing was pushed, and that is no fault of the jobs.
            self._owe(self._nack, deliveries)
            raise
        finally:
            self._last_push = self._monotonic()
        self._owe(self._queue.ack_all if accepted else self._nack, deliveries)
        self._pay()

    def _watch(self, deliveries: Sequence[LeasedMessage], name: str) -> push.Watch:
        ids = _job_ids(deliveries)
        return push.Watch(
            partial(self._side.reports_of, ids, name),
            first_limit_s=push.FIRST_REPORT_LIMIT_S if ids else push.WARM_UP_LIMIT_S,
            silence_limit_s=self._side.settings.lease_s,
            monotonic=self._monotonic,
        )

    def _give_up_on(self, name: str, deliveries: Sequence[LeasedMessage], error: Exception) -> None:
        """The worker is dead, or as good as that: it is killed before anybody gets its jobs."""
        if not self._stopping.is_set():
            log.warning("the worker is given up: %s", error, extra={"worker": name})
        self._worker.kill()
        self._owe(self._side.show_stopped)
        ids = _job_ids(deliveries)
        if ids:
            self._owe(self._abandon, ids, name, deliveries)
        else:
            # A warm-up that hangs would hang again.
            hangs = isinstance(error, push.WorkerSilent)
            self._owe(self._queue.ack_all if hangs else self._nack, deliveries)
        self._pay()
        self._pause(CRASH_PAUSE_S)

    def _abandon(self, ids: list[str], name: str, deliveries: Sequence[LeasedMessage]) -> None:
        held = self._side.abandon(ids, name)
        self._owe(self._nack, deliveries, 0 if held else None)
        if not held:
            # It may be unable to start at all: that counts as an attempt, so that it ends.
            self._owe(self._fail_unclaimed, ids)

    def _fail_unclaimed(self, ids: list[str]) -> None:
        try:
            self._side.fail_unclaimed(ids, "The worker ended before it could begin.")
        except VerseQueueError as error:  # a second try would count for some of them twice
            log.warning("left to the sweep: %s", error)

    def _nack(self, deliveries: Sequence[LeasedMessage], delay_s: float | None = None) -> None:
        self._queue.nack_all(deliveries, self._side.clock(), delay_s=delay_s)

    def _owe(self, write: Callable[..., object], *values: object) -> None:
        self._owed.append(partial(write, *values))

    def _pay(self) -> None:
        while self._owed:
            try:
                self._owed[0]()
            except (StoreUnavailable, QueueUnavailable, OSError):
                raise
            except Exception:  # also a row that cannot be read, which no later try would change
                log.exception("left to the sweep")
            self._owed.pop(0)

    def _stop_if_idle(self) -> None:
        idle_s = self._monotonic() - self._last_push
        if self._worker.running and idle_s > self._idle_timeout_s:
            self._worker.stop()
            self._owe(self._side.show_stopped)
            self._pay()


def _is_death(error: Exception) -> bool:
    """Whether a push that broke off so means that the worker is dead, or hangs."""
    is_broken_off = isinstance(error, OSError | HTTPException)
    return is_broken_off and getattr(error, "errno", None) not in SURROUNDINGS


def go_together(
    work_of: Callable[[str], Work | None],
    taken: Sequence[LeasedMessage],
    candidate: LeasedMessage,
) -> Fit:
    """Whether a waiting message joins those taken from the same topic: up to 8 jobs that fit.

    `work_of` says what work a job is, None if there is no such job. Songs of another model wait for
    the next pass, which is theirs.

    Only on their first way. A job that brings its worker down takes the others along once: what
    comes back is pushed alone.
    """
    every = [*taken, candidate]
    if any(one.number > 1 for one in every):
        return Fit.ENDS
    named = [_named(one.message) for one in every if set(one.message) == {"job_ids"}]
    if len(named) != len(every) or not all(named):
        return Fit.ENDS
    ids = dict.fromkeys(chain(*named))
    works = [*filter(None, map(work_of, ids))]
    if len({work.model for work in works}) > 1:
        return Fit.WAITS
    return Fit.JOINS if len(ids) <= JOBS_PER_MESSAGE and fit_together(works) else Fit.ENDS


def joined(deliveries: Sequence[LeasedMessage]) -> dict[str, Any]:
    """The one message that says what all of these say."""
    if len(deliveries) == 1:
        return deliveries[0].message
    return {"job_ids": _job_ids(deliveries)}


def _job_ids(deliveries: Sequence[LeasedMessage]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(_named(one.message) for one in deliveries)))


def _named(message: Mapping[str, Any]) -> list[str]:
    # None of an odd message: the worker, which it is pushed to alone, says so and drops it.
    found = message.get("job_ids")
    is_read = isinstance(found, list) and all(isinstance(item, str) for item in found)
    return list(found) if found and is_read else []
