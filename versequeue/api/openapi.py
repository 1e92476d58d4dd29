"""openapi.json, made from the routes, the models that validate requests, the answers' schemas."""

from typing import Any

from pydantic import TypeAdapter

from versequeue import __version__
from versequeue.api.result_files import FORMATS
from versequeue.api.results_words import MAX_METER_CHARACTERS
from versequeue.api.routes import ROUTES, Route
from versequeue.api.schemas import REF, content, ref, responses, schemas
from versequeue.config import Settings
from versequeue.intake.cursors import MOST_ROWS, USUAL_ROWS
from versequeue.intake.job_body import FormJob, JobBody
from versequeue.intake.options_body import OptionsBody, OwnOptions
from versequeue.intake.prompt_files import FILE_TYPES, FORM_TYPE
from versequeue.intake.texts import PROMPT_SCHEMA


def document(settings: Settings) -> dict[str, Any]:
    """The OpenAPI 3.1 description of every route."""
    result: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "VerseQueue",
            "version": __version__,
            "description": "Song lyrics from a prompt, written asynchronously.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": settings.submit_url or "/"}],
        "paths": _paths(settings),
        "components": {"schemas": {**schemas(), **_request_schemas()}},
    }
    for name in ("OptionsBody", "FormJob"):
        option = result["components"]["schemas"][name]["properties"]["model"]
        option["enum"] = ["", *settings.model_names]
    for name in ("JobBody", "FormJob"):
        deadline = result["components"]["schemas"][name]["properties"]["deadline_s"]
        deadline["anyOf"][0]["maximum"] = settings.deadline_s
    if settings.own_options:
        result["components"]["schemas"]["OptionsBody"] = TypeAdapter(OwnOptions).json_schema()
        del result["components"]["schemas"]["JobBody"]["properties"]["given"]
    if settings.api_keys:
        scheme = {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
        result["components"]["securitySchemes"] = {"key": scheme}
        result["security"] = [{"key": []}]
    return result


def _request_schemas() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for model in (JobBody, FormJob, OptionsBody):
        schema = TypeAdapter(model).json_schema(ref_template=REF)
        found.update(schema.pop("$defs", {}))
        found[model.__name__] = schema
    return found


def _paths(settings: Settings) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        path = route.path.replace("<", "{").replace(">", "}")
        item = paths.setdefault(path, {})
        item[route.method.lower()] = _operation(route)
        base = settings.submit_url if route.function == "submit" else settings.results_url
        if base:
            item["servers"] = [{"url": base}]
    return paths


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.function],
        "parameters": _parameters(route),
        "responses": responses(route),
    }
    if body := _REQUEST_BODIES.get(route.name):
        operation["requestBody"] = {"required": True, "content": body}
    return operation


_PROMPT_FILE = {
    **content({"type": "string"}, *FILE_TYPES),
    **content(
        {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary"}},
        },
        FORM_TYPE,
    ),
}
_REQUEST_BODIES: dict[str, dict[str, Any]] = {
    "submit_job": {
        **content(ref("JobBody"), "application/json"),
        **content(ref("FormJob"), "application/x-www-form-urlencoded"),
        **content({"type": "string", **PROMPT_SCHEMA}, "text/plain"),
    },
    "push_job": content(ref("PushBody")),
    "push_batch": content(ref("PushBody")),
    "submit_batch": _PROMPT_FILE,
    "check_file": _PROMPT_FILE,
}
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
_FORMAT = {"name": "format", "in": "query", "schema": {"enum": list(FORMATS)}}
_SINCE = {
    "name": "since",
    "in": "query",
    "schema": {"type": "string", "format": "date-time"},
    "description": "Only rows that have ended since then: the last answer's `Next-Since`.",
}
_CURSOR = {
    "name": "cursor",
    "in": "query",
    "schema": {"type": "string"},
    "description": "The last page's `next_cursor`.",
}
_LIMIT = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS},
}
_TEXT: dict[str, Any] = {
    "name": "text",
    "in": "query",
    "required": True,
    "schema": {"type": "string", "maxLength": MAX_METER_CHARACTERS},
    "description": "A line on each line.",
}
_EXTRA = {
    "list_jobs": [_CURSOR, _LIMIT],
    "submit_job": [_KEY, _WAIT],
    "submit_batch": [_KEY],
    "get_job": [_MATCH, _WAIT],
    "get_lyrics": [_MATCH],
    "get_batch": [_MATCH, _WAIT],
    "get_rhymes": [_MATCH],
    "get_meter": [_TEXT, _MATCH],
    "get_results": [_FORMAT, _SINCE],
}


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("job_id", "batch_id", "word")
        if f"<{name}>" in route.path
    ]
    return found + _EXTRA.get(route.name, [])
