"""The server against its own description: what the schema allows, and what it does not.

With CONTRACT_URL=http://… a server that runs is asked, such as one that was installed from a wheel;
else the functions are, without one.
"""

import os
import re
import tempfile
import uuid
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from tests.support.api import ApiUnderTest, api_on_disk, make_api
from tests.support.errors import error_tree
from versequeue.api import openapi
from versequeue.api.openapi import document
from versequeue.api.routes import ROUTES
from versequeue.config import Settings

CASES = 40


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> ApiUnderTest:
    return api_on_disk(tmp_path_factory.mktemp("openapi"))


def _schema() -> Any:
    if url := os.environ.get("CONTRACT_URL", "").rstrip("/"):
        return schemathesis.openapi.from_url(f"{url}/v1/openapi.json")
    folder = Path(tempfile.mkdtemp(prefix="versequeue-openapi-"))
    served = api_on_disk(folder)
    for _ in range(3):
        served.submit()
    return schemathesis.openapi.from_wsgi("/v1/openapi.json", served.client.application)


@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def _as_it_is(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


schema = _schema()


def _no_answer_is_undocumented_and_none_is_a_5xx(operation_id: str) -> Any:
    @schema.include(operation_id=operation_id).parametrize()  # type: ignore[untyped-decorator]
    @settings(
        max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    def test(case: Any) -> None:
        # Nothing would ever end a job here: waiting for it would only take time.
        case.headers.pop("Prefer", None)
        # A key names one request: used for another one it is refused, as it should be.
        if re.fullmatch("[!-~]{1,255}", case.headers.get("Idempotency-Key", "")):
            case.headers["Idempotency-Key"] = uuid.uuid4().hex
        excluded = [positive_data_acceptance] if _is_beyond_a_schema(case) else []
        if case.operation.path == "/v1/file-checks":  # a file at fault is told so with a 200
            excluded.append(negative_data_rejection)
        case.call_and_validate(excluded_checks=excluded)

    return test


# A function each: schemathesis gives all operations of one function the same node id.
for _route in ROUTES:
    vars()[f"test_no_answer_of_{_route.name}_is_undocumented_and_none_is_a_5xx"] = (
        _no_answer_is_undocumented_and_none_is_a_5xx(_route.name)
    )


def _is_beyond_a_schema(case: Any) -> bool:
    """Any text may be a bad prompt file, any address private, any key no key, any time past.

    How many lines a song has, its parts and its tune say, and what is given has to have as many.
    Of a text to be read aloud a schema cannot count the lines.
    """
    body = case.body if isinstance(case.body, dict) else {}
    options = {**body, **(body["options"] if isinstance(body.get("options"), dict) else {})}
    told = any(body.get(name) for name in ("webhook", "push", "given", "ready_by"))
    told = told or any(options.get(name) for name in ("structure", "syllables", "tune"))
    path = case.operation.path
    return path in ("/v1/batches", "/v1/file-checks", "/v1/meter") or path.endswith("/push") or told


def _has_a_prompt_with_margins(case: Any) -> bool:
    """A prompt is counted without the space around it, of which a schema knows nothing."""
    prompt = case.body.get("prompt") if isinstance(case.body, dict) else None
    return isinstance(prompt, str) and prompt != prompt.strip()


def test_every_route_is_described(app: ApiUnderTest) -> None:
    described = app.client.get("/v1/openapi.json").get_json()["paths"]
    for route in ROUTES:
        path = route.path.replace("<", "{").replace(">", "}")
        assert described[path][route.method.lower()]["operationId"] == route.name


def test_the_description_is_made_once_however_often_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Settings] = []
    make = openapi.document
    monkeypatch.setattr(openapi, "document", lambda about: (made.append(about), make(about))[1])  # type: ignore[func-returns-value]
    api = make_api(Settings(hash_key="only here", submit_url="https://example.org"))
    first, second = (api.client.get("/v1/openapi.json").get_json() for _ in range(2))
    assert first == second
    assert first["servers"] == [{"url": "https://example.org"}]
    assert len(made) == 1


def test_a_job_at_every_turn_is_what_the_description_says(app: ApiUnderTest) -> None:
    described = document(app.jobs.settings)
    job_schema = {
        **described["components"]["schemas"]["Job"],
        "components": described["components"],
    }
    validator = jsonschema.Draft202012Validator(job_schema)
    job_id = app.submit(webhook={"url": "https://example.com/"})
    validator.validate(app.client.get(f"/v1/jobs/{job_id}").get_json())
    app.write(job_id)
    validator.validate(app.client.get(f"/v1/jobs/{job_id}").get_json())


def test_the_slugs_are_the_contracts() -> None:
    contract = {
        "invalid-json", "not-found", "gone", "payload-too-large", "unsupported-media-type",
        "validation", "batch-invalid", "webhook-url-forbidden", "idempotency-key-reused",
        "not-finished", "rate-limited", "budget-exhausted",
        "store-unavailable",
    }  # fmt: skip
    assert contract <= {kind.slug for kind in error_tree()}
