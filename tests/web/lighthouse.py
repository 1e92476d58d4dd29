"""Lighthouse's scores of the page, the median of three runs: `python -m tests.web.lighthouse`.

On a real server with the tiny model, once as a visitor finds it and once with a song on it.
Not a test: its performance score moves with whatever else the machine does.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.support.browser import BROWSER_ARGS, chromium_path
from tests.support.model_bundles import built
from tests.support.server import running_server

VERSION = "12.8.2"
RUNS = 3
TIMINGS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time")


def audit(url: str, folder: Path) -> dict[str, Any]:
    """One report of Lighthouse as JSON."""
    report = folder / "report.json"
    command = [shutil.which("npx") or "npx", "--yes", f"lighthouse@{VERSION}", url]
    command += ["--quiet", "--output=json", f"--output-path={report}"]
    command += ["--no-enable-error-reporting"]
    command += ["--chrome-flags=" + " ".join(["--headless", *BROWSER_ARGS])]
    environ = {**os.environ, "CHROME_PATH": chromium_path() or ""}
    subprocess.run(command, env=environ, check=True, timeout=300)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def show(name: str, reports: list[dict[str, Any]]) -> None:
    """Print the median of each score and timing."""
    scores = {
        key: statistics.median(
            round(report["categories"][key]["score"] * 100) for report in reports
        )
        for key in reports[0]["categories"]
    }
    timings = {
        key: statistics.median(round(report["audits"][key]["numericValue"]) for report in reports)
        for key in TIMINGS
    }
    shifts = [report["audits"]["cumulative-layout-shift"]["numericValue"] for report in reports]
    print(name, scores, timings, "layout shift", round(statistics.median(shifts), 3))


def main() -> None:
    """Audit the two states, on the phone that Lighthouse emulates."""
    with tempfile.TemporaryDirectory() as data, running_server(Path(data), built("tiny")) as server:
        job = server.wait_done(server.submit("a slow train home in the rain")["id"])
        for name, path in (("ask", "/"), ("read", f"/?job={job['id']}")):
            show(name, [audit(server.url + path, Path(data)) for _ in range(RUNS)])


if __name__ == "__main__":
    main()
