"""The embedded dispatcher with worker processes that misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.in_process import InProcess, in_process
from tests.waiting import wait_until
from versequeue.clock import utc_now
from versequeue.dispatcher import Dispatcher
from versequeue.jobs import Metrics, Stage, Status
from versequeue.local_worker import WorkerProcess
from versequeue.queue import Topic
from versequeue.queue_sqlite import SqliteQueue

pytestmark = pytest.mark.processes

BROKEN = "raise ImportError('a library is missing')\n"
REFUSING = """
import functions_framework
from werkzeug.exceptions import ServiceUnavailable

@functions_framework.cloud_event
def worker(event):
    raise ServiceUnavailable("not now")
"""


@pytest.fixture
def app(tmp_path: Path) -> InProcess:
    return in_process(tmp_path)


@contextmanager
def dispatching(app: InProcess, folder: Path, source: str) -> Iterator[SqliteQueue]:
    """A dispatcher over a worker whose main.py is `source`."""
    main = folder / "worker_source" / "main.py"
    main.parent.mkdir()
    main.write_text(source)
    path = folder / "queue.sqlite3"
    queue = SqliteQueue(path, utc_now, max_deliveries=4, backoff_first_s=0.01)
    worker = WorkerProcess(main)
    dispatcher = Dispatcher(queue, worker, app.desk, idle_timeout_s=60)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield queue
    finally:
        dispatcher.stop()
        worker.stop()
        thread.join(timeout=30)
        queue.close()


def _ended(app: InProcess, queue: SqliteQueue, job_id: str) -> bool:
    if queue.depth(Topic.JOBS) == 0:
        queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    return app.service.get_job(job_id).done


def test_a_worker_that_cannot_start_ends_its_job_with_the_reason(
    app: InProcess, tmp_path: Path
) -> None:
    job_id = app.submit()
    with dispatching(app, tmp_path, BROKEN) as queue:
        queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
        # A lost message is the sweep's business; here it is as if each tick had come.
        wait_until(lambda: _ended(app, queue, job_id), 60, poll_s=0.1)
    job = app.service.get_job(job_id)
    assert job.status is Status.FAILED
    assert job.attempt == job.max_attempts
    assert job.error is not None
    assert "before it could begin" in job.error["detail"]


def test_a_message_that_is_refused_comes_again(app: InProcess, tmp_path: Path) -> None:
    with dispatching(app, tmp_path, REFUSING) as queue:
        queue.publish(Topic.JOBS, [{"warmup": True}])
        wait_until(lambda: queue.depth(Topic.JOBS) == 0 or queue.dead_letters(), 60, poll_s=0.1)
        assert [letter.message for letter in queue.dead_letters()] == [{"warmup": True}]


def test_the_rows_of_a_batch_do_not_count_as_a_single_songs_time(app: InProcess) -> None:
    app.write(app.submit())
    assert app.store.get_state("worker")["warm_s"] == [1.0]
    rows = "rain\nsun\n"
    batch = app.client.post("/v1/batches", data=rows, content_type="text/plain").get_json()
    for job in app.store.batch_jobs(batch["id"]):
        attempt = app.desk.claim(job.id, Stage.WRITING)
        assert attempt
        output = {"lyrics": "a", "sections": [{"name": "Verse 1", "lines": ["a"]}]}
        attempt.succeed(output, Metrics(generate_s=99.0, cold_start=False))
    assert app.store.get_state("worker")["warm_s"] == [1.0]
