"""The answers of the API as JSON schemas: what a job, a batch, a status and a problem hold."""

from typing import Any

from versequeue.api.routes import Route

TIME = {"type": "string", "format": "date-time"}
MAYBE_TIME = {"type": ["string", "null"], "format": "date-time"}
MAYBE_NUMBER = {"type": ["number", "null"]}
MAYBE_TEXT = {"type": ["string", "null"]}
STATUSES = ["queued", "running", "succeeded", "failed", "canceled", "expired"]


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), **more}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _integers(*names: str) -> dict[str, Any]:
    return {name: {"type": "integer", "minimum": 0} for name in names}


PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
WEBHOOK = _object(
    {
        "url": {"type": "string"},
        "events": {"type": "array", "items": {"type": "string"}},
        "deliveries": {
            "type": "array",
            "items": _object(
                {
                    "at": TIME,
                    "event": {"type": "string"},
                    "id": {"type": "string"},
                    "status_code": {"type": ["integer", "null"]},
                    "error": MAYBE_TEXT,
                    "next_attempt_at": MAYBE_TIME,
                }
            ),
        },
    }
)
OUTPUT = _object(
    {
        "lyrics": {"type": "string"},
        "title": {"type": "string"},
        "sections": {
            "type": "array",
            "items": _object(
                {
                    "name": {"type": "string"},
                    "lines": {"type": "array", "items": {"type": "string"}},
                }
            ),
        },
        "rhyme": _object({"scheme": {"type": "string"}, "score": MAYBE_NUMBER}),
        "receipt": _object(
            {
                "model": {"type": "string"},
                "model_digest": {"type": "string"},
                "seed": {"type": "integer"},
                "input_digest": {"type": "string"},
                "version": {"type": "string"},
            }
        ),
    }
)
JOB = _object(
    {
        "object": {"const": "job"},
        "id": {"type": "string", "pattern": "^job_"},
        "status": {"enum": STATUSES},
        "done": {"type": "boolean"},
        "stage": {"enum": ["waiting", "loading_model", "writing", None]},
        "prompt": {"type": "string"},
        "options": _ref("OptionsBody"),
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "batch_id": MAYBE_TEXT,
        "custom_id": MAYBE_TEXT,
        **_integers("attempt", "max_attempts"),
        "progress": _object({**_integers("completed", "total"), "unit": {"const": "lines"}}),
        "preview": {"type": "string"},
        "output": _nullable(_ref("Output")),
        "error": _nullable(_ref("Problem")),
        "queue_position": {"type": ["integer", "null"]},
        "eta_seconds": MAYBE_NUMBER,
        "created_at": TIME,
        "started_at": MAYBE_TIME,
        "finished_at": MAYBE_TIME,
        "cancel_requested_at": MAYBE_TIME,
        "expires_at": TIME,
        "metrics": _object(
            {
                "queue_s": MAYBE_NUMBER,
                "cold_start": {"type": ["boolean", "null"]},
                "model_load_s": MAYBE_NUMBER,
                "generate_s": MAYBE_NUMBER,
                "tokens": {"type": ["integer", "null"]},
            }
        ),
        "events": {
            "type": "array",
            "maxItems": 50,
            "items": _object(
                {
                    "at": TIME,
                    "event": {"type": "string"},
                    "attempt": {"type": "integer"},
                    "detail": {"type": "string"},
                }
            ),
        },
        "webhook": _nullable(_ref("Webhook")),
        "urls": _object({name: {"type": "string"} for name in ("self", "cancel", "lyrics")}),
    }
)
BATCH = _object(
    {
        "object": {"const": "batch"},
        "id": {"type": "string", "pattern": "^batch_"},
        "status": {"enum": ["running", "completed", "canceled"]},
        "done": {"type": "boolean"},
        "request_counts": _object(_integers("total", *STATUSES)),
        "created_at": TIME,
        "finished_at": MAYBE_TIME,
        "eta_seconds": MAYBE_NUMBER,
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "webhook": _nullable(_ref("Webhook")),
        "urls": _object(
            {name: {"type": "string"} for name in ("self", "results", "cancel", "retry_failed")}
        ),
    }
)
STATUS = _object(
    {
        "worker": {"enum": ["warm", "cold", "unknown"]},
        "queue_depth": {"type": "integer", "minimum": 0},
        "expected_wait_seconds": _object({"cold": MAYBE_NUMBER, "warm": MAYBE_NUMBER}),
        "model": MAYBE_TEXT,
    }
)
SCHEMAS: dict[str, Any] = {
    "Problem": PROBLEM,
    "Webhook": WEBHOOK,
    "Output": OUTPUT,
    "Job": JOB,
    "Batch": BATCH,
    "Status": STATUS,
}

