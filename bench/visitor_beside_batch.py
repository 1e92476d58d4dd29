"""How long a single visitor waits while somebody's batch of 1,000 is being written.

Starts a server of its own, sends the batch, then single prompts one after the other, and compares
their waits with those of the same prompts on an idle, warm server. Prints JSON.

    python -m bench.visitor_beside_batch --model default --rows 1000 --visitors 6
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.models import BUNDLES
from bench.server import QUIET, Connection, up
from versequeue.waiting import wait_until

TOPICS = (
    "the sea",
    "a rainy street",
    "my first guitar",
    "the last train",
    "a paper boat",
    "winter",
)
LIMIT_S = 300


def main() -> int:
    """Measure, print, and end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="default", help="default, tiny or a bundle's folder")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=16)
    parser.add_argument("--visitors", type=int, default=6)
    given = parser.parse_args()
    model = BUNDLES / given.model
    model = model if model.is_dir() else Path(given.model)
    with (
        tempfile.TemporaryDirectory() as folder,
        up(Path(folder), model.resolve(), idle_timeout_s=600, env=QUIET) as server,
    ):
        result = measure(server.connect(), given.rows, given.lines, given.visitors)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return 0


def measure(server: Connection, rows: int, lines: int, visitors: int) -> dict[str, Any]:
    """The waits of `visitors` visitors, before and beside a batch of `rows`."""
    visit(server, 0, lines)  # loads the model
    alone = [visit(server, number, lines) for number in range(visitors)]
    file = "".join(f"{TOPICS[n % len(TOPICS)]} {n}\n" for n in range(rows)).encode()
    begun = time.perf_counter()
    batch_id = server.post(f"/v1/batches?lines={lines}", file).json()["id"]
    accepted_s = time.perf_counter() - begun
    wait_until(lambda: counts(server, batch_id)["running"], LIMIT_S)
    beside = [visit(server, number, lines) for number in range(visitors)]
    left = counts(server, batch_id)
    server.post(f"/v1/batches/{batch_id}/cancel", {})
    return {
        "rows": rows,
        "accepted_s": round(accepted_s, 3),
        "rows_queued_at_the_end": left["queued"],
        "alone": summary(alone),
        "beside_the_batch": summary(beside),
    }


def visit(server: Connection, number: int, lines: int) -> dict[str, float]:
    """One visitor's wait until the first sign of work, and until the lyrics."""
    options = {"lines": lines, "seed": number}
    asked = {"prompt": TOPICS[number % len(TOPICS)], "options": options}
    job_id = server.post("/v1/jobs", asked).json()["id"]

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = server.get(f"/v1/jobs/{job_id}").json()
        return job if job["done"] else None

    done = wait_until(ended, LIMIT_S, 0.1)
    assert done["status"] == "succeeded", done["error"]
    return {"queue_s": done["metrics"]["queue_s"], "generate_s": done["metrics"]["generate_s"]}


def counts(server: Connection, batch_id: str) -> dict[str, int]:
    """The rows of the batch by status."""
    found: dict[str, int] = server.get(f"/v1/batches/{batch_id}").json()["request_counts"]
    return found


def summary(visits: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Medians and the worst, in seconds."""
    queue = [each["queue_s"] for each in visits]
    total = [each["queue_s"] + each["generate_s"] for each in visits]
    return {
        "visitors": len(visits),
        "queue_s_median": round(statistics.median(queue), 2),
        "queue_s_worst": round(max(queue), 2),
        "total_s_median": round(statistics.median(total), 2),
        "total_s_worst": round(max(total), 2),
    }


if __name__ == "__main__":
    sys.exit(main())
