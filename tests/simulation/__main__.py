"""`python -m tests.simulation`: many seeded worlds, one after the other."""

import argparse
import logging
import sys
import time

from tests.simulation.world import run_seeds


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Seeded simulation of the job system")
    parser.add_argument("--seeds", type=int, default=200, help="how many, from --seed on")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    started = time.monotonic()
    steps = run_seeds(arguments.seed, arguments.seeds)
    elapsed_s = time.monotonic() - started
    print(f"{arguments.seeds} seeds, {steps} steps, every invariant held, {elapsed_s:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
