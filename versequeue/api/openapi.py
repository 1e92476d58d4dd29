"""openapi.json, made from the routes and from the models that validate: it cannot lag behind."""

from typing import Any

from pydantic import TypeAdapter

from versequeue import __version__
from versequeue.api.bodies import PROMPT_SCHEMA, FormJob, JobBody, OptionsBody
from versequeue.api.openapi_schemas import SCHEMAS, answers, parameters
from versequeue.api.routes import ROUTES, Route
from versequeue.config import Settings
from versequeue.errors import VerseQueueError

REF = "#/components/schemas/{model}"


def document(settings: Settings) -> dict[str, Any]:
    """The OpenAPI 3.1 description of every route."""
    schemas = {**SCHEMAS, **_request_schemas()}
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
        "components": {"schemas": schemas},
    }
    if settings.api_keys:
        scheme = {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
        result["components"]["securitySchemes"] = {"key": scheme}
        result["security"] = [{"key": []}]
    return result


def problem_slugs() -> list[str]:
    """The slug of every error in the tree, for the docs and the tests."""
    found: list[type[VerseQueueError]] = [VerseQueueError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return sorted({cls.slug for cls in found})


def _request_schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for model in (JobBody, FormJob, OptionsBody):
        schema = TypeAdapter(model).json_schema(ref_template=REF)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    return schemas


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
        "parameters": parameters(route),
        "responses": answers(route),
    }
    if body := _REQUEST_BODIES.get(route.name):
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _ref(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": REF.format(model=name)}}


_FILE = {"schema": {"type": "string"}}
_REQUEST_BODIES: dict[str, dict[str, Any]] = {
    "submit_job": {
        "application/json": _ref("JobBody"),
        "application/x-www-form-urlencoded": _ref("FormJob"),
        "text/plain": {"schema": {"type": "string", **PROMPT_SCHEMA}},
    },
    "submit_batch": {
        "application/jsonl": _FILE,
        "application/x-ndjson": _FILE,
        "text/csv": _FILE,
        "text/plain": _FILE,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
    },
}
