"""The worker function between a message and the store, with a writer whose songs are given."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from freezegun import freeze_time

from lyricist.errors import BundleAway, BundleError, LyricistError
from lyricist.songs import Section, Song, SongRequest
from lyricist.writing.writer import Writer
from tests.support.api import ApiUnderTest, api_on_disk
from versequeue.config import Settings
from versequeue.errors import (
    ModelUnavailable,
    ModelUnusable,
    StoreUnavailable,
    VerseQueueError,
)
from versequeue.functions import wiring
from versequeue.functions.push import job_ids, push_body, read_message
from versequeue.ports.queue import Topic
from worker_fn import function
from worker_fn.lyrics import LyricsModel, open_lyrics
from worker_fn.studio import Studio, WorkerStopping


class GivenWriter:
    """Stands in for the model: writes what `song` says, and remembers what it was asked."""

    model_name = "given"
    model_digest = "sha256:0"
    model_licence = ""
    most_lanes = 1

    def __init__(self, song: Callable[[int, SongRequest], Song | LyricistError]) -> None:
        self.song = song
        self.asked: list[list[SongRequest]] = []

    def write(
        self,
        requests: Sequence[SongRequest],
        on_lines: Callable[[int, Sequence[str]], bool],
        _should_stop: Any,
        on_song: Callable[[int, Song | LyricistError], None],
    ) -> None:
        self.asked.append(list(requests))
        for index, request in enumerate(requests):
            on_lines(index, ["one"])
            on_song(index, self.song(index, request))


def a_song(_index: int = 0, _request: SongRequest | None = None, *, finished: bool = True) -> Song:
    return Song("Title", (Section("Verse 1", ("one", "two")),), "AABB", 1.0, 9, finished)


@pytest.fixture
def app(tmp_path: Path) -> ApiUnderTest:
    return api_on_disk(tmp_path, Settings(data_dir=tmp_path, lease_s=30, progress_interval_s=0))


def studio(app: ApiUnderTest, writer: GivenWriter) -> Studio:
    made = Studio(app.worker_side, open_lyrics)
    made._model = LyricsModel(cast(Writer, writer))
    return made


def test_a_job_becomes_a_song_with_a_receipt(app: ApiUnderTest) -> None:
    job_id = app.submit("rain", options={"seed": 7, "lines": 4, "effort": "best"})
    studio(app, GivenWriter(a_song)).perform([job_id])
    job = app.jobs.get(job_id)
    assert job.output is not None
    assert job.output["lyrics"] == "one\ntwo"
    assert job.output["title"] == "Title"
    assert job.output["rhyme"] == {"scheme": "AABB", "score": 1.0, "slant": [], "missed": []}
    assert job.output["receipt"]["seed"] == 7
    assert job.output["receipt"]["model_digest"] == "sha256:0"
    assert job.output["receipt"]["effort"] == "quick", "what it was written with"
    assert job.metrics.tokens == 9


def test_jobs_of_one_message_are_written_together_and_a_bad_one_stands_alone(
    app: ApiUnderTest,
) -> None:
    def song(index: int, _request: SongRequest) -> Song | LyricistError:
        return LyricistError("this one cannot be written") if index == 1 else a_song()

    ids = [app.submit(f"rain {number}") for number in range(3)]
    writer = GivenWriter(song)
    studio(app, writer).perform(ids)
    assert [request.prompt for request in writer.asked[0]] == ["rain 0", "rain 1", "rain 2"]
    jobs = [app.jobs.get(job_id) for job_id in ids]
    assert [job.status for job in jobs] == ["succeeded", "queued", "succeeded"]
    assert jobs[1].error is not None
    assert jobs[1].error["detail"] == "this one cannot be written"


def test_a_message_that_comes_twice_does_nothing_the_second_time(app: ApiUnderTest) -> None:
    job_id = app.submit()
    writer = GivenWriter(a_song)
    room = studio(app, writer)
    room.perform([job_id])
    before = app.store.get_job(job_id)
    room.perform([job_id])
    assert app.store.get_job(job_id) == before
    assert len(writer.asked) == 1


def test_an_abandoned_song_is_handed_back_and_a_canceled_one_ends(app: ApiUnderTest) -> None:
    kept, dropped = app.submit(), app.submit()

    def song(index: int, _request: SongRequest) -> Song:
        return a_song(finished=False)

    class Canceling(GivenWriter):
        def write(self, requests: Any, on_lines: Any, should_stop: Any, on_song: Any) -> None:
            app.jobs.cancel(dropped)
            super().write(requests, on_lines, should_stop, on_song)

    studio(app, Canceling(song)).perform([kept, dropped])
    assert app.jobs.get(kept).status == "queued"
    assert app.jobs.get(dropped).status == "canceled"


def test_a_worker_that_was_given_up_on_cannot_store_its_song(app: ApiUnderTest) -> None:
    job_id = app.submit()
    with freeze_time("2026-05-01T12:00:00Z") as frozen:

        def slow(_index: int, _request: SongRequest) -> Song:
            frozen.tick(timedelta(seconds=31))
            return a_song()

        studio(app, GivenWriter(slow)).perform([job_id])
    job = app.store.get_job(job_id)
    assert job is not None
    assert job.output is None
    assert job.status == "running"


def test_a_song_that_cannot_be_stored_asks_for_the_message_again_and_spares_the_others(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [app.submit(), app.submit()]
    real = app.store.update_job

    def failing(job_id: str, change: Any) -> Any:
        if job_id == ids[0] and app.store.get_job(job_id).status == "running":  # type: ignore[union-attr]
            raise VerseQueueError("the disk is full")
        return real(job_id, change)

    monkeypatch.setattr(app.store, "update_job", failing)
    monkeypatch.setattr("versequeue.service.attempt.StoreUnavailable", VerseQueueError)
    with pytest.raises(VerseQueueError, match="disk"):
        studio(app, GivenWriter(a_song)).perform(ids)
    assert app.jobs.get(ids[1]).status == "succeeded"


def test_a_song_that_is_stored_is_not_asked_for_again_because_its_time_could_not_be_noted(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = app.submit()

    def lost(name: str, change: Any) -> Any:
        raise StoreUnavailable("Too many are changing the same document; try again.")

    made = studio(app, GivenWriter(a_song))
    monkeypatch.setattr(app.store, "update_state", lost)
    made.perform([job_id])
    assert app.jobs.get(job_id).status == "succeeded"


def test_a_stopping_worker_asks_for_the_message_again(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_fn.studio.stopping", lambda: True)
    with pytest.raises(WorkerStopping):
        studio(app, GivenWriter(lambda *_: a_song(finished=False))).perform([app.submit()])


def fails_to_load(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Writer, "open", fail)


@pytest.mark.parametrize(
    "error",
    [
        BundleAway("The storage is away."),
        ModelUnavailable("The storage is away."),
        OSError("The storage is away."),
    ],
)
def test_a_model_that_is_out_of_reach_for_long_costs_no_job_an_attempt_that_counts(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fails_to_load(monkeypatch, error)
    job_id = app.submit()
    for _ in range(10):
        # It raises nothing: the message is not to come again at once.
        Studio(app.worker_side, open_lyrics).perform([job_id])
    job = app.jobs.get(job_id)
    assert (job.status, job.tries) == ("queued", 0)
    assert (job.publish_at - app.clock()).total_seconds() > 200
    shown = app.client.get(f"/v1/jobs/{job_id}").get_json()
    assert shown["attempt"] < shown["max_attempts"]
    assert shown["events"][-1]["detail"] == "The storage is away."
    studio(app, GivenWriter(a_song)).perform([job_id])
    assert app.jobs.get(job_id).status == "succeeded"


@pytest.mark.parametrize(
    "error",
    [BundleError("It is damaged."), ModelUnusable("It is damaged."), ValueError("It is damaged.")],
)
def test_a_model_that_is_damaged_fails_its_jobs_at_once_with_the_reason(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fails_to_load(monkeypatch, error)
    ids = [app.submit(), app.submit()]
    Studio(app.worker_side, open_lyrics).perform(ids)
    for job_id in ids:
        job = app.jobs.get(job_id)
        assert (job.status, job.attempt) == ("failed", 1)
        assert job.error
        assert "It is damaged." in job.error["detail"]
        assert job.error["type"] == "/problems/model-unusable"


def test_a_bundle_whose_folder_is_away_is_waited_for(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wiring, "model_folder", lambda *_: tmp_path / "nothing")
    job_id = app.submit()
    Studio(app.worker_side, open_lyrics).perform([job_id])
    assert app.jobs.get(job_id).tries == 0


def test_rows_that_waited_for_the_model_still_go_together(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_to_load(monkeypatch, BundleAway("The storage is away."))
    ids = [app.submit(), app.submit()]
    Studio(app.worker_side, open_lyrics).perform(ids)
    writer = GivenWriter(a_song)
    studio(app, writer).perform(ids)
    assert [len(requests) for requests in writer.asked] == [2]


@pytest.mark.parametrize(("name", "waits"), [("", True), ("local-1", False)])
def test_only_an_instance_in_the_cloud_answers_a_warm_up_when_its_model_is_loaded(
    name: str, waits: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    studio = Mock()
    monkeypatch.setattr(wiring, "settings", lambda: Settings(data_dir=tmp_path, worker=name))
    monkeypatch.setattr(function, "studio_of", lambda _model: studio)
    event = Mock(data=json.loads(push_body({"warmup": True}, "1")))
    function.receive(event, open_lyrics)
    assert (studio.warm_up.called, studio.begin_warm_up.called) == (waits, not waits)


@pytest.mark.parametrize(("bulk_only", "seen"), [(False, "warm"), (True, "unknown")])
def test_a_worker_for_batches_does_not_count_as_warm_for_visitors(
    bulk_only: bool, seen: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, bulk_only=bulk_only))
    monkeypatch.setattr(wiring, "model_folder", lambda *_: tmp_path)
    monkeypatch.setattr(Writer, "open", lambda _folder, _threads: GivenWriter(a_song))
    rows = b'{"prompt":"rain"}\n{"prompt":"snow"}\n'
    app.client.post("/v1/batches", data=rows, content_type="application/jsonl")
    delivery = app.queue.lease((Topic.BULK,), app.jobs.clock(), 600)
    assert delivery is not None

    Studio(app.worker_side, open_lyrics).perform(job_ids(delivery.message))

    assert app.client.get("/v1/status").get_json()["worker"] == seen


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"message": {}},
        {"message": {"data": "not base64!"}},
        {"message": {"data": base64.b64encode(b"not json").decode()}},
        {"message": {"data": base64.b64encode(b"[1]").decode()}},
        {"message": {"data": base64.b64encode(b"\xff").decode()}},
    ],
)
def test_a_message_that_cannot_be_read_is_dropped_with_one_line_in_the_log(
    data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_message(data) is None
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "ids", [None, "job_1", [], [1], ["x"] * 0, [f"job_{n}" for n in range(1000)], ["a/b"], [""]]
)
def test_a_message_with_odd_ids_names_no_job(ids: Any) -> None:
    assert job_ids({"job_ids": ids}) == []


def test_a_message_comes_back_from_a_push_as_it_was() -> None:
    message = {"job_ids": ["job_1", "job_2", "job_1"]}
    read = read_message(json.loads(push_body(message, "5")))
    assert read == message
    assert job_ids(read) == ["job_1", "job_2"]


def test_a_message_about_a_job_that_nobody_knows_is_acknowledged(app: ApiUnderTest) -> None:
    studio(app, GivenWriter(a_song)).perform(["job_unknown"])
    assert app.store.count_queued() == 0
