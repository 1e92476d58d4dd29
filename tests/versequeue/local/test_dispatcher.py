"""The embedded dispatcher with worker processes that misbehave."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest
from tests.support.dispatching import dispatching
from tests.support.inspected_queue import InspectedQueue
from tests.support.samples import queued_job
from tests.support.waiting import wait_until
from versequeue.clock import utc_now
from versequeue.ports.queue import Message, Topic
from versequeue.rules.job import Status
from versequeue.service.hints import job_messages

pytestmark = pytest.mark.processes

BROKEN = "raise ImportError('a library is missing')\n"

REFUSING = """
import functions_framework
from werkzeug.exceptions import ServiceUnavailable

@functions_framework.cloud_event
def worker(event):
    raise ServiceUnavailable("not now")
"""

NOTING = """
import os, pathlib
import functions_framework
from versequeue.functions.push import read_message

@functions_framework.cloud_event
def worker(event):
    message = read_message(event.data)
    with pathlib.Path({seen!r}).open("a") as seen:
        print(*message.get("job_ids", ["warmup"]), file=seen)
    if {deadly!r} in message.get("job_ids", []):
        os._exit(1)
"""


def _ended(app: ApiUnderTest, queue: InspectedQueue, job_id: str) -> bool:
    if queue.depth(Topic.JOBS) == 0:
        queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    return app.jobs.get(job_id).done


def test_a_worker_that_cannot_start_ends_its_job_with_the_reason(
    app: ApiUnderTest, tmp_path: Path
) -> None:
    job_id = app.submit()
    with dispatching(app, tmp_path, BROKEN) as queue:
        queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
        # A lost message is the sweep's business; here it is as if each tick had come.
        wait_until(lambda: _ended(app, queue, job_id), 60, poll_s=0.1)
    job = app.jobs.get(job_id)
    assert job.status is Status.FAILED
    assert job.attempt == job.max_attempts
    assert job.error is not None
    assert "before it could begin" in job.error["detail"]


def test_a_message_that_is_refused_comes_again(app: ApiUnderTest, tmp_path: Path) -> None:
    with dispatching(app, tmp_path, REFUSING) as queue:
        queue.publish(Topic.JOBS, [{"warmup": True}])
        wait_until(lambda: queue.depth(Topic.JOBS) == 0 or queue.dead_letters(), 60, poll_s=0.1)
        assert [letter.message for letter in queue.dead_letters()] == [{"warmup": True}]


def _pushes(
    app: ApiUnderTest,
    folder: Path,
    messages: list[Message],
    deadly: str = "",
    source: str = NOTING,
) -> list[str]:
    """The ids of each push, in order, if all these messages wait when the dispatcher starts."""
    early = InspectedQueue(folder / "queue.sqlite3", utc_now)
    early.publish(Topic.JOBS, messages)
    early.close()
    seen = folder / "seen"
    with dispatching(app, folder, source.format(seen=str(seen), deadly=deadly)) as queue:
        wait_until(lambda: queue.depth(Topic.JOBS) == 0, 60, poll_s=0.05)
    return seen.read_text().splitlines()


def test_jobs_that_wait_together_are_pushed_together_up_to_eight(
    app: ApiUnderTest, tmp_path: Path
) -> None:
    messages: list[Message] = [{"job_ids": [str(n)]} for n in range(10)]
    assert _pushes(app, tmp_path, messages) == ["0 1 2 3 4 5 6 7", "8 9"]


def test_songs_that_would_take_too_long_together_are_pushed_one_by_one(
    app: ApiUnderTest, tmp_path: Path
) -> None:
    long = [app.submit("a boat", options={"lines": 64, "effort": "best"}) for _ in range(2)]
    short = [app.submit("rain", options={"lines": 4}) for _ in range(2)]
    messages: list[Message] = [{"job_ids": [job_id]} for job_id in (*long, *short)]
    assert _pushes(app, tmp_path, messages) == [*long, " ".join(short)]


def test_rows_that_would_take_too_long_together_are_messages_of_their_own() -> None:
    rows = [replace(queued_job(str(n)), batch_id="batch_1") for n in range(9)]
    options = replace(rows[0].options, lines=64, effort="best")
    messages = job_messages([replace(rows[0], options=options), *rows])
    assert [len(message["job_ids"]) for message in messages] == [1, 8, 1]


def test_what_is_no_first_try_of_a_job_is_pushed_alone(app: ApiUnderTest, tmp_path: Path) -> None:
    tried = queued_job("2", attempt=1)
    messages: list[Message] = [
        {"job_ids": ["0"]},
        {"warmup": True},
        {"job_ids": ["1"]},
        *job_messages([tried, queued_job("3")]),
        {"job_ids": ["4"]},
    ]
    assert _pushes(app, tmp_path, messages) == ["0", "warmup", "1", "2", "3 4"]


@pytest.mark.parametrize("odd", [5, None, [["1"]], {"1": 1}, "1", []], ids=repr)
def test_a_message_that_names_no_jobs_keeps_no_others_back(
    odd: object, app: ApiUnderTest, tmp_path: Path
) -> None:
    messages: list[Message] = [{"job_ids": ["0"]}, {"job_ids": odd}, {"job_ids": ["2"]}]
    silent = NOTING.replace('message.get("job_ids", ["warmup"])', "[len(message)]")
    silent = silent.replace('message.get("job_ids", [])', "[]")
    assert _pushes(app, tmp_path, messages, source=silent) == ["1", "1", "1"]


def test_a_job_that_brings_the_worker_down_takes_its_company_along_once(
    app: ApiUnderTest, tmp_path: Path
) -> None:
    messages: list[Message] = [{"job_ids": [str(n)]} for n in range(3)]
    pushes = _pushes(app, tmp_path, messages, deadly="1")
    assert pushes[0] == "0 1 2"
    # Four deliveries at most: the deadly one is then a dead letter.
    assert sorted(pushes[1:]) == ["0", "1", "1", "1", "2"]
