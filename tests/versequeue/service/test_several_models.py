"""What is learned and told where a server has several models, and of records from before."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, make_api
from tests.support.samples import NOW, queued_job, song_of
from versequeue.config import Settings
from versequeue.local.dispatcher import TOPICS, go_together, joined
from versequeue.named_models import read_models
from versequeue.ports.queue import Topic
from versequeue.ports.store import State
from versequeue.records import from_record, to_record
from versequeue.rules.job import Job, Metrics, Stage, Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.outlook import About, wait_of
from versequeue.rules.waits import Work, work_of
from versequeue.service import estimates
from versequeue.service.hints import job_messages


@pytest.fixture
def app() -> ApiUnderTest:
    return make_api(Settings(hash_key="test", models=read_models("small=tiny,big=default")))


def written(app: ApiUnderTest, seconds: float, load_s: float = 0.0, **options: Any) -> None:
    """A song of 16 lines that took so long, with the model that `options` name."""
    attempt = app.worker_side.claim(app.submit(options=options), Stage.WRITING)
    assert attempt
    app.clock.pass_s(seconds)
    attempt.succeed(song_of("la"), Metrics(0.0, False, load_s, seconds))
    app.clock.pass_s(3)


def test_each_model_is_learned_of_its_own_songs(app: ApiUnderTest) -> None:
    app.worker_side.show_model(About("Small", "mit", lanes=1), "small")
    written(app, 4.0)
    app.worker_side.show_model(About("Big", "gemma", lanes=1), "big")
    written(app, 16.0, load_s=2.0, model="big")
    small, big = app.client.get("/v1/models").get_json()["data"]
    assert (small["expected_wait_seconds"]["warm"], small["load_seconds"]) == (4.0, None)
    assert (big["expected_wait_seconds"]["warm"], big["load_seconds"]) == (16.0, 2.0)
    assert [model["loaded"] for model in (small, big)] == [False, True]
    assert [model["licence"] for model in (small, big)] == ["mit", "gemma"]
    assert app.client.get("/v1/status").get_json()["expected_wait_seconds"]["warm"] == 4.0


def test_a_waiting_job_is_told_of_the_change_of_model(app: ApiUnderTest) -> None:
    app.worker_side.show_model(About("Small"), "small")
    written(app, 4.0, load_s=1.0)
    app.worker_side.show_model(About("Big"), "big")
    written(app, 16.0, load_s=2.0, model="big")
    told = {}
    for name in ("big", "small"):
        job_id = app.submit(options={"model": name})
        told[name] = app.client.get(f"/v1/jobs/{job_id}").get_json()["eta_seconds"]
        app.client.post(f"/v1/jobs/{job_id}/cancel")
    assert told == {"big": 16.0, "small": 1.0 + 4.0}


def test_a_job_for_a_model_that_was_not_measured_is_told_no_time(app: ApiUnderTest) -> None:
    written(app, 4.0)
    job_id = app.submit(options={"model": "big"})
    assert app.client.get(f"/v1/jobs/{job_id}").get_json()["eta_seconds"] is None
    rows = b'{"prompt":"rain","options":{"model":"big"}}\n{"prompt":"rain"}\n'
    batch = app.client.post("/v1/batches", data=rows, content_type="application/jsonl").get_json()
    assert batch["eta_seconds"] is None


def test_a_record_without_a_model_is_one_of_the_first(app: ApiUnderTest) -> None:
    record = to_record(queued_job())
    del record["options"]["model"]
    old = from_record(Job, record)
    assert old.options.model == ""
    assert app.jobs.settings.model_of(old.options.model) == app.jobs.settings.models[0]
    before: State = {"seen_at": "2026-03-01T12:00:00.000000Z", "lanes": 1, "model": "m"}
    outlook = estimates.read({**before, "pace": {"line_s": {"quick": [0.25]}}}, NOW, 9e9)
    assert wait_of(old, outlook, NOW)


def test_what_is_described_at_a_start_keeps_the_lanes_and_forgets_what_is_gone() -> None:
    state = estimates.seen({}, NOW, "w", About("Small", "mit", 4), "small")
    state = estimates.seen(state, NOW, "w", About("Old"), "old")
    told = estimates.described(state, {"small": About("Small", "mit"), "big": About("Big")})
    assert estimates.read(told, NOW, 60).models == {
        "small": About("Small", "mit", 4),
        "big": About("Big"),
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"models": {"a": {"lanes": 0}}},
        {"models": {"a": 5}},
        {"paces": {"a": {"slowness": 0.0}}},
        {"paces": []},
        {"loaded": 5},
    ],
)
def test_what_is_stored_of_models_and_cannot_be_read_begins_anew(odd: State) -> None:
    assert estimates.sound(odd) == {}


def test_visitors_who_wait_for_one_model_are_pushed_together(app: ApiUnderTest) -> None:
    ids = [app.submit(options={"model": name}) for name in ("small", "big", "small", "big")]

    def work(job_id: str) -> Work | None:
        job = app.store.get_job(job_id)
        return work_of(job.options, job.given) if job else None

    def fits(taken: Any, candidate: Any) -> Any:
        return go_together(work, taken, candidate)

    pushed = []
    while deliveries := app.queue.lease_together(TOPICS, app.clock(), 600, fits):
        pushed.append(joined(deliveries)["job_ids"])
        app.queue.ack_all(deliveries)
    assert pushed == [[ids[0], ids[2]], [ids[1], ids[3]]]


def test_rows_that_take_turns_are_messages_of_one_model_each(app: ApiUnderTest) -> None:
    rows = [
        queued_job(str(n), batch_id="b", options=ResolvedOptions(n, model="ab"[n % 2]))
        for n in range(20)
    ]
    messages = [message["job_ids"] for message in job_messages(rows)]
    assert [len(ids) for ids in messages] == [8, 2, 8, 2]
    assert {int(job_id) % 2 for ids in messages[:2] for job_id in ids} == {0}


def test_a_row_that_is_tried_again_keeps_its_model(app: ApiUnderTest) -> None:
    rows = b'{"prompt":"rain","options":{"model":"big"}}\n'
    path = "/v1/batches"
    batch = app.client.post(path, data=rows, content_type="application/jsonl").get_json()
    [message] = app.messages(Topic.BULK)
    [job_id] = message["job_ids"]

    def fail(job: Job) -> Job:
        return replace(job, status=Status.FAILED, finished_at=app.clock())

    app.store.update_job(job_id, fail)
    app.client.post(f"{path}/{batch['id']}/retry-failed")
    [again] = app.messages(Topic.BULK)
    job = app.store.get_job(again["job_ids"][0])
    assert job
    assert (job.id != job_id, job.options.model) == (True, "big")
