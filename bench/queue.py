"""Accepting, handing over and ending an empty job: beside huey on SQLite and RQ on Redis."""

import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import peer_huey, peer_rq
from bench.harness import Goal, Measurement, Report, Run, alternate
from bench.processes import module, silent
from bench.stored_jobs import PROMPT
from versequeue.waiting import wait_until

OURS = "VerseQueue (SQLite)"
HUEY, HUEY_TUNED = "huey (SQLite), as shipped", "huey (SQLite), looking every 10 ms"
HUEY_TABLE = "huey (SQLite), 10 ms, and a table of jobs"
RQ = "RQ (Redis, a sync a write)"
#: How often the sender looks for a result; the waits themselves are taken by the worker's clock.
LOOK_S = 0.01
METHOD = (
    "One process accepts jobs and stores them durably, another takes each, ends it and stores "
    "its result durably; the job itself is empty. *Wait to claim*: from the moment at which the "
    "job was accepted to the moment at which the worker has it, jobs sent one by one with random "
    "gaps. *Jobs a second*: as many as can be sent at once, until the last result is stored. No "
    "HTTP for anyone on the way in; VerseQueue pushes to its worker by HTTP, as Pub/Sub does. "
    "huey alone keeps a task until it is taken, and then its result; *a table of jobs* is the "
    "least that an application must add to be able to tell a job's status at any moment, as "
    "VerseQueue does."
)


@dataclass(frozen=True)
class Peer:
    """A queue under test: `send` returns once the job is durable, `claimed_at` waits for it."""

    send: Callable[[], Any]
    claimed_at: Callable[[Any], float]
    #: seconds between two lone jobs, on average
    gap_s: float = 0.03


def run(quick: bool) -> Report:
    """The two measurements."""
    jobs, rounds = (40, 2) if quick else (120, 5)
    skipped: dict[str, str] = {}
    makers: list[tuple[str, Callable[[Path], Any]]] = [
        (OURS, versequeue_peer),
        (HUEY, lambda folder: huey_peer(folder, peer_huey.SHIPPED_DELAY_S)),
        (HUEY_TUNED, lambda folder: huey_peer(folder, peer_huey.TUNED_DELAY_S)),
        (HUEY_TABLE, lambda place: huey_peer(place, peer_huey.TUNED_DELAY_S, with_table=True)),
        (RQ, rq_peer),
    ]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        runs: dict[str, Run] = {}
        for number, (name, make) in enumerate(makers):
            place = Path(folder) / str(number)
            place.mkdir()
            try:
                peer: Peer = stack.enter_context(make(place))
            except (ImportError, FileNotFoundError) as error:
                skipped[name] = str(error)
                continue
            _burst(peer, 5)  # the first jobs start the worker
            runs[name] = lambda peer=peer: _round(peer, jobs)  # type: ignore[misc]
        found = alternate(runs, rounds)
    return Report("queue", "Queue", METHOD, _measurements(found), _remarks(found), skipped)


def _measurements(found: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Measurement]:
    return [
        Measurement(
            "Wait to claim, p50",
            "ms",
            found["p50"],
            OURS,
            [Goal(OURS, None, at_most=25), Goal(OURS, HUEY_TUNED, at_most=1)],
        ),
        Measurement("Wait to claim, p95", "ms", found["p95"], OURS),
        Measurement(
            "Jobs a second",
            "jobs/s",
            found["rate"],
            OURS,
            [Goal(OURS, HUEY_TUNED, at_least=1), Goal(OURS, HUEY_TABLE, at_least=1)],
            digits=0,
        ),
    ]


