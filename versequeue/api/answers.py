"""What openapi.json says of the answers: their schemas, drawn from the contract, and which
operation gives which.

Drawing needs pydantic, so that this module is imported only where openapi.json is asked for.
"""

from dataclasses import fields
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from versequeue.api.routes import Route
from versequeue.contract.answers import BatchView, JobView, Song, StatusView, WebhookView
from versequeue.errors import Problem

Schema = dict[str, Any]
REF = "#/components/schemas/{model}"
#: The name of each object that openapi.json names; any other is drawn where it is used.
NAMES: dict[type[Any], str] = {
    Problem: "Problem",
    WebhookView: "Webhook",
    Song: "Output",
    JobView: "Job",
    BatchView: "Batch",
    StatusView: "Status",
}


class PlainSchema(GenerateJsonSchema):
    """Draws dataclasses without titles, texts and defaults, which say nothing about an answer."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        """No field has a title: it would repeat the name."""
        return False

    def default_schema(self, schema: Any) -> Schema:
        """A default is what a reader makes of a missing field; an answer has every field."""
        return self.generate_inner(schema["schema"])

    def dataclass_schema(self, schema: Any) -> Schema:
        """One object: every field is required unless the contract says otherwise."""
        drawn = super().dataclass_schema(schema)["properties"]
        hints = get_type_hints(schema["cls"], include_extras=True)
        said = {field.name: _said(hints[field.name]) for field in fields(schema["cls"])}
        return {
            "type": "object",
            "properties": {name: _field(drawn[name], words) for name, words in said.items()},
            "required": [name for name, words in said.items() if not words.get("optional")],
        }


def schemas() -> dict[str, Schema]:
    """The schema of each object that has a name."""
    found = {}
    for cls, name in NAMES.items():
        adapter = TypeAdapter(cls)
        drawn = adapter.json_schema(
            mode="serialization", ref_template=REF, schema_generator=PlainSchema
        )
        found[name] = _with_names(drawn, drawn.pop("$defs", {}))
    found["Job"]["properties"]["options"] = _ref("OptionsBody")
    return found


def _said(hint: Any) -> Schema:
    """The words of the contract about one field, from `Annotated`."""
    return next((words for words in get_args(hint)[1:] if isinstance(words, dict)), {})


def _field(drawn: Schema, said: Schema) -> Schema:
    words = {word: value for word, value in said.items() if word not in ("optional", "nullable")}
    if words.keys() & {"type", "enum", "const"}:
        return words  # nothing that the type says is to be added
    if "anyOf" in drawn:
        inner = drawn["anyOf"][0]
        if not said.get("nullable", True):
            drawn = inner
        elif "type" in inner:
            drawn = {**inner, "type": [inner["type"], "null"]}
    return {**drawn, **words}


def _with_names(schema: Any, definitions: Schema) -> Any:
    """`schema` with references to named objects only; other objects stand in it themselves."""
    if isinstance(schema, list):
        return [_with_names(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    model = str(schema.get("$ref", "")).rpartition("/")[2]
    if model not in definitions:
        return {word: _with_names(value, definitions) for word, value in schema.items()}
    name = next((name for cls, name in NAMES.items() if cls.__name__ == model), None)
    return _ref(name) if name else _with_names(definitions[model], definitions)


def _ref(name: str) -> Schema:
    return {"$ref": REF.format(model=name)}


_JSON = "application/json"
_DESCRIPTIONS = {200: "Done.", 202: "Accepted; look at the Location.", 304: "Not changed."}
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
