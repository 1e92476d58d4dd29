"""The most memory that each function takes, with everything imported that it has in the cloud."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.coldstart import waiting_job
from bench.harness import Measurement, Report, Run, alternate
from bench.models import bundle_folder

METHOD = (
    "The peak of the resident memory (`VmHWM`) of a process that serves like the function: 100 "
    "answers for submit and results, songs of 16 lines for the worker. Google's clients are "
    "imported, as they are in the cloud; the store is the embedded one."
)
CLIENTS = "import google.cloud.firestore, google.cloud.pubsub_v1\n"
PEAK = "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"
SERVE = """
import functions_framework
client = functions_framework.create_app({name!r}, {source!r}, "http").test_client()
for i in range(100):
    {ask}
"""
SUBMIT = 'assert client.post("/v1/jobs", json={"prompt": f"rain {i}"}).status_code == 202'
WRITE = """
from pathlib import Path
from lyricist.songs import SongRequest
from lyricist.writing.writer import Writer
import functions_framework, versequeue.service.worker
writer = Writer.open(Path({bundle!r}))
songs = [SongRequest(prompt=f"rain {{i}}", seed=i) for i in range({count})]
writer.write(songs, lambda index, lines: True)
"""


def run(quick: bool) -> Report:
    """A process for each function and round."""
    bundle = str(bundle_folder())
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        job = waiting_job(place)
        get = f'assert client.get("/v1/jobs/{job.id}").status_code == 200'
        programs = {
            "submit": SERVE.format(name="submit", source="submit_fn/main.py", ask=SUBMIT),
            "results": SERVE.format(name="results", source="results_fn/main.py", ask=get),
            "worker, one song": WRITE.format(bundle=bundle, count=1),
            "worker, eight songs together": WRITE.format(bundle=bundle, count=8),
        }
        runs: dict[str, Run] = {
            name: partial(_peak, CLIENTS + program + PEAK, place)
            for name, program in programs.items()
        }
        found = alternate(runs, 1 if quick else 3)
    return Report(
        "memory",
        "Memory",
        METHOD,
        [Measurement("Peak resident memory", "MiB", found["peak"], digits=0)],
        remarks=(
            "For several songs each processor has an engine of its own, with the weights packed "
            "once more. Keys and values are kept twice: in a store, and in the runtime's tensors "
            "while they are attended to.",
        ),
    )


def _peak(program: str, folder: Path) -> Mapping[str, float]:
    env = {
        **os.environ,
        "PYTHONPATH": os.getcwd(),
        "VERSEQUEUE_DATA_DIR": str(folder),
        "VERSEQUEUE_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=300, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-300:])
    return {"peak": int(done.stdout.splitlines()[-1]) / 1024}