def _remarks(found: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    said = []
    for quantity, better, words in (
        ("p50", -1, "claims sooner"),
        ("rate", 1, "does more jobs a second"),
    ):
        ours = statistics.median(found[quantity][OURS])
        for name in (HUEY, HUEY_TUNED, HUEY_TABLE, RQ):
            theirs = found[quantity].get(name)
            if theirs and better * statistics.median(theirs) > better * ours:
                said.append(f"{name} {words} than VerseQueue here.")
    said.append(
        "VerseQueue stores a job three times (accepted, claimed, ended), each with its timeline "
        "and a fence against a worker that was given up on; huey removes a task from its queue "
        "when it is taken, so that a worker killed at that moment takes it along."
    )
    said.append(
        "Jobs that wait while the worker is busy are pushed up to eight at once and claimed in one "
        "transaction: VerseQueue waits for the disk twice a job and once more for up to eight of "
        "them, huey three times, and six with a table of jobs. The busier the disk, the better "
        "for VerseQueue; on an idle one that syncs in a tenth of a millisecond processor time is "
        "what counts, of which huey takes less, as it has less to store."
    )
    return said


def _round(peer: Peer, jobs: int) -> dict[str, float]:
    rng = random.Random(1)
    waits = []
    for _ in range(20):
        time.sleep(peer.gap_s * rng.uniform(0.5, 1.5))
        sent = peer.send()
        accepted_at = time.time()
        waits.append((peer.claimed_at(sent) - accepted_at) * 1000)
    waits.sort()
    return {"p50": statistics.median(waits), "p95": waits[18], "rate": _burst(peer, jobs)}


def _burst(peer: Peer, jobs: int) -> float:
    started_at = time.time()
    sent = [peer.send() for _ in range(jobs)]
    # One worker takes them in order: asking for the last alone disturbs it least.
    peer.claimed_at(sent[-1])
    return jobs / (time.time() - started_at)


@contextmanager
def versequeue_peer(folder: Path) -> Iterator[Peer]:
    """The embedded backend as `versequeue up` puts it together, without its HTTP server."""
    os.environ.update(VERSEQUEUE_DATA_DIR=str(folder), VERSEQUEUE_LOG_LEVEL="ERROR")
    from versequeue.backends.sqlite_queue import SqliteQueue
    from versequeue.backends.sqlite_store import SqliteStore
    from versequeue.clock import utc_now
    from versequeue.config import Settings
    from versequeue.local.dispatcher import Dispatcher
    from versequeue.local.worker_process import WorkerProcess
    from versequeue.rules.options import ResolvedOptions
    from versequeue.service.callers import Submission
    from versequeue.service.jobs import Jobs
    from versequeue.service.worker import WorkerSide

    store = SqliteStore(folder / "store.sqlite3")
    queue = SqliteQueue(folder / "queue.sqlite3", utc_now)
    settings = Settings(data_dir=folder)
    jobs = Jobs(store, queue, settings)
    worker = WorkerProcess(Path(__file__).with_name("empty_worker.py"))
    dispatcher = Dispatcher(queue, worker, WorkerSide(store, queue, settings, "bench"), 300.0)
    thread = threading.Thread(target=dispatcher.run, daemon=True)

    def claimed_at(job_id: str) -> float:
        wait_until(lambda: jobs.get(job_id).done, 60, LOOK_S, "an empty job")
        return float((jobs.get(job_id).output or {})["claimed_at"])

    thread.start()
    try:
        yield Peer(
            lambda: jobs.submit(PROMPT, ResolvedOptions(seed=1), Submission()).found.id, claimed_at
        )
    finally:
        dispatcher.stop()
        worker.stop()
        thread.join(timeout=5)


@contextmanager
def huey_peer(folder: Path, delay_s: float, *, with_table: bool = False) -> Iterator[Peer]:
    """huey with one worker thread in a process of its own."""
    path = str(folder / "huey.db")
    queue, note = peer_huey.make(path)
    send = peer_huey.sender(path, note, with_table=with_table)

    def claimed_at(result: Any) -> float:
        wait_until(lambda: result(preserve=True) is not None, 60, LOOK_S, "huey")
        return float(result()["claimed_at"])

    # Its default delay grows while nothing comes: gaps of a few looks are kind to it.
    gap_s = max(0.03, 2 * delay_s)
    with silent(module("bench.peer_huey", path, str(delay_s))):
        yield Peer(lambda: send(PROMPT), claimed_at, gap_s)
    queue.storage.close()


@contextmanager
def rq_peer(folder: Path) -> Iterator[Peer]:
    """RQ with one worker that does not fork."""
    from rq import Queue

    with peer_rq.redis_server(folder) as socket, silent(module("bench.peer_rq", socket)):
        queue = Queue(connection=peer_rq.connect(socket))

        def claimed_at(job: Any) -> float:
            wait_until(lambda: job.return_value(refresh=True) is not None, 60, LOOK_S, "RQ")
            return float(job.return_value()["claimed_at"])

        yield Peer(lambda: queue.enqueue(peer_rq.note, PROMPT), claimed_at)
