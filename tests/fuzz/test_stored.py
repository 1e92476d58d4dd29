"""A stored document that is not what it says does no harm to any other, whatever is done with it.

Each field of each kind of document is something else in turn; beside it lie sound ones.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from tests.fuzz.odd_documents import GROUNDS, FirestoreGround, Ground, odd_bodies, places
from tests.support.api import ApiUnderTest, make_api
from tests.support.samples import NOW, at, batch_of, finished_job, queued_job, song_of
from tests.support.webhooks import FakeSender
from versequeue.api.result_files import FORMATS
from versequeue.config import Settings
from versequeue.errors import (
    BudgetExhausted,
    RateLimited,
    Unreadable,
    VerseQueueError,
    WorkerLost,
)
from versequeue.records import to_json
from versequeue.rules.batch import Batch, Row
from versequeue.rules.job import Job, Metrics, Stage, Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.outlook import About
from versequeue.rules.transitions import claim, give_up
from versequeue.rules.webhook import Webhook, announce
from versequeue.service.callers import Submission
from versequeue.service.sweep import sweep
from versequeue.service.views import batch_view, present, row_view
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.sender import Outcome

SETTINGS = Settings(hash_key="test", daily_budget=5000, rate_per_minute=1000, worker="w")
OPTIONS = ResolvedOptions(seed=1, lines=4)
LIMITS: dict[str, Any] = {"lease_s": 30, "attempt_limit_s": 500, "stage": Stage.WRITING}
HOOK = Webhook("https://example.org/hook")


def running(job: Job) -> Job:
    return claim(job, NOW, "w", **LIMITS)


def told(job: Job) -> Job:
    """The job with an event that has still to be sent."""
    return replace(job, webhook=announce(HOOK, job.id, "job.succeeded", NOW))


def failed(job: Job) -> Job:
    return give_up(running(job), 1, NOW, WorkerLost("It broke."), retry=False)


def everything(job_id: str) -> Job:
    """A job that has something in every field."""
    whole = finished_job(job_id, output=song_of("one", "two"), own_options={"steps": 3})
    return told(replace(whole, error={"type": "/problems/worker-lost", "detail": "D"}))


def row(job_id: str, position: int) -> Job:
    return queued_job(job_id, batch_id="batch_1", position=position, custom_id="b", line=2)


#: A job in each of its states.
JOBS: dict[str, Callable[[str], Job]] = {
    "queued": lambda name: queued_job(name, publish_at=at(1), preview=("one",)),
    "running": lambda name: running(queued_job(name, cancel_requested_at=NOW)),
    "succeeded": everything,
    "failed": lambda name: replace(failed(row(name, 1)), webhook=HOOK),
}


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    """What is left as it is is logged each time, with all of its text."""
    caplog.set_level(logging.CRITICAL)


@contextmanager
def new_ground(store: str) -> Iterator[Ground]:
    with pytest.MonkeyPatch.context() as patched:
        made = GROUNDS[store](patched)
        yield made
        made.store.close()


def parts(ground: Ground) -> tuple[ApiUnderTest, Notifier]:
    """Everybody who works on the store, at NOW."""
    api = make_api(SETTINGS, ground.store)
    api.clock.pass_s((NOW - api.clock()).total_seconds())
    return api, Notifier(ground.store, FakeSender(Outcome(200)), SETTINGS, api.clock)


def named(act: Callable[..., object], *values: object) -> Any:
    """What it gives; None if it ends with an error that has a name."""
    with suppress(VerseQueueError):
        return act(*values)
    return None


def sweep_until_over(api: ApiUnderTest) -> None:
    for _ in range(3):
        api.clock.pass_s(86400)
        assert sweep(api.store, api.queue, api.clock).failed == 0


def every_file(rows: Callable[[], Any]) -> None:
    for _, write in FORMATS.values():
        named(lambda write=write: list(write(rows())))


@pytest.mark.parametrize("store", GROUNDS)
@pytest.mark.parametrize("state", JOBS)
def test_an_odd_job_travels_alone(store: str, state: str) -> None:
    whole = JOBS[state]("job_odd")
    text = to_json(whole)
    for place in places(json.loads(text)):
        with new_ground(store) as ground:
            _beside_odd_jobs(ground, whole, odd_bodies(text, place))


def _beside_odd_jobs(ground: Ground, whole: Job, bodies: list[str]) -> None:
    api, notifier = parts(ground)
    ended = told(finished_job("job_told", batch_id=None, output=song_of("one")))
    sound = [queued_job("job_sound"), running(queued_job("job_held")), ended]
    others = [row("job_row", 900), failed(row("job_failed", 800))]
    ground.store.create([*sound, *others], batch=batch_of(total=3, check_at=at(1)), now=NOW)
    names = store_odd_jobs(ground, whole, bodies)

    waiting = api.jobs.submit("rain", OPTIONS, Submission(client="other")).found
    assert present(api.jobs, waiting)["status"] == "queued"
    taken = api.worker_side.claim_all([*names, "job_sound"], Stage.WRITING)
    assert "job_sound" in [attempt.job.id for attempt in taken]
    for attempt in taken:
        attempt.lines(["one"])
        named(attempt.succeed, song_of("one"), Metrics())
    assert ground.store.get_job("job_sound").status is Status.SUCCEEDED

    assert "job_held" in api.worker_side.reports_of([*names, "job_held"], "w")
    for name in names:
        api.worker_side.free(name)
    api.worker_side.abandon([*names, "job_held"], "w")
    assert ground.store.get_job("job_held").status is Status.QUEUED

    for name in names:
        use_job(api, notifier, name)
    assert notifier.deliver("job_told")

    named(api.batches.retry_failed, "batch_1")
    retried = ground.store.batch_jobs("batch_1", after=999, readable_only=True)
    assert "job_failed" in [job.events[-1].detail for job in retried]
    every_file(lambda: api.batches.rows("batch_1"))
    sweep_until_over(api)
    for one in ("job_held", "job_row", waiting.id):
        assert ground.store.get_job(one).status is Status.EXPIRED, one


def store_odd_jobs(ground: Ground, whole: Job, bodies: list[str]) -> list[str]:
    """Jobs like `whole` with these texts, each under a name of its own."""
    names = [f"job_odd_{number}" for number in range(len(bodies))]
    placed = [replace(whole, id=name, position=whole.position + n) for n, name in enumerate(names)]
    ground.store.create(placed, now=NOW)
    for one, body in zip(placed, bodies, strict=True):
        of_its_own = body.replace(f'"{whole.id}"', f'"{one.id}"')
        there, here = (f'"position": {job.position},' for job in (whole, one))
        ground.put("jobs", one.id, of_its_own.replace(there, here))
    return names


def use_job(api: ApiUnderTest, notifier: Notifier, name: str) -> None:
    """All that is done with one job by those who ask for it."""
    if job := named(api.jobs.get, name):
        named(present, api.jobs, job)
        named(row_view, job)
        every_file(lambda: [job])
    named(api.jobs.cancel, name)
    named(api.jobs.redeliver, name)
    named(notifier.deliver, name)
    named(notifier.postpone, name, 5.0)


@pytest.mark.parametrize("store", GROUNDS)
def test_the_other_rows_of_a_canceled_batch_are_canceled(store: str) -> None:
    whole = row("job_odd", 1)
    text = to_json(whole)
    for place in places(json.loads(text)):
        with new_ground(store) as ground:
            api, _ = parts(ground)
            batch = batch_of(total=2, check_at=at(1))
            ground.store.create([row("job_row", 900)], batch=batch, now=NOW)
            store_odd_jobs(ground, whole, odd_bodies(text, place) * 6)  # more than one page
            named(api.batches.cancel, "batch_1")
            assert ground.store.get_job("job_row").status is Status.CANCELED, place


@pytest.mark.parametrize("store", GROUNDS)
def test_a_row_that_is_not_where_it_says_hides_none_behind_it(store: str) -> None:
    with new_ground(store) as ground:
        api, _ = parts(ground)
        rows = [row("job_odd", 0), row("job_row", 1)]
        ground.store.create(rows, batch=batch_of(total=2, check_at=at(1)), now=NOW)
        ground.put("jobs", "job_odd", to_json(replace(rows[0], position=900)))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("versequeue.service.rows.PAGE", 1)
            api.batches.cancel("batch_1")
        assert ground.store.get_job("job_row").status is Status.CANCELED


BATCHES = {
    "open": batch_of("batch_odd", check_at=at(1), cancel_requested_at=NOW, expected_s=9.0),
    "ended": batch_of(
        "batch_odd",
        finished_at=NOW,
        metadata={"file": "a.txt"},
        webhook=announce(HOOK, "batch_odd", "batch.completed", NOW),
    ),
}


@pytest.mark.parametrize("store", GROUNDS)
@pytest.mark.parametrize("state", BATCHES)
def test_an_odd_batch_travels_alone(store: str, state: str) -> None:
    whole = BATCHES[state]
    text = to_json(whole)
    for place in places(json.loads(text)):
        for body in odd_bodies(text, place):
            with new_ground(store) as ground:
                _beside_odd_batch(ground, whole, body)


def _beside_odd_batch(ground: Ground, whole: Batch, body: str) -> None:
    api, notifier = parts(ground)
    # With the end of its only row somebody looks at the batch.
    rows = [queued_job("job_0"), running(replace(row("job_1", 1), batch_id="batch_odd"))]
    ground.store.create([*rows, running(queued_job("job_held"))], batch=whole, now=NOW)
    ground.store.create([row("job_row", 1)], batch=batch_of(total=1, check_at=at(1)), now=NOW)
    ground.put("batches", "batch_odd", body)
    if found := named(api.batches.get, "batch_odd"):
        assert batch_view(found.batch, found.counts, SETTINGS, eta_s=found.eta_s(NOW))
    # Its row ends as every other does, and keeps nobody back.
    api.store.update_job("job_1", lambda job: replace(job, cancel_requested_at=NOW))
    assert api.worker_side.abandon(["job_1", "job_held"], "w") == 2
    assert [attempt.job.id for attempt in api.worker_side.claim_all(["job_0"], Stage.WRITING)]
    named(api.batches.retry_failed, "batch_odd")
    named(api.batches.cancel, "batch_odd")
    named(notifier.deliver, "batch_odd")
    for _ in range(3):
        api.clock.pass_s(86400)
        sweep(ground.store, api.queue, api.clock)
    for one in ("job_0", "job_held", "job_row"):
        assert ground.store.get_job(one).done, one
    assert ground.store.get_batch("batch_1").finished_at


def submit_all(api: ApiUnderTest, client: str, key: str) -> None:
    """One of each thing that can be asked for, without knowing of what is stored."""
    submission = Submission(client=client, key=key, body=b"{}")
    job = api.jobs.submit("rain", OPTIONS, submission).found
    present(api.jobs, job)
    rows = [Row(1, "a", "rain", OPTIONS)]
    api.batches.submit(rows, replace(submission, key=None))
    api.jobs.status()
    api.jobs.warm_up()
    for attempt in api.worker_side.claim_all([job.id], Stage.LOADING_MODEL):
        attempt.lines(["one"])
        attempt.succeed(song_of("one"), Metrics(0.1, True, 1.0, 2.0, 3))
    api.worker_side.show_model(About("m"))
    api.clock.pass_s(61)


@pytest.mark.parametrize("store", GROUNDS)
@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("tallies", "everybody"),
        ("tallies", "client:one"),
        ("states", "worker"),
        ("states", "warmup"),
    ],
)
def test_whoever_asks_is_served_whatever_was_counted_or_measured(
    store: str, table: str, name: str
) -> None:
    with new_ground(store) as ground:
        submit_all(parts(ground)[0], "one", "first")
        text = ground.body(table, name)
    for place in places(json.loads(text)):
        with new_ground(store) as ground:
            api, _ = parts(ground)
            submit_all(api, "one", "first")
            for number, body in enumerate(odd_bodies(text, place)):
                ground.put(table, name, body)
                # A sound tally may say that nothing is left.
                client = "one" if table == "states" or name == "everybody" else "other"
                with suppress(RateLimited, BudgetExhausted):
                    submit_all(api, f"{client}{number}", f"key {number}")
                named(submit_all, api, "one", f"again {number}")


@pytest.mark.parametrize("store", GROUNDS)
def test_an_odd_record_harms_only_its_own_key(store: str) -> None:
    with new_ground(store) as ground:
        api, _ = parts(ground)
        submit_all(api, "one", "first")
        (name,) = ground.names("records")
        text = ground.body("records", name)
        for place in places(json.loads(text)):
            for body in odd_bodies(text, place):
                ground.put("records", name, body)
                named(submit_all, api, "one", "first")
        submit_all(api, "two", "first")


def test_a_document_without_its_text_cannot_be_read() -> None:
    with new_ground("firestore") as ground:
        assert isinstance(ground, FirestoreGround)
        ground.store.create([queued_job("job_odd"), queued_job("job_1")], now=NOW)
        ground.put_without_text("jobs", "job_odd")
        assert [job.id for job in ground.store.due_jobs(at(99))] == ["job_1"]
        with pytest.raises(Unreadable):
            ground.store.get_job("job_odd")


def test_a_row_in_a_status_that_is_not_known_is_not_taken_for_finished() -> None:
    with new_ground("sqlite") as ground:
        ground.store.create([row("job_odd", 0), row("job_1", 1)], batch=batch_of(), now=NOW)
        with ground.store._file.transaction() as connection:
            connection.execute("UPDATE jobs SET status = 'rehearsing' WHERE id = 'job_odd'")
        assert ground.store.batch_counts("batch_1") == {Status.QUEUED: 2}
