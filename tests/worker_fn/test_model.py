"""A model that does one job after the other, between the studio and the store."""

from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest, api_on_disk
from versequeue.config import Settings
from versequeue.errors import ModelUnavailable
from versequeue.functions import wiring
from versequeue.rules.job import Job
from worker_fn.model import OneByOne, Result
from worker_fn.studio import Studio


class Echo(OneByOne):
    """Says a prompt again, unless that is empty of sense."""

    name, digest = "echo", "sha256:1"

    def __init__(self, _folder: Path) -> None:
        self.done: list[str] = []

    def result_of(self, job: Job) -> Result:
        self.done.append(job.prompt)
        if job.prompt == "nonsense":
            raise ValueError("There is no sense in it.")
        return Result({"lyrics": job.prompt, "own": job.own_options}, tokens=2)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ApiUnderTest:
    monkeypatch.setattr(wiring, "model_folder", lambda *_: tmp_path)
    settings = Settings(data_dir=tmp_path, own_options=True, progress_interval_s=0)
    return api_on_disk(tmp_path, settings)


def test_each_job_gets_its_own_result_with_a_receipt(app: ApiUnderTest) -> None:
    ids = [app.submit("rain", options={"loud": True}), app.submit("nonsense"), app.submit("snow")]
    Studio(app.worker_side, Echo).perform(ids)
    rain, nonsense, snow = [app.jobs.get(job_id) for job_id in ids]
    assert rain.output
    assert rain.output["own"] == {"loud": True}
    assert rain.output["receipt"]["model"] == "echo"
    assert rain.metrics.tokens == 2
    assert nonsense.error
    assert nonsense.error["detail"] == "There is no sense in it."
    assert snow.output
    assert snow.output["receipt"]["input_digest"] != rain.output["receipt"]["input_digest"]


def test_options_are_part_of_what_the_receipt_names(app: ApiUnderTest) -> None:
    ids = [app.submit("rain", options={"loud": loud}) for loud in (True, False, True)]
    Studio(app.worker_side, Echo).perform(ids)
    outputs = [app.jobs.get(job_id).output or {} for job_id in ids]
    first, other, again = [output["receipt"]["input_digest"] for output in outputs]
    assert first == again != other


def test_a_job_that_was_canceled_is_not_begun(app: ApiUnderTest) -> None:
    class Canceling(Echo):
        def result_of(self, job: Job) -> Result:
            app.jobs.cancel(ids[1])
            return super().result_of(job)

    models: list[Canceling] = []
    ids = [app.submit("rain"), app.submit("snow")]

    def open_model(folder: Path) -> Canceling:
        models.append(Canceling(folder))
        return models[0]

    Studio(app.worker_side, open_model).perform(ids)
    assert models[0].done == ["rain"]
    assert [app.jobs.get(job_id).status for job_id in ids] == ["succeeded", "canceled"]


def test_a_worker_that_stops_hands_back_what_it_has_not_begun(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = app.submit("rain")
    monkeypatch.setattr("worker_fn.studio.stopping", lambda: True)
    with pytest.raises(Exception, match="asked to stop"):
        Studio(app.worker_side, Echo).perform([job_id])
    assert app.jobs.get(job_id).status == "queued"


def test_a_model_that_is_not_there_is_waited_for(app: ApiUnderTest) -> None:
    def missing(folder: Path) -> Echo:
        raise ModelUnavailable(f"There is nothing in {folder}.")

    job_id = app.submit("rain")
    Studio(app.worker_side, missing).perform([job_id])
    job = app.jobs.get(job_id)
    assert (job.status, job.tries) == ("queued", 0)
    assert "There is nothing" in str(job.events[-1].detail)


def test_what_nobody_expects_of_a_model_ends_the_attempt_at_once_and_opens_the_model_anew(
    app: ApiUnderTest,
) -> None:
    class Failing(Echo):
        def result_of(self, job: Job) -> Result:
            if job.prompt == "rain" and len(opened) < 3:
                raise KeyError("nobody expects it")
            return super().result_of(job)

    opened: list[Failing] = []

    def open_model(folder: Path) -> Failing:
        if not opened:
            opened.append(Failing(folder))
            raise RuntimeError("neither does anybody expect this")
        opened.append(Failing(folder))
        return opened[-1]

    studio = Studio(app.worker_side, open_model)
    ids = [app.submit("snow"), app.submit("rain"), app.submit("sun")]
    studio.perform(ids)
    assert [app.jobs.get(job_id).status for job_id in ids] == ["queued"] * 3
    for job_id in ids * 2:
        studio.perform([job_id])
    jobs = [app.jobs.get(job_id) for job_id in ids]
    assert [(job.status, job.attempt) for job in jobs] == [
        ("succeeded", 2),
        ("succeeded", 3),
        ("succeeded", 2),
    ]
    assert len(opened) == 3


def test_a_model_that_fails_unexpectedly_each_time_fails_its_job_for_that(
    app: ApiUnderTest,
) -> None:
    def open_model(_folder: Path) -> Echo:
        raise RuntimeError("nobody expects it")

    job_id = app.submit("rain")
    for _ in range(5):
        Studio(app.worker_side, open_model).perform([job_id])
    job = app.jobs.get(job_id)
    assert job.status == "failed"
    assert job.error
    assert job.error["type"] == "/problems/internal"
