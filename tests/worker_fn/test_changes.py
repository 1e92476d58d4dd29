"""A worker of a server with several models: one of them in memory, jobs grouped by theirs."""

import gc
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest, api_on_disk
from tests.support.waiting import wait_until
from versequeue.config import Settings
from versequeue.errors import ModelUnavailable, ModelUnusable
from versequeue.named_models import read_models
from versequeue.rules.job import Job, Stage, Status
from versequeue.service import estimates
from worker_fn.model import OneByOne, Result
from worker_fn.studio import Studio


class Played(OneByOne):
    """Says who it is; `fate` has what happens to a model when it is opened."""

    digest, licence = "sha256:1", "mit"

    def __init__(self, folder: Path) -> None:
        self.name = folder.name

    def result_of(self, job: Job) -> Result:
        return Result({"lyrics": f"{self.name} of {job.prompt}"}, tokens=1)


class Loads:
    """Opens models, and notes which, and how many are in memory at the same time."""

    def __init__(self, fate: dict[str, Exception] | None = None) -> None:
        self.opened: list[str] = []
        self.fate = fate or {}
        self.most = 0
        self._alive: weakref.WeakSet[Played] = weakref.WeakSet()

    def __call__(self, folder: Path) -> Played:
        self.opened.append(folder.name)
        if folder.name in self.fate:
            raise self.fate[folder.name]
        gc.collect()
        model = Played(folder)
        self._alive.add(model)
        self.most = max(self.most, len(self._alive))
        return model


@pytest.fixture
def app(tmp_path: Path) -> ApiUnderTest:
    models = read_models(f"{tmp_path}/a,{tmp_path}/b,{tmp_path}/c")
    return api_on_disk(tmp_path, Settings(data_dir=tmp_path, models=models, progress_interval_s=0))


def submit(app: ApiUnderTest, models: str) -> list[str]:
    return [app.submit("rain", options={"model": model}) for model in models]


def outcomes(app: ApiUnderTest, ids: Sequence[str]) -> list[str]:
    jobs = [app.jobs.get(job_id) for job_id in ids]
    return [job.output["lyrics"][0] if job.output else job.status.value for job in jobs]


def told_as_loaded(app: ApiUnderTest) -> str | None:
    state = app.store.get_state(estimates.WORKER_DOCUMENT)
    return estimates.read(state, app.clock(), 60).loaded


def test_the_jobs_of_a_message_are_done_model_by_model_the_loaded_one_first(
    app: ApiUnderTest,
) -> None:
    loads = Loads()
    studio = Studio(app.worker_side, loads)
    studio.perform(submit(app, "b"))
    ids = submit(app, "abcabcab")
    studio.perform(ids)
    assert outcomes(app, ids) == list("abcabcab")
    assert loads.opened == ["b", "a", "c"]
    assert loads.most == 1, "two may be more than the memory holds"
    metrics = [app.jobs.get(job_id).metrics for job_id in ids]
    assert [each.cold_start for each in metrics] == [False] * 8
    assert [bool(each.model_load_s) for each in metrics[:2]] == [True, False]
    assert told_as_loaded(app) == "c"


def test_a_job_begins_with_loading_only_where_another_model_is_loaded(app: ApiUnderTest) -> None:
    studio = Studio(app.worker_side, Loads())
    first, second, other = submit(app, "aab")
    for job_id in (first, second, other):
        studio.perform([job_id])
    stages = [
        next(event.detail for event in app.jobs.get(job_id).events if event.event == "claimed")
        for job_id in (first, second, other)
    ]
    assert stages == ["loading_model", "writing", "loading_model"]


def test_a_warm_up_loads_the_first_model_and_leaves_another_that_is_loaded(
    app: ApiUnderTest,
) -> None:
    loads = Loads()
    studio = Studio(app.worker_side, loads)
    studio.warm_up()
    studio.perform(submit(app, "b"))
    studio.warm_up()
    assert loads.opened == ["a", "b"]
    assert told_as_loaded(app) == "b"


def test_a_job_that_comes_while_a_warm_up_loads_says_so_and_shares_its_model(
    app: ApiUnderTest,
) -> None:
    loads, may_load = Loads(), threading.Event()

    def open_slowly(folder: Path) -> Played:
        assert may_load.wait(30)
        return loads(folder)

    studio = Studio(app.worker_side, open_slowly)
    [job_id] = submit(app, "a")

    def says_so() -> bool:
        return app.jobs.get(job_id).stage is Stage.LOADING_MODEL

    warm_up = studio.begin_warm_up()
    with ThreadPoolExecutor() as pool:
        try:
            done = pool.submit(studio.perform, [job_id])
            wait_until(says_so, 10, what="a claim before the model is there")
        finally:
            may_load.set()
        done.result(30)
    warm_up.join(30)
    assert outcomes(app, [job_id]) == ["a"]
    assert loads.opened == ["a"]


def test_a_warm_up_that_fails_is_left_to_the_next_job_to_tell(app: ApiUnderTest) -> None:
    studio = Studio(app.worker_side, Loads({"a": ModelUnusable("It is damaged.")}))
    studio.begin_warm_up().join(30)
    ids = submit(app, "a")
    studio.perform(ids)
    assert outcomes(app, ids) == ["failed"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(ModelUnusable("It is damaged."), "failed"), (ModelUnavailable("It is away."), "queued")],
)
def test_a_model_that_cannot_be_loaded_holds_up_only_its_own_jobs(
    app: ApiUnderTest, error: Exception, status: str
) -> None:
    loads = Loads({"b": error})
    studio = Studio(app.worker_side, loads)
    ids = submit(app, "abab")
    studio.perform(ids)
    assert outcomes(app, ids) == ["a", status, "a", status]
    more = submit(app, "a")
    studio.perform(more)
    assert outcomes(app, more) == ["a"]
    assert loads.opened == ["a", "b", "a"], "the one that was there had made room"


def test_a_job_for_a_model_that_was_taken_away_ends_without_a_model_being_loaded(
    app: ApiUnderTest, tmp_path: Path
) -> None:
    [job_id] = submit(app, "c")
    settings = Settings(data_dir=tmp_path, models=read_models(f"{tmp_path}/a"))
    loads = Loads()
    after = api_on_disk(tmp_path, settings)
    Studio(after.worker_side, loads).perform([job_id])
    job = after.jobs.get(job_id)
    assert (job.status, job.attempt, loads.opened) == (Status.FAILED, 1, [])
    assert job.error
    assert job.error["detail"] == "The model c is not served here any more; this server has a."


def test_a_worker_that_is_asked_to_stop_hands_back_what_is_for_another_model(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = Loads()
    studio = Studio(app.worker_side, loads)
    studio.perform(submit(app, "a"))
    ids = submit(app, "ab")
    asked = iter([False, False, True, True, True, True, True])
    monkeypatch.setattr("worker_fn.studio.stopping", lambda: next(asked, True))
    with pytest.raises(Exception, match="asked to stop"):
        studio.perform(ids)
    assert outcomes(app, ids) == ["a", "queued"]
    assert loads.opened == ["a"]
