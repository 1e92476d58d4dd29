"""The most memory that each function takes, with everything imported that it has in the cloud."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.harness import Measurement, Report, Run, alternate
from bench.models import bundle_folder
from bench.programs import ASK, CLIENT, SUBMIT, get, words_of
from bench.stored_jobs import waiting_job

METHOD = (
    "The peak of the resident memory (`VmHWM`) of a process that serves like the function: 100 "
    "answers for submit and results, songs of 16 lines for the worker. Google's clients are "
    "imported, as they are in the cloud; the store is the embedded one."
)
GOOGLE = "import google.cloud.firestore, google.cloud.pubsub_v1\n"
PEAK = "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"
SERVE = CLIENT + ASK
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
        programs = {
            "submit": SERVE.format(name="submit", count=100, ask=SUBMIT),
            "results": SERVE.format(name="results", count=100, ask=get(job.id)),
            "worker, one song": WRITE.format(bundle=bundle, count=1),
            "worker, eight songs together": WRITE.format(bundle=bundle, count=8),
        }
        runs: dict[str, Run] = {
            name: partial(_peak, GOOGLE + program + PEAK, place)
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
    [kib] = words_of(program, folder)
    return {"peak": int(kib) / 1024}
