"""The dispatcher step by step, with a worker that is played: what it owes after a fault."""

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, make_api
from tests.support.inspected_queue import InspectedQueue
from versequeue.backends.sqlite_queue import Fit, LeasedMessage
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.errors import QueueUnavailable, StoreUnavailable
from versequeue.local import push
from versequeue.local.dispatcher import PAGE, TOPICS, Dispatcher
from versequeue.local.push import WorkerSilent
from versequeue.ports.queue import Topic
from versequeue.rules.job import Stage, Status
from versequeue.rules.outlook import About

NAME = "local-1"


class PlayedWorker:
    """What the dispatcher does with its worker's process, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.running = True
        self.cannot_start: Exception | None = None

    def ensure(self) -> tuple[str, str]:
        if self.cannot_start:
            raise self.cannot_start
        return "http://127.0.0.1:1/", NAME

    def kill(self) -> None:
        self.done.append("kill")

    def stop(self) -> None:
        self.running = False
        self.done.append("stop")


@pytest.fixture
def app() -> ApiUnderTest:
    return make_api()


@pytest.fixture
def queue(tmp_path: Path, app: ApiUnderTest) -> Iterator[InspectedQueue]:
    made = InspectedQueue(tmp_path / "queue.sqlite3", app.clock)
    yield made
    made.close()


@pytest.fixture
def worker() -> PlayedWorker:
    return PlayedWorker()


@pytest.fixture
def dispatcher(app: ApiUnderTest, queue: InspectedQueue, worker: PlayedWorker) -> Dispatcher:
    return dispatcher_of(app, queue, worker)


def dispatcher_of(app: ApiUnderTest, queue: InspectedQueue, worker: PlayedWorker) -> Dispatcher:
    played: Any = worker
    return Dispatcher(
        queue,
        played,
        app.worker_side,
        idle_timeout_s=300,
        monotonic=lambda: app.clock().timestamp(),
        pause=lambda _seconds: None,
    )


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], None]:
    """Says what becomes of the pushes that follow."""

    def set_answer(act: Callable[[], bool]) -> None:
        monkeypatch.setattr(push, "post", lambda *_: act())

    return set_answer


def failing(fault: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise fault

    return fail


def take_in_hand(queue: InspectedQueue, job_id: str) -> None:
    """As a server did that has died since."""
    queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    assert queue.lease(TOPICS, queue._clock(), 600)


@pytest.mark.parametrize(
    "fault",
    [OSError(errno.EMFILE, "Too many open files"), RuntimeError("can't start new thread")],
    ids=["descriptors", "threads"],
)
def test_a_worker_that_cannot_be_started_costs_no_attempt(
    fault: Exception,
    app: ApiUnderTest,
    queue: InspectedQueue,
    worker: PlayedWorker,
    dispatcher: Dispatcher,
    answer: Any,
) -> None:
    job_id = app.submit()
    queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    worker.cannot_start = fault
    with pytest.raises(type(fault)):
        dispatcher.step()
    worker.cannot_start = None
    answer(lambda: True)
    assert not dispatcher.step(), "the message has a pause"
    app.clock.pass_s(2)
    assert dispatcher.step()
    assert (app.jobs.get(job_id).attempt, queue.depth(Topic.JOBS), worker.done) == (0, 0, [])


def test_no_descriptor_for_the_push_is_no_death_of_the_worker(
    app: ApiUnderTest,
    queue: InspectedQueue,
    worker: PlayedWorker,
    dispatcher: Dispatcher,
    answer: Any,
) -> None:
    job_id = app.submit()
    queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    answer(failing(OSError(errno.EMFILE, "Too many open files")))
    with pytest.raises(OSError, match="open files"):
        dispatcher.step()
    assert (app.jobs.get(job_id).attempt, worker.done) == (0, [])


def test_a_dead_workers_jobs_are_freed_before_anything_new_is_taken(
    app: ApiUnderTest,
    queue: InspectedQueue,
    worker: PlayedWorker,
    dispatcher: Dispatcher,
    answer: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = app.submit()
    queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    app.worker_side.worker = NAME

    app.worker_side.claim(job_id, Stage.WRITING)
    answer(failing(WorkerSilent("it has not reported for 31 s")))
    with monkeypatch.context() as locked:
        locked.setattr(app.store, "update_job", failing(StoreUnavailable("It is locked.")))
        locked.setattr(app.store, "update_state", failing(StoreUnavailable("It is locked.")))
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                dispatcher.step()
    assert worker.done == ["kill"]
    answer(lambda: True)
    assert dispatcher.step()
    job = app.jobs.get(job_id)
    assert (job.status, job.attempt) == (Status.QUEUED, 1)
    assert queue.depth(Topic.JOBS) == 0


def test_an_ack_that_could_not_be_written_is_written_before_anything_new_is_taken(
    queue: InspectedQueue, dispatcher: Dispatcher, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.publish(Topic.JOBS, [{"warmup": True}])
    pushes, faults = [], [QueueUnavailable("The disk is full.")] * 2
    write = queue.ack_all

    def push() -> bool:
        pushes.append("push")
        return True

    def ack_all(deliveries: Any) -> int:
        if faults:
            raise faults.pop()
        return write(deliveries)

    answer(push)
    monkeypatch.setattr(queue, "ack_all", ack_all)
    for _ in range(2):
        with pytest.raises(QueueUnavailable):
            dispatcher.step()
    assert not dispatcher.step()
    assert (pushes, queue.depth(Topic.JOBS)) == (["push"], 0)


def test_a_warm_up_that_hangs_does_not_hang_again(
    queue: InspectedQueue, worker: PlayedWorker, dispatcher: Dispatcher, answer: Any
) -> None:
    queue.publish(Topic.JOBS, [{"warmup": True}])
    answer(failing(WorkerSilent("it has not reported for 121 s")))
    assert dispatcher.step()
    assert (worker.done, queue.depth(Topic.JOBS)) == (["kill"], 0)


def test_what_the_last_server_left_is_taken_over_once_it_can_be(
    app: ApiUnderTest,
    queue: InspectedQueue,
    dispatcher: Dispatcher,
    answer: Callable[[Callable[[], bool]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(lambda: False)
    job_id = app.submit()
    take_in_hand(queue, job_id)
    app.worker_side.claim(job_id, Stage.WRITING)
    with monkeypatch.context() as locked:
        locked.setattr(app.store, "update_state", failing(StoreUnavailable("It is locked.")))
        dispatcher.take_over()
    assert app.jobs.get(job_id).status is Status.RUNNING
    dispatcher.step()
    assert app.jobs.get(job_id).status is Status.QUEUED


def test_any_number_of_jobs_is_taken_over_a_page_at_a_time(
    app: ApiUnderTest,
    queue: InspectedQueue,
    dispatcher: Dispatcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages: list[int] = []
    in_hand = queue.in_hand

    def counted(*asked: Any) -> list[LeasedMessage]:
        found = in_hand(*asked)
        pages.append(len(found))
        return found

    monkeypatch.setattr(queue, "in_hand", counted)
    monkeypatch.setattr(app.store, "due_jobs", failing(AssertionError("all are read at once")))
    ids = [app.submit() for _ in range(PAGE + 20)]
    for job_id in ids:
        take_in_hand(queue, job_id)
        app.worker_side.claim(job_id, Stage.WRITING)
    dispatcher.take_over()
    assert {app.jobs.get(job_id).status for job_id in ids} == {Status.QUEUED}
    assert max(pages) <= PAGE
    assert queue.next_due_at(TOPICS) == app.clock()


@pytest.mark.parametrize("by", ["take-over", "death"])
def test_a_row_that_cannot_be_read_holds_up_none_that_a_dead_worker_had_beside_it(
    by: str, tmp_path: Path, answer: Callable[[Callable[[], bool]], None]
) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3")
    app = make_api(store=store)
    queue = InspectedQueue(tmp_path / "queue.sqlite3", app.clock)
    dispatcher = dispatcher_of(app, queue, PlayedWorker())
    ids = [app.submit(), app.submit(), app.submit()]
    for job_id in ids:
        queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    side = replace(app.worker_side, worker=NAME)

    def die() -> bool:
        side.claim_all(ids, Stage.WRITING)
        store._file.read("UPDATE jobs SET body = '{}' WHERE id = ?", [ids[0]])
        raise ConnectionResetError

    if by == "death":
        answer(die)
        dispatcher.step()
    else:
        queue.lease_together(TOPICS, app.clock(), 600, lambda *_: Fit.JOINS)
        with suppress(ConnectionResetError):
            die()
        dispatcher.take_over()
    assert [app.jobs.get(job_id).status for job_id in ids[1:]] == [Status.QUEUED] * 2
    assert queue.next_due_at(TOPICS) == app.clock()
    queue.close()
    store.close()


def test_a_worker_that_idles_is_stopped_and_told_of_even_if_the_disk_is_full(
    app: ApiUnderTest, worker: PlayedWorker, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.worker_side.show_model(About("tiny"))
    app.clock.pass_s(301)
    with monkeypatch.context() as full:
        full.setattr(app.store, "update_state", failing(StoreUnavailable("The disk is full.")))
        with pytest.raises(StoreUnavailable):
            dispatcher.step()
    assert worker.done == ["stop"]
    dispatcher.step()
    assert app.client.get("/v1/status").get_json()["worker"] == "cold"
