"""`python -m bench NAME|all [--quick]`: run benchmarks, print their tables, keep the results."""

import argparse
import importlib
import json
import sys
import time

from bench import machine, report
from bench.harness import Report
from versequeue.errors import StartupError

#: Short ones first; each module has `run(quick) -> Report`.
NAMES = (
    "queue",
    "polling",
    "load",
    "decode",
    "verse",
    "coldstart",
    "memory",
    "service",
    "plan",
    "waits",
    "hostile",
)


def main() -> int:
    """Run what was asked for; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=[*NAMES, "all"])
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds; the page is not written"
    )
    asked = parser.parse_args()
    names = NAMES if asked.name == "all" else (asked.name,)
    failed = [name for name in names if not _run(name, asked.quick)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, quick: bool) -> bool:
    where = machine.describe()
    print(f"\n=== {name} (load {where['load_at_start']})", flush=True)
    started = time.monotonic()
    try:
        found: Report = importlib.import_module(f"bench.{name}").run(quick)
    except (OSError, RuntimeError, ImportError, StartupError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    path = report.save(found, where, quick)
    print(report.tables(json.loads(path.read_text(encoding="utf-8"))))
    for contender, why in found.skipped.items():
        print(f"NOT MEASURED: {contender}: {why}")
    print(f"{time.monotonic() - started:.0f} s; {path.relative_to(report.ROOT)}")
    return True


if __name__ == "__main__":
    sys.exit(main())
