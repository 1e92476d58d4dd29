"""The deployed worker's process, given pushes in both forms that Pub/Sub and Eventarc send."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.functions import function
from deploy.stage import stage
from tests.support.environments import python_of
from tests.support.samples import finished_job, queued_job
from tests.support.trial import Running, started
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.clock import utc_now
from versequeue.functions.push import push_headers
from versequeue.ports.queue import Topic
from versequeue.rules.job import Status

pytestmark = pytest.mark.processes
PATH = "/projects/trial/topics/jobs"
#: Messages that ask for nothing that can be done.
ODD = {
    "no JSON": b"no JSON",
    "a list": b"[]",
    "no ids": b"{}",
    "ids that are no list": b'{"job_ids": 7}',
    "an unknown id": b'{"job_ids": ["job_unknown"]}',
    "an ended job": b'{"job_ids": ["job_ended"]}',
    "a thousand ids": json.dumps({"job_ids": [f"job_{n}" for n in range(1000)]}).encode(),
}


def raw_push(data: bytes) -> tuple[bytes, dict[str, str]]:
    """What a push subscription without an envelope of its own sends."""
    message = {"data": base64.b64encode(data).decode(), "messageId": "5", "attributes": {}}
    body = {"message": message, "subscription": "projects/trial/subscriptions/jobs-push"}
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def binary_event(data: bytes) -> tuple[bytes, dict[str, str]]:
    """The same as a CloudEvent in binary mode."""
    return raw_push(data)[0], push_headers(Topic.JOBS, "trial", utc_now())


FORMS: tuple[Callable[[bytes], tuple[bytes, dict[str, str]]], ...] = (raw_push, binary_event)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def worker(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("worker")
    staged = stage(function("worker"), folder / "build", {"model": tiny_bundle})
    environ = {"VERSEQUEUE_DATA_DIR": str(data_dir), "VERSEQUEUE_MODEL": "model"}
    python = python_of(staged.folder)
    with started(function("worker"), staged.folder, python, environ, folder / "log") as running:
        yield running


@pytest.fixture
def store(data_dir: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(data_dir / "store.sqlite3")
    yield opened
    opened.close()


def push(worker: Running, form: Callable[..., Any], data: bytes) -> tuple[int, list[str]]:
    """The status, and the log lines of our own that the push caused."""
    before = len(worker.log.read_text())
    status, _ = worker.ask("POST", PATH, *form(data))
    lines = worker.log.read_text()[before:].splitlines()
    return status, [line for line in lines if '"logger": "versequeue.' in line]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
def test_a_message_that_means_nothing_is_acked_logged_once_and_changes_nothing(
    worker: Running, store: SqliteStore, form: Callable[..., Any], data: bytes
) -> None:
    ended = finished_job("job_ended")
    if store.get_job(ended.id) is None:
        store.create([ended], now=utc_now())

    status, lines = push(worker, form, data)

    assert status == 200
    assert len(lines) == 1, lines
    assert store.get_job(ended.id) == ended
    assert store.count_queued() == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_job_is_written_whichever_form_its_push_has_and_once_however_often_it_comes(
    worker: Running, store: SqliteStore, form: Callable[..., Any]
) -> None:
    now = utc_now()
    job = queued_job(
        f"job_{form.__name__}", created_at=now, deadline_at=now.replace(year=now.year + 1)
    )
    store.create([job], now=now)

    first, _ = push(worker, form, json.dumps({"job_ids": [job.id]}).encode())
    done = store.get_job(job.id)
    again, lines = push(worker, form, json.dumps({"job_ids": [job.id]}).encode())

    assert (first, again) == (200, 200)
    assert done is not None
    assert (done.status, done.attempt) == (Status.SUCCEEDED, 1)
    assert store.get_job(job.id) == done
    assert len(lines) == 1
