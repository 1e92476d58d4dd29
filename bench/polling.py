"""Asking for a job: answers a second, with 200 and with 304, however many jobs are stored."""

import random
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.harness import Goal, Measurement, Report, alternate
from bench.models import bundle_folder
from bench.server import QUIET, Connection, Server, resident_mib, up
from bench.stored_jobs import queued_job, store_jobs
from versequeue.rules.job import Job, Metrics, Status

METHOD = (
    "`versequeue up` with a store that already holds so many finished jobs of 16 lines; one "
    "client, one connection kept open, jobs asked for at random. The 304 is the answer to an "
    "`If-None-Match` that still holds. *Status* is `GET /v1/status`."
)
REMARKS = (
    "The memory grows by SQLite's page cache, half a MiB for each of the server's 24 threads, "
    "until that is full; the number of jobs does not raise it any further.",
    "The embedded server closes the connection after a 304, which has no body to end; the next "
    "request opens another one. That is its HTTP server's doing (waitress); in the cloud another "
    "one answers.",
)
SIZES = (1, 1_000, 100_000)
LYRICS = [f"the night train carries line {i} away" for i in range(16)]
#: What a job of 16 lines holds when it has succeeded.
OUTPUT = {
    "lyrics": "\n".join(LYRICS),
    "title": "Night train",
    "sections": [{"name": "verse", "lines": LYRICS}],
    "rhyme": {"scheme": "AABB", "score": 1.0},
    "receipt": {
        "model": "bench",
        "model_digest": "",
        "seed": 1,
        "input_digest": "",
        "version": "",
    },
}


def name(size: int) -> str:
    return f"{size:,} stored" if size > 1 else "1 stored"


def run(quick: bool) -> Report:
    """Three servers, asked in turn."""
    asks, rounds = (100, 2) if quick else (400, 6)
    sizes = SIZES[:2] if quick else SIZES
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        runs = {}
        for size in sizes:
            place = Path(folder) / str(size)
            ids = fill(place, size)
            server = stack.enter_context(up(place, bundle_folder("tiny"), env=QUIET))
            connection = server.connect()
            _round(connection, server, ids, 20)
            runs[name(size)] = lambda c=connection, s=server, i=ids: _round(c, s, i, asks)
        found = alternate(runs, rounds)
    return Report("polling", "Polling", METHOD, _measurements(found, name(sizes[-1])), REMARKS)


def _measurements(found: Mapping[str, Mapping[str, list[float]]], most: str) -> list[Measurement]:
    base = name(1)
    flat = [Goal(most, base, at_least=0.8)]
    slow = [Goal(most, base, at_most=1.25)]
    return [
        Measurement("200: the whole job", "answers/s", found["ok"], base, flat, digits=0),
        Measurement("304: nothing new", "answers/s", found["same"], base, flat, digits=0),
        Measurement("200, p99", "ms", found["p99"], base, digits=2),
        Measurement("Status", "answers/s", found["status"], base, flat, digits=0),
        Measurement("Server's memory", "MiB", found["memory"], base, slow, digits=0),
    ]


def _round(connection: Connection, server: Server, ids: list[str], asks: int) -> dict[str, float]:
    rng = random.Random(7)
    tags, waits = {}, []
    started = time.perf_counter()
    for _ in range(asks):
        path = f"/v1/jobs/{rng.choice(ids)}"
        begun = time.perf_counter()
        answer = connection.get(path)
        waits.append((time.perf_counter() - begun) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        tags[path] = answer.headers["etag"]
    found = {"ok": asks / (time.perf_counter() - started)}
    found["p99"] = statistics.quantiles(waits, n=100)[98]
    known = list(tags.items())
    started = time.perf_counter()
    for i in range(asks):
        path, tag = known[i % len(known)]
        if connection.get(path, {"If-None-Match": tag}).status != 304:
            raise RuntimeError(f"{path}: not a 304")
    found["same"] = asks / (time.perf_counter() - started)
    started = time.perf_counter()
    for _ in range(asks // 4):
        connection.get("/v1/status")
    found["status"] = asks // 4 / (time.perf_counter() - started)
    return {**found, "memory": resident_mib(server.process.pid)}


def fill(folder: Path, size: int) -> list[str]:
    """A store with so many finished jobs; ids of some of them."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    jobs = [_finished(i, yesterday + timedelta(milliseconds=i)) for i in range(size)]
    store_jobs(folder, jobs)
    return random.Random(3).sample([job.id for job in jobs], min(size, 200))


def _finished(number: int, created_at: datetime) -> Job:
    return replace(
        queued_job(number, created_at),
        status=Status.SUCCEEDED,
        stage=None,
        attempt=1,
        started_at=created_at,
        finished_at=created_at,
        output=OUTPUT,
        metrics=Metrics(generate_s=2.0),
    )
