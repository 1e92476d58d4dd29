"""The checker on histories made by hand: a good one passes, and each wrong one is found out."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.histories.checker import RULES, faults
from tests.histories.history import Operation
from tests.histories.seen import Seen

JOB, BATCH, ROW = "job_1", "batch_1", "job_row"
#: The webhook of a job that nobody has been told of.
UNTOLD: dict[str, Any] = {"deliveries": []}


def job(status: str, job_id: str = JOB, **more: Any) -> dict[str, Any]:
    ended = status in ("succeeded", "failed", "canceled", "expired")
    return {
        "id": job_id,
        "status": status,
        "done": ended,
        "attempt": 1,
        "output": {"lyrics": "la"} if status == "succeeded" else None,
        "error": None,
        "events": [{"event": "queued"}, *([{"event": status}] if ended else [])],
        "webhook": None,
        **more,
    }


def batch(status: str, **counts: int) -> dict[str, Any]:
    every = dict.fromkeys(("queued", "running", "succeeded", "failed", "canceled", "expired"), 0)
    found = {**every, **counts}
    return {
        "id": BATCH,
        "status": status,
        "done": status != "running",
        "request_counts": {**found, "total": sum(found.values())},
        "webhook": None,
    }


def op(
    kind: str, at: float, seen: dict[str, Any], status: int | None = 200, **sent: Any
) -> Operation:
    """An operation that took half a second."""
    return Operation(kind, "client", at, at + 0.5, sent, status, seen)


def submit(at: float, job_id: str = JOB, **sent: Any) -> Operation:
    return op("submit", at, job("queued", job_id), 202, **{"key": None, "body": "a", **sent})


def get(at: float, status: str, **more: Any) -> Operation:
    return op("get", at, job(status, **more), id=JOB)


def submit_batch(at: float) -> Operation:
    return op("submit_batch", at, batch("running", queued=1), 202, key=None, body="b")


def get_batch(at: float, status: str, **counts: int) -> Operation:
    return op("get_batch", at, batch(status, **counts), id=BATCH)


def results(at: float, status: str) -> Operation:
    return op("results", at, {"rows": [{"id": ROW, "status": status}]}, id=BATCH)


def event(at: float, kind: str, data: dict[str, Any], webhook_id: str = "msg_1") -> Operation:
    return op("webhook", at, {"type": kind, "data": data, "webhook_id": webhook_id}, None)


def quiet(at: float) -> Operation:
    return op("quiet", at, {}, None, time_to_tell=True)


GOOD = [
    submit(0, key="k"),
    submit(0.2, key="k"),
    op("submit", 0.3, {}, None, key="k", body="a"),
    op("submit", 0.4, {"detail": "reused"}, 422, key="k", body="other"),
    get(1, "running"),
    op("get", 1.2, {}, 503, id=JOB),
    get(2, "succeeded"),
    op("cancel", 2.6, job("succeeded"), id=JOB),
    event(3, "job.succeeded", job("succeeded")),
    event(4, "job.succeeded", job("succeeded")),
    submit_batch(5),
    op("cancel_batch", 6, batch("running", running=1), id=BATCH),
    results(6.6, "canceled"),
    event(7, "batch.completed", batch("canceled", canceled=1), "msg_2"),
    results(8, "canceled"),
    quiet(20),
    get(21, "succeeded"),
    get_batch(22, "canceled", canceled=1),
    results(23, "canceled"),
]
WRONG: dict[str, tuple[Sequence[Operation], str]] = {
    "an accepted job never ends": (
        [submit(0), quiet(5), get(6, "running")],
        "job_1 has not ended",
    ),
    "an accepted job is never seen again": ([submit(0), quiet(5)], "job_1 has not ended"),
    "a row never ends": (
        [submit_batch(0), results(1, "queued"), quiet(5), get_batch(6, "completed", succeeded=1)],
        "job_row has not ended",
    ),
    "a batch never ends": (
        [submit_batch(0), quiet(5), get_batch(6, "running", succeeded=1)],
        "batch_1 has not ended",
    ),
    "a job ends twice": (
        [get(1, "failed", events=[{"event": "succeeded"}, {"event": "failed"}]), quiet(0.5)],
        "its timeline ends as ['succeeded', 'failed']",
    ),
    "an acknowledged cancel succeeds": (
        [op("cancel", 0, job("running"), id=JOB), get(2, "succeeded")],
        "job_1 succeeded although its cancel was acknowledged",
    ),
    "a row of a canceled batch succeeds": (
        [
            op("cancel_batch", 0, batch("running", running=1), id=BATCH),
            get_batch(2, "completed", succeeded=1),
        ],
        "rows of batch_1 succeeded although its cancel was acknowledged",
    ),
    "one key makes two jobs": (
        [submit(0, key="k"), submit(1, "job_2", key="k")],
        "the key k names job_1, job_2",
    ),
    "one key takes two bodies": (
        [submit(0, key="k"), submit(1, key="k", body="other")],
        "the key k was accepted with different bodies",
    ),
    "two requests get one job": ([submit(0), submit(1)], "job_1 was given to different requests"),
    "an end turns into another one": (
        [get(0, "failed"), get(1, "canceled")],
        "job_1 was seen to end in different ways",
    ),
    "an end turns into another one in a row": (
        [results(0, "failed"), results(1, "succeeded")],
        "job_row was seen to end in different ways",
    ),
    "lyrics change after the end": (
        [get(0, "succeeded"), get(1, "succeeded", output={"lyrics": "lo"})],
        "job_1 changed after its end",
    ),
    "an ended job runs again": (
        [get(0, "failed"), get(1, "running")],
        "job_1 was done and then running",
    ),
    "an attempt falls": (
        [get(0, "running", attempt=3), get(1, "running", attempt=2)],
        "job_1 went back to an earlier attempt",
    ),
    "batch.completed says that a row runs": (
        [event(0, "batch.completed", batch("completed", running=1))],
        "batch.completed of batch_1 says that rows have not ended",
    ),
    "batch.completed comes before the end of a row": (
        [event(0, "batch.completed", batch("completed", succeeded=1)), results(1, "running")],
        "job_row had not ended when batch.completed came",
    ),
    "an event comes under two ids": (
        [
            event(0, "job.failed", job("failed")),
            event(1, "job.failed", job("failed"), "msg_2"),
        ],
        "job.failed of job_1 came under 2 ids",
    ),
    "two events come under one id": (
        [
            event(0, "job.failed", job("failed")),
            event(1, "job.failed", job("failed", "job_2")),
        ],
        "msg_1 was the id of",
    ),
    "batch.completed comes twice without a retry": (
        [
            event(0, "batch.completed", batch("completed", failed=1)),
            event(1, "batch.completed", batch("completed", failed=1), "msg_2"),
        ],
        "batch.completed of batch_1 came under 2 ids",
    ),
    "an end is told that was not": (
        [event(0, "job.failed", job("failed")), get(1, "succeeded")],
        "job.failed was told of job_1, which is succeeded",
    ),
    "an end is told to nobody": (
        [
            op("submit", 0, job("queued", webhook=UNTOLD), 202, key=None, body="a"),
            quiet(5),
            get(6, "failed", webhook=UNTOLD),
        ],
        "nobody was told that job_1 has ended",
    ),
    "an accepted job is unknown": (
        [submit(0), op("get", 1, {}, 404, id=JOB)],
        "job_1 was accepted, and then get was answered 404",
    ),
    "the server breaks": (
        [op("submit", 0, {"detail": "Oh."}, 500, key=None, body="a")],
        "submit was answered 500: Oh.",
    ),
}


def test_a_good_history_has_no_faults() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_history_is_found_out(name: str) -> None:
    history, fault = WRONG[name]
    assert [found for found in faults(history) if fault in found]


def test_every_rule_finds_something_wrong_in_these_histories() -> None:
    """No rule is there for nothing."""
    for rule in RULES:
        assert any(list(rule(Seen(history))) for history, _ in WRONG.values()), rule.__name__


def test_of_two_that_overlap_nothing_is_concluded() -> None:
    overlapping = [
        Operation("get", "one", 0.0, 2.0, {"id": JOB}, 200, job("succeeded")),
        Operation("get", "two", 1.0, 2.5, {"id": JOB}, 200, job("running")),
    ]
    assert faults(overlapping) == []


def test_a_retry_without_an_answer_may_queue_rows_of_a_canceled_batch_again() -> None:
    history = [
        op("retry_failed", 0, {}, None, id=BATCH),
        op("cancel_batch", 1, batch("running", running=1), id=BATCH),
        get_batch(3, "completed", succeeded=1),
    ]
    assert faults(history) == []
