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
REQUEST_S = 60.0
#: The right to call a service is known everywhere after seven minutes at most: a visitor's, and
#: then Pub/Sub's, which pushes again until then.
SPREAD_S = 480.0
SPREAD_WAIT_S = 5.0
PATIENCE_S = SPREAD_S + 120.0
#: What Google's front end answers for a service that the caller may not call, or not yet.
FORBIDDEN = 403


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

    def allowed(url: str, body: dict[str, Any] | None = None) -> Fetched:
        """What the service answers, once anybody may call it."""
        answer = fetch(url, body)
        if answer.status == FORBIDDEN:
            say(f"{clock() - started:6.1f} s  {url} may not be called yet")
        while answer.status == FORBIDDEN and clock() - started < SPREAD_S:
            sleep(SPREAD_WAIT_S)
            answer = fetch(url, body)
        if answer.status == FORBIDDEN:
            raise SmokeFailed(
                f"{url} answered 403 for {SPREAD_S:.0f} s: the service runs, and an organization's "
                "policy or its ingress setting keeps callers away."
            )
        return answer

    status = allowed(f"{results}/v1/status")
    if status.status != 200:
        raise SmokeFailed(f"{results}/v1/status answered {status.status}: {status.body}")
    order = {"prompt": PROMPT, "options": {"lines": 4, "seed": 7}}
    asked = allowed(f"{submit}/v1/jobs", order)
    if asked.status not in (200, 202):
        raise SmokeFailed(f"The prompt was refused with {asked.status}: {asked.body}")
    job, seen, accepted = asked.body, "", clock()
    while not job["done"]:
        if (now := " ".join(filter(None, (job["status"], job["stage"])))) != seen:
            say(f"{clock() - started:6.1f} s  {now}")
            seen = now
        if clock() - accepted > PATIENCE_S:
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
