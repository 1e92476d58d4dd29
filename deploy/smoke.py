"""The smoke test of a deployment: one song, asked for and waited for as a visitor would.

Standard library only, so that it can be copied to any machine and run there.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PROMPT = "a lighthouse that writes letters to the sea"
PATIENCE_S = 300.0
REQUEST_S = 60.0


class SmokeFailed(Exception):
    """The deployment did not do what it should; the text says at which point."""


@dataclass(frozen=True)
class Fetched:
    """What a request gave."""

    status: int
    retry_after_s: float
    body: Any


def smoke(
    submit: str,
    results: str,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Ask for a short song and wait for it; the lyrics. Raises SmokeFailed."""
    started = clock()
    status = fetch(f"{results}/v1/status")
    if status.status != 200:
        raise SmokeFailed(f"{results}/v1/status answered {status.status}: {status.body}")
    asked = fetch(f"{submit}/v1/jobs", {"prompt": PROMPT, "options": {"lines": 4, "seed": 7}})
    if asked.status not in (200, 202):
        raise SmokeFailed(f"The prompt was refused with {asked.status}: {asked.body}")
    job, seen = asked.body, ""
    while not job["done"]:
        if (now := f"{job['status']} ({job['stage']})") != seen:
            say(f"{clock() - started:6.1f} s  {now}")
            seen = now
        if clock() - started > PATIENCE_S:
            raise SmokeFailed(f"Job {job['id']} was still {seen} after {PATIENCE_S:.0f} s.")
        sleep(max(1.0, asked.retry_after_s))
        asked = fetch(f"{results}/v1/jobs/{job['id']}")
        if asked.status != 200:
            raise SmokeFailed(f"Asking for job {job['id']} gave {asked.status}: {asked.body}")
        job = asked.body
    say(f"{clock() - started:6.1f} s  {job['status']}")
    if job["status"] != "succeeded":
        raise SmokeFailed(f"Job {job['id']} ended as {job['status']}: {job['error']}")
    return str(job["output"]["lyrics"])


def fetch(url: str, body: dict[str, Any] | None = None) -> Fetched:
    """One request, with a JSON body or none. Raises SmokeFailed if nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_S) as response:  # noqa: S310
            return _fetched(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return _fetched(error.code, error.headers, error.read())
    except OSError as error:
        raise SmokeFailed(f"{url} cannot be reached: {error}") from error


def _fetched(status: int, headers: Any, content: bytes) -> Fetched:
    try:
        body = json.loads(content)
    except ValueError:
        body = content.decode(errors="replace")[:500]
    return Fetched(status, float(headers.get("Retry-After") or 1), body)


def main() -> int:
    """`python -m deploy.smoke`: exit status 0 if a song was written, 1 if not."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--submit", required=True, help="URL of the submit function")
    parser.add_argument("--results", required=True, help="URL of the results function")
    asked = parser.parse_args()
    try:
        print(smoke(asked.submit.rstrip("/"), asked.results.rstrip("/"), print))
    except SmokeFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
