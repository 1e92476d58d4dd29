"""200 pollers and two submitters, with 10,000 jobs queued and with none but the pollers' own."""

import statistics
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.harness import Goal, Measurement, Report, alternate
from bench.models import bundle_folder
from bench.server import QUIET, Server, up
from bench.stored_jobs import queued_job, store_jobs
from versequeue.rules.transitions import note

METHOD = (
    "`versequeue up` and its clients share the machine. Each of 200 pollers keeps one connection "
    "and asks for its own queued job once a second, as `Retry-After` tells it to; two submitters "
    "send a job every 50 ms. The queued jobs are in the store and without a message, so that the "
    "worker leaves them alone. An error is any answer but 200 and 202."
)
POLLERS, SUBMITTERS, MANY = 200, 2, 10_000
POLL_EVERY_S, SUBMIT_EVERY_S = 1.0, 0.05
EMPTY, FULL = "0 queued beside", f"{MANY:,} queued"


@dataclass
class Seen:
    """What the clients of one round saw."""

    polls_ms: list[float] = field(default_factory=list)
    submits_ms: list[float] = field(default_factory=list)
    errors: int = 0


def run(quick: bool) -> Report:
    """Two servers, loaded in turn."""
    length_s, rounds = (4.0, 1) if quick else (10.0, 4)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        runs = {}
        for label, count in ((EMPTY, POLLERS), (FULL, MANY)):
            place = Path(folder) / str(count)
            ids = fill(place, count)
            server = stack.enter_context(up(place, bundle_folder("tiny"), env=QUIET))
            runs[label] = lambda s=server, i=ids: load(s, i, length_s)
        found = alternate(runs, rounds)
    return Report("load", "Load", METHOD, _measurements(found))


def fill(data_dir: Path, count: int) -> list[str]:
    """Write `count` queued jobs; the ids of those that are polled, spread over all of them."""
    first = datetime.now(UTC) - timedelta(seconds=count)
    moments = [first + timedelta(seconds=number) for number in range(count)]
    jobs = [note(queued_job(number, at), at, "queued") for number, at in enumerate(moments)]
    store_jobs(data_dir, jobs)
    return [job.id for job in jobs[:: count // POLLERS]][:POLLERS]


def load(server: Server, ids: list[str], length_s: float) -> Mapping[str, float]:
    """One round of all clients at once."""
    seen = Seen()
    end = time.perf_counter() + length_s
    clients = [
        threading.Thread(target=_poll, args=(server, job_id, number / POLLERS, end, seen))
        for number, job_id in enumerate(ids)
    ]
    clients += [
        threading.Thread(target=_submit, args=(server, end, seen)) for _ in range(SUBMITTERS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    asked = len(seen.polls_ms) + len(seen.submits_ms)
    return {
        "poll p50": statistics.median(seen.polls_ms),
        "poll p99": statistics.quantiles(seen.polls_ms, n=100)[98],
        "submit p50": statistics.median(seen.submits_ms),
        "submit p99": statistics.quantiles(seen.submits_ms, n=100)[98],
        "errors": 100 * seen.errors / (asked + seen.errors),
        "answers": asked / length_s,
    }


def _poll(server: Server, job_id: str, start_s: float, end: float, seen: Seen) -> None:
    connection = server.connect()
    next_at = time.perf_counter() + start_s * POLL_EVERY_S
    while next_at < end:
        time.sleep(max(0.0, next_at - time.perf_counter()))
        begun = time.perf_counter()
        try:
            good = connection.get(f"/v1/jobs/{job_id}").status == 200
        except OSError:
            good, connection = False, server.connect()
        _note(seen, seen.polls_ms, begun, good=good)
        next_at += POLL_EVERY_S


def _submit(server: Server, end: float, seen: Seen) -> None:
    connection = server.connect()
    while time.perf_counter() < end:
        begun = time.perf_counter()
        body = {"prompt": "rain", "options": {"lines": 4}}
        try:
            good = connection.post("/v1/jobs", body).status == 202
        except OSError:
            good, connection = False, server.connect()
        _note(seen, seen.submits_ms, begun, good=good)
        time.sleep(SUBMIT_EVERY_S)


def _note(seen: Seen, times_ms: list[float], begun: float, *, good: bool) -> None:
    if good:
        times_ms.append((time.perf_counter() - begun) * 1000)
    else:
        seen.errors += 1


def _measurements(found: Mapping[str, Mapping[str, list[float]]]) -> list[Measurement]:
    none = [Goal(FULL, None, at_most=0)]
    return [
        Measurement("Poll, p50", "ms", found["poll p50"], EMPTY),
        Measurement("Poll, p99", "ms", found["poll p99"], EMPTY),
        Measurement("Submit, p50", "ms", found["submit p50"], EMPTY),
        Measurement("Submit, p99", "ms", found["submit p99"], EMPTY),
        Measurement("Errors", "% of answers", found["errors"], goals=none, digits=2),
        Measurement("Answers", "a second", found["answers"], EMPTY, digits=0),
    ]
