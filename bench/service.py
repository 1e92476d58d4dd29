"""The service times that the bill and the plan are worked out from; a full run writes them."""

import json
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine, outputs
from bench.coldstart import cold_start
from bench.harness import Measurement, Report, alternate
from bench.models import bundle_folder
from bench.programs import ASK, CLIENT, SUBMIT, get, words_of
from bench.stored_jobs import PROMPT, waiting_job
from lyricist.songs import SongRequest
from lyricist.writing.writer import Writer
from versequeue.planning.service_times import SERVICE_TIMES_PATH

THREADS = 2
STREAMS = (1, 2, 4, 8)
LINES = 8
METHOD = (
    "What `versequeue cost` and `versequeue plan` reckon with; a full run writes it to "
    "`versequeue/planning/service_times.json`. "
    "A line's time is that of songs of eight lines that are "
    "written together on two threads, four candidates each, the prompt's part included."
)
LIGHT = (
    "import sys, time\nbegan = float(sys.argv[1])\n"
    + CLIENT
    + 'assert client.get("/healthz").status_code == 200 or "{name}" == "submit"\n'
    + "started = time.time() - began\nbegun = time.perf_counter()\n"
    + ASK
    + "print(started, (time.perf_counter() - begun) / {count})\n"
)


def run(quick: bool) -> Report:
    """Lines a second by streams, cold starts, and the light functions."""
    rounds = 1 if quick else 4
    writer = Writer.open(bundle_folder(), threads=THREADS)
    single = Writer.open(bundle_folder(), threads=1)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        job = waiting_job(place)
        lines = {together(n): partial(_line, writer, n) for n in STREAMS}
        lines |= {f"{together(n)}, one thread": partial(_line, single, n) for n in (1, 8)}
        starts = {
            "worker, to its first line": lambda: _first_line(place),
            "submit": lambda: _light("submit", SUBMIT, place),
            "results": lambda: _light("results", get(job.id), place),
        }
        found = {**alternate(lines, rounds), **alternate(starts, rounds)}
    if not quick:
        write_times(found)
    return Report(
        "service",
        "Service times",
        METHOD,
        [
            Measurement("A line for each of so many songs", "s", found["line"], digits=3),
            Measurement("From process start", "s", found["start"], digits=2),
            Measurement("A warm request", "ms", found["request"], digits=1),
        ],
        remarks=(
            "A second thread is a second processor on the bill: it pays where the wait matters "
            "more than the money.",
        ),
    )


def write_times(found: Mapping[str, Mapping[str, list[float]]]) -> None:
    """Put what was measured into service_times.json; what is assumed there stays."""
    document: dict[str, Any] = json.loads(SERVICE_TIMES_PATH.read_text(encoding="utf-8"))
    where = machine.describe()
    start, request = found["start"], found["request"]
    document["date"] = datetime.now(UTC).date().isoformat()
    document["machine"] = f"{where['cores']} cores of {where['processor']}"
    document["source"] = (
        f"`python -m bench service`, medians, load {where['load_at_start']} at its end."
    )
    document["measured"] = {
        "threads": THREADS,
        "worker_first_line_s": round(median(start["worker, to its first line"]), 3),
        "seconds_per_line": {str(n): round(median(found["line"][together(n)]), 4) for n in STREAMS},
        "light_start_s": round(max(median(start["submit"]), median(start["results"])), 3),
        "submit_request_s": round(median(request["submit"]) / 1000, 4),
        "results_request_s": round(median(request["results"]) / 1000, 4),
    }
    SERVICE_TIMES_PATH.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    outputs.refresh()


def together(songs: int) -> str:
    """The contender that writes so many songs at a time."""
    return "1 song" if songs == 1 else f"{songs} songs together"


def _line(writer: Writer, songs: int) -> Mapping[str, float]:
    requests = [SongRequest(prompt=PROMPT, lines=LINES, seed=seed) for seed in range(songs)]
    started = time.perf_counter()
    writer.write(requests, lambda _index, _lines: True)
    return {"line": (time.perf_counter() - started) / LINES}


def _first_line(folder: Path) -> Mapping[str, float]:
    return {"start": cold_start("litert", bundle_folder(), folder)["total"]}


def _light(name: str, ask: str, folder: Path) -> Mapping[str, float]:
    program = LIGHT.format(name=name, ask=ask, count=50)
    start_s, request_s = map(float, words_of(program, folder, repr(time.time())))
    return {"start": start_s, "request": request_s * 1000}