_JSON = "application/json"
#: For each operation: its good answers, and the problems that it can give beside the general ones.
_ANSWERS: dict[str, tuple[dict[int, Any], tuple[int, ...]]] = {
    "submit_job": (
        {200: (_JSON, _ref("Job")), 202: (_JSON, _ref("Job"))},
        (400, 409, 413, 415, 422, 429),
    ),
    "cancel_job": ({200: (_JSON, _ref("Job"))}, (404, 410, 413)),
    "redeliver": ({202: (_JSON, _ref("Job"))}, (404, 409, 410, 413)),
    "submit_batch": ({202: (_JSON, _ref("Batch"))}, (400, 409, 413, 415, 422, 429)),
    "cancel_batch": ({200: (_JSON, _ref("Batch"))}, (404, 410, 413)),
    "retry_failed": ({202: (_JSON, _ref("Batch"))}, (404, 409, 410, 413, 429)),
    "warm_up": ({202: (_JSON, _ref("Status"))}, (413,)),
    "get_job": ({200: (_JSON, _ref("Job")), 304: None}, (404, 410)),
    "get_lyrics": ({200: ("text/plain", {"type": "string"}), 304: None}, (404, 409, 410)),
    "get_batch": ({200: (_JSON, _ref("Batch")), 304: None}, (404, 410)),
    "get_results": ({200: None}, (404, 410, 422)),
    "get_status": ({200: (_JSON, _ref("Status"))}, ()),
    "get_openapi": ({200: (_JSON, {"type": "object"})}, ()),
    "health": ({200: (_JSON, {"type": "object"})}, ()),
}


def answers(route: Route) -> dict[str, Any]:
    """The documented answers of one operation, by status code."""
    good, bad = _ANSWERS[route.name]
    result: dict[str, Any] = {}
    for code, content in good.items():
        answer: dict[str, Any] = {"description": _DESCRIPTIONS.get(code, "Done.")}
        if content:
            answer["content"] = {content[0]: {"schema": content[1]}}
        elif route.name == "get_results":
            answer["content"] = {
                kind: {"schema": {"type": "string"}}
                for kind in ("application/jsonl", "text/csv", "text/plain")
            }
        result[str(code)] = answer
    for code in (*bad, 401, 403, 500, 503):
        problem = {"application/problem+json": {"schema": _ref("Problem")}}
        result[str(code)] = {"description": "A problem document.", "content": problem}
    return result


_DESCRIPTIONS = {200: "Done.", 202: "Accepted; look at the Location.", 304: "Not changed."}
_WAIT = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string", "examples": ["wait=10"]},
    "description": "`wait=N`: answer as soon as the job changes or ends, at the latest after N s.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "One key names one request of one client, for 24 hours.",
}
_MATCH = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
_FORMAT = {"name": "format", "in": "query", "schema": {"enum": ["jsonl", "csv", "txt"]}}
_EXTRA = {
    "submit_job": [_KEY, _WAIT],
    "submit_batch": [_KEY],
    "get_job": [_MATCH, _WAIT],
    "get_lyrics": [_MATCH],
    "get_batch": [_MATCH, _WAIT],
    "get_results": [_FORMAT],
}


def parameters(route: Route) -> list[dict[str, Any]]:
    """The parameters of one operation."""
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("job_id", "batch_id")
        if f"<{name}>" in route.path
    ]
    return found + _EXTRA.get(route.name, [])
