"""From the start of the worker's process to its first line in the store, with three runtimes."""

import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.harness import Goal, Measurement, Report, Run, alternate
from bench.models import bundle_folder, saved_model_folder
from bench.processes import module
from bench.stored_jobs import waiting_job

LITERT = "LiteRT"
TENSORFLOW = "TensorFlow's interpreter, same file"
SAVED_MODEL = "TensorFlow SavedModel, to its first token"
STEPS = {
    "python": "Python itself",
    "imports": "Imports of the function, without a model runtime",
    "runtime": "Import of the model runtime",
    "claim": "Opening the store, claiming the job",
    "load": "Reading, verifying and loading the model, its vocabulary and rhymes",
    "first_token": "First token: the prompt read",
    "first_line": "First line: the title, the line, its write",
}
METHOD = (
    "A new process for each round does what the worker function does: it claims a waiting job, "
    "loads the model and writes, until the first line is in the store; the files are in the page "
    "cache, as for a function whose image holds the model. The steps are parts of the total. The "
    "SavedModel keeps no keys and values: its engine computes the whole song so far for every "
    "token, and is stopped after the first one. Our modules are compiled beforehand, as an image's "
    "are. For *nothing read yet* the system is told before each start to forget every file of the "
    "Python packages and of the model, as on an instance that is started for the first time."
)
#: Ours, which an image holds compiled.
OUR_PACKAGES = ("bench", "lyricist", "versequeue")


REMARKS = (
    "What remains: the function's imports, the runtime's packing of the weights into its kernels' "
    "layout, the check of the model's digest beside the reading of the vocabulary, then the title "
    "and the first line themselves. None of it is TensorFlow's, whose own share is the import of "
    "the runtime: with all files in the page cache about two seconds, which is why a fifth of it "
    "is out of reach there.",
)


def run(quick: bool) -> Report:
    """A cold start at a time, the runtimes in turn."""
    rounds = 2 if quick else 5
    bundles = {LITERT: ("litert", bundle_folder()), TENSORFLOW: ("tensorflow", bundle_folder())}
    bundles[SAVED_MODEL] = ("saved", saved_model_folder())
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, Run] = {
            name: partial(cold_start, engine, bundle, Path(folder))
            for name, (engine, bundle) in bundles.items()
        }
        for package in OUR_PACKAGES:
            compileall.compile_dir(package, quiet=1)
        found = alternate(runs, rounds)
        unread: dict[str, Run] = {
            name: partial(_unread_start, engine, bundle, Path(folder))
            for name, (engine, bundle) in bundles.items()
        }
        found_unread = alternate(unread, rounds)
    return Report("coldstart", "Cold start", METHOD, _measurements(found, found_unread), REMARKS)


def _unread_start(engine: str, bundle: Path, folder: Path) -> Mapping[str, float]:
    """A cold start whose files have to come from the disk."""
    packages = [Path(place) for place in sys.path if place.endswith("-packages")]
    for root in (*packages, bundle):
        _forget_pages(root)
    return cold_start(engine, bundle, folder)


def _forget_pages(root: Path) -> None:
    """Drop every file under `root` from the page cache. What is mapped elsewhere stays."""
    for path in root.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


def cold_start(engine: str, bundle: Path, folder: Path) -> Mapping[str, float]:
    """Seconds of each step of one cold start. Raises RuntimeError if no line came."""
    job = waiting_job(folder)
    started_at = repr(time.time())
    command = module("bench.coldstart_child", engine, str(bundle), str(folder), job.id, started_at)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"the {engine} worker failed: {done.stderr[-300:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measurements(
    found: Mapping[str, Mapping[str, list[float]]],
    unread: Mapping[str, Mapping[str, list[float]]],
) -> list[Measurement]:
    goals = [Goal(LITERT, None, at_most=2.0), Goal(LITERT, TENSORFLOW, at_most=0.2)]
    total = Measurement(
        "Process start to first line stored", "s", found["total"], LITERT, goals, digits=2
    )
    first = Measurement(
        "The same, nothing read yet", "s", unread["total"], LITERT, [goals[1]], digits=2
    )
    steps = [
        Measurement(words, "s", found[name], None, digits=2)
        for name, words in STEPS.items()
        if name in found
    ]
    return [total, first, *steps]
