"""The simulated wait beside the real one: the same arrivals, sent to a real `versequeue up`."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import mean, median
from typing import Any

from bench.harness import Measurement, Report
from bench.models import bundle_folder
from bench.server import QUIET, Connection, up
from versequeue.planning.arrivals import SECONDS_PER_DAY, Arrival, Traffic, arrivals
from versequeue.planning.fleet import Policy
from versequeue.planning.forecast import Forecast, forecast_arrivals, quantiles
from versequeue.planning.service_times import ServiceTimes, load_service_times
from versequeue.waiting import wait_until

LINES = 4
REAL, SIMULATED = "real run", "simulation"
METHOD = (
    "Visitors come at random moments (Poisson, from a seed) and ask for songs of four lines; the "
    "embedded server has one worker, which is stopped when it has been idle for a few seconds and "
    "starts anew for the next visitor. The simulation gets the same moments, and this run's own "
    "mean song time and median start. The wait is from sending to the whole song."
)


def run(quick: bool) -> Report:
    """One run of each; the quantiles side by side."""
    length_s, gap_s = (30.0, 5.0) if quick else (120.0, 5.0)
    sent = arrivals(Traffic(SECONDS_PER_DAY / gap_s, peak=1), 0.0, length_s, seed=11)
    idle_s = gap_s
    with tempfile.TemporaryDirectory() as folder:
        jobs = real_run(sent, Path(folder), idle_s)
    waits = [_seconds(job["created_at"], job["finished_at"]) for job in jobs]
    cold = [job["metrics"]["cold_start"] for job in jobs]
    policy = Policy("embedded", max_instances=1, idle_s=idle_s)
    outcome = forecast_arrivals(sent, policy, measured_times(jobs), LINES)
    real = quantiles(waits)
    found = outcome.whole_song_s
    return Report(
        "plan",
        "Plan",
        METHOD,
        [
            _pair("Wait for the whole song, p50", "s", real.p50, found.p50),
            _pair("Wait for the whole song, p95", "s", real.p95, found.p95),
            _pair("Wait for the whole song, p99", "s", real.p99, found.p99),
            _pair("Jobs that met a cold worker", "%", 100 * mean(cold), 100 * outcome.cold_share),
        ],
        remarks=_remarks(jobs, outcome),
    )


def real_run(sent: Sequence[Arrival], folder: Path, idle_s: float) -> list[dict[str, Any]]:
    """The finished jobs of a server to which these visitors came."""
    with up(folder, bundle_folder(), idle_s, env=QUIET) as server:
        connection = server.connect()
        began = time.monotonic()
        ids = []
        for number, arrival in enumerate(sent):
            time.sleep(max(0.0, began + arrival.at_s - time.monotonic()))
            options = {"lines": LINES, "seed": number}
            body = {"prompt": f"a train through rain {number}", "options": options}
            ids.append(connection.post("/v1/jobs", body).json()["id"])
        wait_until(lambda: all(_job(connection, i)["done"] for i in ids), 180, 0.5, "the songs")
        return [_job(connection, job_id) for job_id in ids]


def measured_times(jobs: Sequence[Mapping[str, Any]]) -> ServiceTimes:
    """Service times as these jobs had them: their own song and start times."""
    times = load_service_times()
    line_s = mean(job["metrics"]["generate_s"] for job in jobs) / LINES
    starts = [_start_s(job) for job in jobs if job["metrics"]["cold_start"]]
    measured = replace(
        times.measured,
        worker_first_line_s=median(starts) + line_s,
        seconds_per_line=((1, line_s),),
    )
    return replace(times, measured=measured, assumed=replace(times.assumed, platform_start_s=0.0))


def _start_s(job: Mapping[str, Any]) -> float:
    # From the claim on; the worker's own process start is what it waited before that.
    queued_s = _seconds(job["created_at"], job["started_at"])
    return float(queued_s + job["metrics"]["model_load_s"])


def _job(connection: Connection, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = connection.get(f"/v1/jobs/{job_id}").json()
    return found


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _pair(name: str, unit: str, real: float, simulated: float) -> Measurement:
    return Measurement(name, unit, {REAL: [real], SIMULATED: [simulated]}, REAL, digits=2)


def _remarks(jobs: Sequence[Mapping[str, Any]], outcome: Forecast) -> list[str]:
    times = measured_times(jobs)
    return [
        f"{outcome.jobs} visitors in one run; a song took {times.song_s(LINES, 1):.2f} s on "
        f"average, a start {times.worker_start_s:.2f} s in the middle. Every simulated song takes "
        "the same time; real ones differ, so that their tail is longer."
    ]
