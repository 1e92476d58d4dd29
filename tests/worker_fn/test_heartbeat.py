"""The heartbeat beside the writing: it outlives a slow line, and not a writer that hangs."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lyricist.songs import Section, Song, SongRequest
from tests.support.api import ApiUnderTest, api_on_disk
from tests.support.waiting import wait_until
from versequeue.config import Settings
from versequeue.rules.job import Job, Stage, Status
from worker_fn.heartbeat import Heartbeat
from worker_fn.lyrics import LyricsModel, open_lyrics
from worker_fn.studio import Studio

SONG = Song("Title", (Section("Verse 1", ("one", "two")),), "AABB", 1.0, 9, finished=True)
LEASE_S = 0.6
STALL_LIMIT_S = 60.0


@pytest.fixture
def app(tmp_path: Path) -> ApiUnderTest:
    settings = Settings(data_dir=tmp_path, lease_s=LEASE_S, stall_limit_s=STALL_LIMIT_S)
    return api_on_disk(tmp_path, settings)


class SlowWriter:
    """Draws tokens for one line until its lease has been renewed beyond its first end."""

    model_name, model_digest, model_licence, most_lanes = "given", "sha256:0", "", 1

    def __init__(self, app: ApiUnderTest, job_id: str) -> None:
        self._app, self._job_id = app, job_id

    def write(
        self,
        _requests: Sequence[SongRequest],
        on_lines: Callable[[int, Sequence[str]], bool],
        should_stop: Callable[[], bool],
        on_song: Callable[[int, Song], None],
    ) -> None:
        first = self._lease_ends_at()

        def outlived() -> bool:
            should_stop()
            return self._lease_ends_at() > first + LEASE_S

        wait_until(outlived, 60)
        on_lines(0, ["one"])
        on_song(0, SONG)

    def _lease_ends_at(self) -> float:
        job = self._app.store.get_job(self._job_id)
        assert job is not None
        assert job.lease_expires_at is not None
        return job.lease_expires_at.timestamp()


def test_a_line_that_takes_longer_than_the_lease_keeps_it(app: ApiUnderTest) -> None:
    job_id = app.submit()
    studio = Studio(app.worker_side, open_lyrics)
    writer: Any = SlowWriter(app, job_id)
    studio._model = LyricsModel(writer)
    studio.perform([job_id])
    job = app.jobs.get(job_id)
    assert (job.status, job.attempt) == (Status.SUCCEEDED, 1)


class Time:
    """Seconds that are set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def a_heart(
    app: ApiUnderTest, time: Time, on_stall: Callable[[], None] = lambda: None
) -> tuple[Heartbeat, Callable[[], Job]]:
    """A heart that beats for one claimed job, and that job as it is stored."""
    job_id = app.submit()
    attempt = app.worker_side.claim(job_id, Stage.WRITING)
    assert attempt is not None
    attempt._written_at = attempt._written_at.replace(year=2000)
    settings = app.worker_side.settings
    heart = Heartbeat([attempt], settings, on_stall, monotonic=time)
    return heart, lambda: app.jobs.get(job_id)


def test_it_stops_when_no_token_was_drawn_for_too_long(app: ApiUnderTest) -> None:
    time = Time()
    heart, job = a_heart(app, time)
    before = job()
    time.now = STALL_LIMIT_S + 1
    assert not heart.beat()
    assert job() == before
    heart.token()
    assert heart.beat()
    assert job() != before


def test_it_does_not_expect_tokens_while_the_model_is_loaded(app: ApiUnderTest) -> None:
    time = Time()
    heart, _ = a_heart(app, time)
    with heart.without_tokens():
        time.now = 10 * STALL_LIMIT_S
        assert heart.beat()
    assert heart.beat(), "the time of loading counts for nothing afterwards"


def test_a_worker_whose_writer_hangs_is_asked_to_end_once(app: ApiUnderTest) -> None:
    time = Time()
    stalled = threading.Event()
    heart, _ = a_heart(app, time, stalled.set)
    with heart:
        time.now = STALL_LIMIT_S + 1
        assert stalled.wait(timeout=30)


def test_a_worker_whose_attempts_are_over_is_asked_to_end_though_it_goes_on(
    app: ApiUnderTest,
) -> None:
    time = Time()
    heart, _ = a_heart(app, time)
    heart._attempts[0].over = True
    with heart.without_tokens():
        assert heart.beat(), "it has a stall limit's time to notice"
        time.now = STALL_LIMIT_S + 1
        assert not heart.beat()
    assert not heart.beat(), "tokens that are drawn for nobody count for nothing"


class BereftWriter:
    """Loses its job in the middle, and keeps what it is told about stopping."""

    model_name, model_digest, model_licence, most_lanes = "given", "sha256:0", "", 1

    def __init__(self, take_away: Callable[[], object]) -> None:
        self._take_away = take_away
        self.answers: list[bool] = []

    def write(
        self,
        _requests: Sequence[SongRequest],
        on_lines: Callable[[int, Sequence[str]], bool],
        should_stop: Callable[[], bool],
        on_song: Callable[[int, Song], None],
    ) -> None:
        self.answers.append(should_stop())
        self._take_away()
        on_lines(0, ["one"])
        self.answers.append(should_stop())
        on_song(0, SONG)


def test_writing_stops_when_all_its_attempts_are_over(tmp_path: Path) -> None:
    app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, progress_interval_s=0))
    job_id = app.submit()
    side = app.worker_side
    studio = Studio(side, open_lyrics)
    writer: Any = BereftWriter(lambda: app.worker_side.abandon([job_id], side.worker))
    studio._model = LyricsModel(writer)
    studio.perform([job_id])
    assert writer.answers == [False, True]
    assert app.jobs.get(job_id).status is Status.QUEUED


def test_a_machine_without_room_for_a_thread_writes_without_a_heartbeat(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heart, _ = a_heart(app, Time())

    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(heart._thread, "start", refuse)
    with heart:
        assert "no heartbeat" in caplog.text
