"""Where results go: a JSON file a benchmark, one file for all of them, and the page made from it.

Owns the format of docs/benchmarks.json and of docs/benchmarks.md. Measures nothing.
"""

import json
import statistics
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.harness import Goal, Measurement, Report, is_met, pair_ratios, spread

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
RESULTS = ROOT / "docs" / "benchmarks.json"
PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Written by `make bench` from `docs/benchmarks.json`; do not edit it by hand. Each table was
measured in one run, its contenders in turn (A B, then B A, and so on). A value is the median of the
rounds, ± the median absolute deviation. "Times" is the median of the ratios taken round by round,
with their least and greatest in brackets: trust it more than the values, which are one machine's.
The load at the start tells how busy the machine was with other work; a niceness of -20 means that
the run had priority over it.
"""


def save(report: Report, machine: dict[str, str], quick: bool) -> Path:
    """Write build/bench/NAME.json, and, unless it was a quick run, the results and the page."""
    entry = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine,
        **asdict(report),
    }
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{report.bench}.json"
    path.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    if not quick:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        kept[report.bench] = entry
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(kept), encoding="utf-8")
    return path


def page(results: dict[str, Any]) -> str:
    """docs/benchmarks.md for the results of all benchmarks, by name."""
    return "\n".join([HEAD, *(_section(results[name]) for name in sorted(results))])


def tables(entry: dict[str, Any]) -> str:
    """One benchmark's tables in Markdown, for the page and for the terminal."""
    return "\n".join(_table(measurement(raw)) for raw in entry["measurements"])


def measurement(raw: dict[str, Any]) -> Measurement:
    """A measurement as it was before it became JSON."""
    goals = [Goal(**goal) for goal in raw["goals"]]
    return Measurement(**{**raw, "goals": goals})


def _section(entry: dict[str, Any]) -> str:
    machine = entry["machine"]
    known = ("processor", "cores", "system", "python", "load_at_start", "niceness")
    versions = ", ".join(f"{k} {v}" for k, v in machine.items() if k not in known)
    where = (
        f"*{entry['date'][:16].replace('T', ' ')} UTC, "
        f"{machine['cores']} cores of {machine['processor']}, "
        f"Python {machine['python']}, load {machine['load_at_start']} at the start, "
        f"niceness {machine['niceness']}"
        f"{'; ' + versions if versions else ''}.*"
    )
    parts = [f"## {entry['title']}", "", entry["method"], "", where, "", tables(entry)]
    parts += [f"- Not measured: {name}, {why}." for name, why in entry["skipped"].items()]
    parts += [f"- {remark}" for remark in entry["remarks"]]
    return "\n".join(parts) + "\n"


def _table(found: Measurement) -> str:
    base = found.baseline if found.baseline in found.rounds else None
    head = f"| {found.name} | {found.unit} |" + (f" times {base} |" if base else "")
    rule = "|---|---:|" + ("---:|" if base else "")
    lines = [head, rule]
    for name, values in found.rounds.items():
        number = f"{statistics.median(values):,.{found.digits}f}"
        if len(values) > 1:
            number += f" ± {spread(values):,.{found.digits}f}"
        lines.append(f"| {name} | {number} |" + (_ratio_cell(found, name, base) if base else ""))
    lines.append("")
    lines += [f"{_verdict(goal, found)}  " for goal in found.goals]
    return "\n".join(lines) + ("\n" if found.goals else "")


def _ratio_cell(found: Measurement, name: str, base: str) -> str:
    if name == base:
        return " 1 |"
    ratios = pair_ratios(found.rounds[name], found.rounds[base])
    middle = f" {statistics.median(ratios):.2f}"
    return f"{middle} ({min(ratios):.2f} to {max(ratios):.2f}) |" if ratios[1:] else f"{middle} |"


def _verdict(goal: Goal, found: Measurement) -> str:
    words = {True: "met", False: "**missed**", None: "not measured"}
    return f"Goal, {goal.words(found.unit)}: {words[is_met(goal, found)]}."
