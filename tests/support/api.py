"""The submit and results functions in one Flask app over a store and a queue in memory or a file.

For tests of what goes over the wire: the handlers are the real ones, the host is not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Request, Response, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.memory import MemoryQueue, MemoryStore
from versequeue.api.edge import Api
from versequeue.api.results_jobs import ResultsApi
from versequeue.api.submit_jobs import SubmitApi
from versequeue.config import Settings
from versequeue.ports.queue import Topic
from versequeue.ports.store import Store
from versequeue.service.jobs import Service


@dataclass
class ManualClock:
    """Stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let `seconds` go by."""
        self.now += timedelta(seconds=seconds)


@dataclass
class ApiUnderTest:
    """Both functions at once; `client` speaks HTTP with them."""

    client: FlaskClient
    store: Store
    queue: MemoryQueue
    service: Service
    clock: ManualClock

    def messages(self, topic: Topic) -> list[dict[str, Any]]:
        """Take and acknowledge every message of a topic, the oldest first."""
        found = []
        while delivery := self.queue.lease([topic], self.clock(), 600):
            self.queue.ack(delivery)
            found.append(dict(delivery.message))
        return found


def make_api(
    settings: Settings | None = None, store: Store | None = None, clock: ManualClock | None = None
) -> ApiUnderTest:
    """An API of its own, with nothing in it."""
    clock = clock or ManualClock()
    settings = settings or Settings(hash_key="test", webhook_allow_private=True)
    store = store or MemoryStore()
    queue = MemoryQueue(clock)
    service = Service(store, queue, settings, clock=clock, sleep=clock.pass_s)
    submit = Api("submit", SubmitApi(service).handlers(), settings)
    results = Api("results", ResultsApi(service).handlers(), settings)
    return ApiUnderTest(_app(submit, results).test_client(), store, queue, service, clock)


def _app(submit: Callable[[Request], Response], results: Callable[[Request], Response]) -> Flask:
    app = Flask("tested", static_folder=None)

    def answer(path: str = "") -> Response:
        return (results if request.method in ("GET", "HEAD") else submit)(request)

    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]
    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, rule, answer, methods=methods, provide_automatic_options=False)
    return app


def is_problem(answer: TestResponse, status: int, slug: str) -> dict[str, Any]:
    """Assert that this is that problem document; the document."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    document: dict[str, Any] = answer.get_json()
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["detail"]
    return document


def pointers(document: dict[str, Any]) -> list[str]:
    """Which fields a problem document names."""
    return [error["pointer"] for error in document["errors"]]
