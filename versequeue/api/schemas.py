"""What openapi.json says of the answers: their schemas, and which operation gives which.

Made with pydantic: import this only where openapi.json is asked for.
"""

from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from versequeue.api.routes import Route
from versequeue.contract.overview import OverviewView
from versequeue.contract.server_views import (
    MeterView,
    ModelsView,
    ModelView,
    RhymesView,
    StatusView,
)
from versequeue.contract.views import (
    BatchView,
    FileCheck,
    JobsView,
    JobView,
    PushView,
    Song,
    WebhookView,
)
from versequeue.errors import Problem

Schema = dict[str, Any]
REF = "#/components/schemas/{model}"
#: The name of each object that openapi.json names; any other is drawn where it is used.
NAMES: dict[type[Any], str] = {
    Problem: "Problem",
    WebhookView: "Webhook",
    PushView: "Push",
    Song: "Output",
    JobView: "Job",
    JobsView: "Jobs",
    BatchView: "Batch",
    FileCheck: "FileCheck",
    StatusView: "Status",
    OverviewView: "Overview",
    ModelView: "Model",
    ModelsView: "Models",
    RhymesView: "Rhymes",
    MeterView: "Meter",
}


def schemas() -> dict[str, Schema]:
    """The schema of each object that has a name."""
    found = {name: _object(cls) for cls, name in NAMES.items()}
    found["Job"]["properties"]["options"] = ref("OptionsBody")
    return found


def _object(cls: type[Any]) -> Schema:
    hints = get_type_hints(cls, include_extras=True)
    names = [field.name for field in fields(cls)]
    return {
        "type": "object",
        "properties": {name: _schema(hints[name]) for name in names},
        "required": [name for name in names if not _said(hints[name]).get("optional")],
    }


def _schema(hint: Any) -> Schema:
    said = _said(hint)
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if said.get("nullable") is False:
        hint = get_args(hint)[0]
    words = {word: value for word, value in said.items() if word not in ("optional", "nullable")}
    if words.keys() & {"type", "enum", "const"}:
        return words  # nothing that the type says is to be added
    return {**_of_type(hint), **words}


def _said(hint: Any) -> Schema:
    """What the contract says of a field beyond its type."""
    return dict(get_args(hint)[1]) if get_origin(hint) is Annotated else {}


def _of_type(kind: Any) -> Schema:
    inner = get_args(kind)
    if NoneType in inner:
        given = _schema(inner[0])
        if "type" in given:
            return {**given, "type": [given["type"], "null"]}
        return {"anyOf": [given, {"type": "null"}]}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(inner[0])}
    if kind in NAMES:
        return ref(NAMES[kind])
    if isinstance(kind, type) and is_dataclass(kind):
        return _object(kind)
    return TypeAdapter(kind).json_schema(mode="serialization")


def ref(name: str) -> Schema:
    """A schema that stands under `name` among the components."""
    return {"$ref": REF.format(model=name)}


def content(schema: Schema, *media_types: str) -> Schema:
    """What a body holds, in each of the media types that it is taken or sent in."""
    return {kind: {"schema": schema} for kind in media_types or ("application/json",)}


_JOB, _BATCH, _STATUS = content(ref("Job")), content(ref("Batch")), content(ref("Status"))
_CHECK = content(ref("FileCheck"))
_PUSH_KEY = content(
    {
        "type": "object",
        "properties": {"public_key": {"type": "string", "pattern": "^[A-Za-z0-9_-]{87}$"}},
        "required": ["public_key"],
    }
)
_ANY = content({"type": "object"})
_LYRICS = content({"type": "string"}, "text/plain")
_FILE = content({"type": "string"}, "application/jsonl", "text/csv", "text/plain")
_PROBLEM = content(ref("Problem"), "application/problem+json")
_NOTHING: Schema = {}
_DESCRIPTIONS = {200: "Done.", 202: "Accepted; look at the Location.", 304: "Not changed."}
#: As Prometheus' library names them, without their parameters.
METRICS_TYPES = ("application/openmetrics-text", "text/plain")
#: For each operation: its good answers, and the problems that it can give beside the general ones.
_RESPONSES: dict[str, tuple[dict[int, Schema], tuple[int, ...]]] = {
    "submit_job": ({200: _JOB, 202: _JOB}, (400, 409, 413, 415, 422, 429)),
    "list_jobs": ({200: content(ref("Jobs"))}, (422, 429)),
    "cancel_job": ({200: _JOB}, (404, 410, 413)),
    "redeliver": ({202: _JOB}, (404, 409, 410, 413, 429)),
    "push_job": ({200: _JOB}, (400, 404, 409, 410, 413, 415, 422, 429)),
    "submit_batch": ({202: _BATCH}, (400, 409, 413, 415, 422, 429)),
    "check_file": ({200: _CHECK}, (400, 413, 415, 422)),
    "cancel_batch": ({200: _BATCH}, (404, 410, 413)),
    "retry_failed": ({202: _BATCH}, (404, 409, 410, 413, 429)),
    "push_batch": ({200: _BATCH}, (400, 404, 409, 410, 413, 415, 422, 429)),
    "warm_up": ({202: _STATUS}, (413,)),
    "get_job": ({200: _JOB, 304: _NOTHING}, (404, 410, 429)),
    "get_lyrics": ({200: _LYRICS, 304: _NOTHING}, (404, 409, 410, 429)),
    "get_batch": ({200: _BATCH, 304: _NOTHING}, (404, 410, 429)),
    "get_results": ({200: _FILE, 304: _NOTHING}, (404, 410, 422, 429)),
    "get_overview": ({200: content(ref("Overview"))}, (429,)),
    "get_metrics": ({200: content({"type": "string"}, *METRICS_TYPES)}, (429,)),
    "get_status": ({200: _STATUS}, (429,)),
    "get_models": ({200: content(ref("Models"))}, (429,)),
    "get_rhymes": ({200: content(ref("Rhymes")), 304: _NOTHING}, (404,)),
    "get_meter": ({200: content(ref("Meter")), 304: _NOTHING}, (422,)),
    "get_push_key": ({200: _PUSH_KEY}, (404,)),
    "get_openapi": ({200: _ANY}, ()),
    "health": ({200: _ANY}, ()),
}


def responses(route: Route) -> Schema:
    """The documented responses of one operation, by status code."""
    good, bad = _RESPONSES[route.name]
    found: Schema = {}
    for code, content in good.items():
        found[str(code)] = {"description": _DESCRIPTIONS[code]}
        if content:
            found[str(code)]["content"] = content
    for code in (*bad, 401, 403, 421, 500, 503):
        found[str(code)] = {"description": "A problem document.", "content": _PROBLEM}
    return found
