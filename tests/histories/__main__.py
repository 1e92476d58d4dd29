"""`python -m tests.histories`: many runs of real processes, each with its own seed."""

import argparse
import logging
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.histories.history import save
from tests.histories.run import run
from tests.support.model_bundles import built
from tests.support.paths import ROOT

KEPT = ROOT / "build" / "histories"


def main() -> int:
    """The command line; 1 if a promise was broken. The history of such a run is kept."""
    parser = argparse.ArgumentParser(description="Histories of real processes, and their checker")
    parser.add_argument("--runs", type=int, default=10, help="how many, from --seed on")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault is struck")
    parser.add_argument("--backend", choices=("sqlite", "emulators"), default="sqlite")
    parser.add_argument("--step", type=int, default=30, help="longest step of the clock, seconds")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    model, broken, operations = built("tiny"), 0, 0
    started = time.monotonic()
    for seed in range(asked.seed, asked.seed + asked.runs):
        with TemporaryDirectory() as folder:
            found = run(
                seed,
                Path(folder),
                model,
                asked.backend,
                rounds=asked.rounds,
                longest_step_s=asked.step,
            )
        print(found.summary(), flush=True)
        operations += len(found.history)
        if found.faults:
            broken += 1
            print(f"  struck: {', '.join(found.struck)}")
            print(*(f"  {fault}" for fault in found.faults), sep="\n", flush=True)
            save(found.history, KEPT / f"{asked.backend}-{seed}.jsonl")
    elapsed_s = time.monotonic() - started
    print(
        f"{asked.runs} histories, {operations} operations, {broken} with broken promises, "
        f"{elapsed_s:.0f} s"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
