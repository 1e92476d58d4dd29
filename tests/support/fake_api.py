"""A very small server that answers as the public contract says: no store, no queue, no model.

A job goes one step on with each GET, so that a test needs no time to pass. Faults are queued with
`faults` and answer the next requests; every request is kept in `requests`.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

LINES = ["Rain on the roof and the streets are gray", "I was on my way at the break of day"]
Step = dict[str, Any]
Fault = Callable[[], Response]

RAIN: dict[str, Any] = {
    "object": "rhymes",
    "word": "rain",
    "syllables": 1,
    "perfect": [
        {"word": "train", "syllables": 1},
        {"word": "again", "syllables": 2},
        {"word": "plain", "syllables": 1},
    ],
    "slant": [{"word": "name", "syllables": 1}],
}
WRITTEN: list[Step] = [
    {"status": "queued", "stage": "waiting", "queue_position": 2, "eta_seconds": 12.0},
    {"status": "running", "stage": "loading_model", "attempt": 1},
    {"status": "running", "stage": "writing", "attempt": 1, "lines": 1},
    {"status": "succeeded", "stage": None, "attempt": 1, "lines": 2},
]


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


def problem(status: int, slug: str, detail: str = "No.", **headers: str) -> Fault:
    """A problem document, as the next answer."""

    def answer() -> Response:
        body = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": detail}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(json.dumps(body), status, named, content_type="application/problem+json")

    return answer


@dataclass
class FakeApi:
    """One server's state; change it between requests as you like."""

    #: what a job goes through, one step a GET; the last one stays
    steps: list[Step] = field(default_factory=lambda: list(WRITTEN))
    faults: list[Fault] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    jobs: dict[str, list[Step]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    #: the statuses that a batch's rows end in
    row_ends: list[str] = field(default_factory=lambda: ["succeeded"])
    batch_polls: int = 0
    #: each as much of a model as a test needs
    models: list[dict[str, Any]] = field(default_factory=lambda: [{"name": "", "model": "tiny"}])
    #: what is known of rhymes, by the word
    rhymes: dict[str, dict[str, Any]] = field(default_factory=lambda: {"rain": RAIN})
    #: whether results end before their length is reached
    results_break: bool = False
    url: str = ""

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        request = Request(environ)
        self.requests.append(_seen(request))
        response = self.faults.pop(0)() if self.faults else self._answer(request)
        return response(environ, start_response)

    def calls(self, method: str, prefix: str = "/") -> list[Seen]:
        """The requests so far with this method and beginning of the path."""
        return [
            one for one in self.requests if one.method == method and one.path.startswith(prefix)
        ]

    def _answer(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")[1:]
        match request.method, *parts:
            case "POST", "jobs":
                return self._submit(request)
            case "GET", "jobs", job_id if job_id in self.jobs:
                return self._get_job(request, job_id)
            case "POST", "jobs", job_id, "cancel" if job_id in self.jobs:
                self.jobs[job_id] = [{"status": "canceled", "stage": None}]
                return _json(job_document(job_id, "", self.jobs[job_id][0]))
            case "POST", "batches":
                return self._submit_batch(request)
            case "POST", "file-checks":
                rows = request.get_data(as_text=True).splitlines()
                return _json({"object": "file_check", "rows": len(rows), "detail": "All is fine."})
            case "POST", "batches", _, ("cancel" | "retry-failed"):
                return _json(self._batch())
            case "GET", "batches", _:
                self.batch_polls += 1
                return _json(self._batch(), retry_after="1")
            case "GET", "batches", _, "results":
                longer = {"Content-Length": "100000"} if self.results_break else {}
                return Response(self._results(), headers=longer, content_type="application/jsonl")
            case "GET", "status" | "models" | "rhymes", *rest:
                return self._tell(parts[0], rest)
            case "POST", "warmup":
                return _json({}, 202)
        return problem(404, "not-found", "There is no such job.")()

    def _tell(self, what: str, rest: list[str]) -> Response:
        if what == "models":
            return _json({"object": "list", "data": self.models})
        if what == "status":
            waits = {"cold": 4.0, "warm": 1.5}
            known = {"worker": "cold", "queue_depth": 3, "expected_wait_seconds": waits}
            return _json({**known, "model": "tiny", "new_field": 1})
        if rest and rest[0] in self.rhymes:
            return _json(self.rhymes[rest[0]])
        return problem(404, "not-found", "There is no such word.")()

    def _submit(self, request: Request) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        job_id = self.keys.get(key)
        replayed = job_id is not None
        if job_id is None:
            job_id = f"job_{len(self.jobs)}"
            self.keys[key] = job_id
            self.jobs[job_id] = list(self.steps)
        prompt = json.loads(request.data)["prompt"]
        document = job_document(job_id, prompt, self.jobs[job_id][0])
        return _json(document, 202, replayed=replayed)

    def _get_job(self, request: Request, job_id: str) -> Response:
        steps = self.jobs[job_id]
        etag = f'"{job_id}-{len(steps)}-{steps[0].get("status")}"'
        if request.headers.get("If-None-Match") == etag:
            if len(steps) == 1:
                return Response(status=304, headers={"ETag": etag, "Retry-After": "2"})
            steps.pop(0)
            etag = f'"{job_id}-{len(steps)}-{steps[0].get("status")}"'
        response = _json(job_document(job_id, "rain", steps[0]), retry_after="2")
        response.headers["ETag"] = etag
        if "Prefer" in request.headers:
            response.headers["Preference-Applied"] = request.headers["Prefer"]
        return response

    def _submit_batch(self, request: Request) -> Response:
        key = request.headers["Idempotency-Key"]
        replayed = key in self.keys
        if not replayed:
            self.keys[key] = "batch_0"
            prompts = [line for line in request.get_data(as_text=True).splitlines() if line]
            self.rows = [
                {"custom_id": str(number), "line": number, "prompt": prompt}
                for number, prompt in enumerate(prompts, start=1)
            ]
        return _json(self._batch(), 202, replayed=replayed)

    def _batch(self) -> dict[str, Any]:
        """Half of the rows are done at the first look, all at the second."""
        total = len(self.rows)
        ended = {0: 0, 1: total // 2}.get(self.batch_polls, total)
        ends = [self._row_end(index) for index in range(ended)]
        counts = {status: ends.count(status) for status in ("succeeded", "failed", "canceled")}
        done = ended == total
        return {
            "object": "batch",
            "id": "batch_0",
            "status": "completed" if done else "running",
            "done": done,
            "request_counts": {"total": total, "queued": total - ended, "running": 0, **counts},
            "eta_seconds": None if done else 30.0,
        }

    def _row_end(self, index: int) -> str:
        return self.row_ends[index % len(self.row_ends)]

    def _results(self) -> Iterator[bytes]:
        for index, row in enumerate(self.rows):
            status = self._row_end(index)
            good = status == "succeeded"
            error = {"type": "/problems/worker-lost", "title": "Lost", "detail": "It got lost."}
            document = {
                **row,
                "id": f"job_{index}",
                "status": status,
                "output": output_document() if good else None,
                "error": None if good else error,
            }
            yield json.dumps(document).encode() + b"\n"


def output_document() -> dict[str, Any]:
    """The output of a job that succeeded."""
    return {
        "lyrics": "\n".join(LINES),
        "title": "Gray",
        "sections": [{"name": "verse", "lines": LINES}],
        "rhyme": {"scheme": "AABB", "score": 1.0},
        "receipt": {"model": "tiny", "model_digest": "sha256:1", "seed": 7, "version": "1"},
    }


def job_document(job_id: str, prompt: str, step: Step) -> dict[str, Any]:
    """The job in one step of its way."""
    status, lines = step["status"], step.get("lines", 0)
    done = step.get("done", status in ("succeeded", "failed", "canceled", "expired"))
    return {
        "object": "job",
        "id": job_id,
        "status": status,
        "done": done,
        "stage": step.get("stage"),
        "prompt": prompt,
        "attempt": step.get("attempt", 0),
        "max_attempts": 5,
        "progress": {"completed": lines, "total": 2, "unit": "lines"},
        "preview": "\n".join(LINES[:lines]),
        "options": step.get("options", {}),
        "output": step.get("output", output_document()) if status == "succeeded" else None,
        "error": step.get("error"),
        "queue_position": step.get("queue_position"),
        "eta_seconds": step.get("eta_seconds"),
        "created_at": "2026-01-02T03:04:05.000000Z",
        "events": [{"at": "2026-01-02T03:04:05Z", "event": "created", "attempt": 0, "detail": ""}],
        "a_field_of_tomorrow": {"nested": True},
    }


def _seen(request: Request) -> Seen:
    query = dict(request.args.items())
    headers = dict(request.headers.items())
    return Seen(request.method, request.path, headers, query, request.get_data())


def _json(
    document: object, status: int = 200, *, retry_after: str = "", replayed: bool = False
) -> Response:
    response = Response(json.dumps(document), status, content_type="application/json")
    if retry_after:
        response.headers["Retry-After"] = retry_after
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


@contextmanager
def fake_api() -> Iterator[FakeApi]:
    """A fake server on a free port of the loopback."""
    api = FakeApi()
    server = make_server("127.0.0.1", 0, api, threaded=True)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
