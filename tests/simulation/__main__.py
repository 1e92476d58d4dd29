"""`python -m tests.simulation`: many seeded worlds, one after the other."""

import argparse
import logging
import sys
import time

from tests.simulation.world import Simulation


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Seeded simulation of the job system")
    parser.add_argument("--seeds", type=int, default=200, help="how many, from --seed on")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--keep-going", action="store_true", help="count what breaks, and go on")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    started, steps, broken = time.monotonic(), 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        simulation = Simulation(seed)
        try:
            simulation.run()
        except AssertionError as error:
            broken += 1
            print(error if not arguments.keep_going else str(error).partition("\n")[0], flush=True)
            if not arguments.keep_going:
                return 1
        steps += simulation.world.steps
    elapsed_s = time.monotonic() - started
    found = f"{broken} broke a promise" if broken else "every promise held"
    print(f"{arguments.seeds} seeds, {steps} steps, {found}, {elapsed_s:.1f} s")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
