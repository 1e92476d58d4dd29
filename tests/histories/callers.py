"""The clients of a run: each does what its dice say, and records all of it.

They share the jobs and batches that they know of, and some of their idempotency keys.
"""

import http.client
import json
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.histories.history import Recorder

ANSWER_LIMIT_S, LONGEST_PAUSE_S = 8.0, 0.5
#: How often a client sends a keyed request again whose answer it did not get.
TRIES = 4
#: What a client does, and how often in comparison.
WEIGHTS = {
    "submit": 6,
    "submit_keyed": 10,
    "submit_batch": 2,
    "get": 30,
    "cancel": 12,
    "get_batch": 8,
    "results": 8,
    "cancel_batch": 3,
    "retry_failed": 6,
}


@dataclass
class Known:
    """What all clients of a run know."""

    jobs: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, found: Mapping[str, Any]) -> None:
        """Remember what was accepted."""
        with self.lock:
            place = self.batches if kind == "submit_batch" else self.jobs
            if found["id"] not in place:
                place.append(found["id"])


class Caller:
    """One client, in a thread of its own if `work` is run in one."""

    def __init__(
        self, url: str, name: str, seed: int, recorder: Recorder, known: Known, hook: str
    ) -> None:
        self._address = urlsplit(url).netloc
        self._name = name
        self._dice = random.Random(f"{name} {seed}")
        self._recorder = recorder
        self._known = known
        self._hook = hook

    def work(self, over: threading.Event) -> None:
        """Take turns until it is over; a turn is an operation, or a few if an answer is lost."""
        while not over.wait(self._dice.uniform(0, LONGEST_PAUSE_S)):
            [what] = self._dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if what.startswith("submit"):
                getattr(self, f"_{what}")()
                continue
            batch = what in ("get_batch", "results", "cancel_batch", "retry_failed")
            with self._known.lock:
                targets = list(self._known.batches if batch else self._known.jobs)
            if targets:
                getattr(self, what)(self._dice.choice(targets[-12:]))

    def get(self, job_id: str) -> None:
        """Look at a job."""
        self._ask("get", "GET", f"/v1/jobs/{job_id}", id=job_id)

    def cancel(self, job_id: str) -> None:
        """Cancel a job."""
        self._ask("cancel", "POST", f"/v1/jobs/{job_id}/cancel", id=job_id)

    def get_batch(self, batch_id: str) -> None:
        """Look at a batch."""
        self._ask("get_batch", "GET", f"/v1/batches/{batch_id}", id=batch_id)

    def results(self, batch_id: str) -> None:
        """Look at the rows of a batch."""
        self._ask("results", "GET", f"/v1/batches/{batch_id}/results?format=jsonl", id=batch_id)

    def cancel_batch(self, batch_id: str) -> None:
        """Cancel a batch."""
        self._ask("cancel_batch", "POST", f"/v1/batches/{batch_id}/cancel", id=batch_id)

    def retry_failed(self, batch_id: str) -> None:
        """Have the failed rows of a batch queued again."""
        self._ask("retry_failed", "POST", f"/v1/batches/{batch_id}/retry-failed", id=batch_id)

    def _submit(self) -> None:
        self._send("submit", self._body(self._dice.randrange(10**6)), None)

    def _submit_keyed(self) -> None:
        # Few keys for all clients: the same request is sent by several, also at the same time.
        number = self._dice.randrange(40)
        other = self._dice.random() < 0.05
        self._send("submit", self._body(-number if other else number), f"key-{number}")

    def _submit_batch(self) -> None:
        number = self._dice.randrange(20)
        rows = [
            {"prompt": f"row {row} of {number}", "options": {"lines": 4, "seed": row}}
            for row in range(2 + number % 9)
        ]
        body = "".join(json.dumps(row) + "\n" for row in rows)
        self._send("submit_batch", body, f"batch-{number}" if number % 2 else None)

    def _body(self, number: int) -> str:
        job = {
            "prompt": f"song number {number}",
            "options": {"lines": 4 + abs(number) % 9, "seed": abs(number)},
            "webhook": {"url": self._hook},
        }
        return json.dumps(job)

    def _send(self, kind: str, body: str, key: str | None) -> None:
        path = "/v1/jobs"
        headers = {"Content-Type": "application/json"}
        if kind == "submit_batch":
            path = f"/v1/batches?webhook_url={self._hook}&webhook_events=batch.completed"
            headers = {"Content-Type": "application/jsonl"}
        if key:
            headers["Idempotency-Key"] = key
        for _ in range(TRIES if key else 1):
            status = self._ask(kind, "POST", path, body, headers, key=key, body=body)
            if status is not None and status != 503:
                return

    def _ask(
        self,
        kind: str,
        method: str,
        path: str,
        data: str | None = None,
        headers: Mapping[str, str] | None = None,
        **sent: Any,
    ) -> int | None:
        """One operation; its status, None if there was no answer."""
        connection = http.client.HTTPConnection(self._address, timeout=ANSWER_LIMIT_S)
        with self._recorder.operation(kind, self._name, **sent) as asked:
            try:
                connection.request(method, path, data and data.encode(), dict(headers or {}))
                answer = connection.getresponse()
                read = answer.read()
            except (OSError, http.client.HTTPException):
                return None
            finally:
                connection.close()
            asked.seen = _object(kind, answer.status, read)
            asked.status = answer.status
        if kind in ("submit", "submit_batch") and answer.status < 300:
            self._known.note(kind, asked.seen)
        return answer.status


def _object(kind: str, status: int, read: bytes) -> dict[str, Any]:
    if kind == "results" and status == 200:
        return {"rows": [json.loads(line) for line in read.splitlines()]}
    try:
        found: dict[str, Any] = json.loads(read)
    except ValueError:
        return {"detail": read[:200].decode(errors="replace")}
    return found
