"""The contract's objects: the client reads what the server writes, with nothing lost between."""

from typing import Any

import pytest

from tests.support.samples import at, batch_of, finished_job, queued_job
from versequeue.client.reading import read_answer
from versequeue.client.types import Batch, Job, Row
from versequeue.config import Settings
from versequeue.contract.wire import to_wire
from versequeue.errors import GenerationFailed
from versequeue.rules.job import Status
from versequeue.rules.outlook import Wait
from versequeue.service.views import batch_view, job_view, row_view

SETTINGS = Settings.from_environ({})
SONG = {
    "lyrics": "one\ntwo",
    "title": "One",
    "sections": [{"name": "Verse 1", "lines": ["one", "two"], "rhyme_scheme": "AABB"}],
    "rhyme": {"scheme": "AABB", "score": 0.5, "slant": [[1, 2]], "missed": [[3, 4]]},
    "receipt": {
        "model": "tiny",
        "model_digest": "sha256:0",
        "seed": 7,
        "input_digest": "0",
        "effort": "quick",
        "version": "1",
        "kernels": "x86_64 avx2",
        "asked": {"prompt": "rain", "options": {"lines": 4}},
        "lyrics_digest": "0",
    },
    "alternatives": [["won"], []],
}
FAULT = GenerationFailed("It broke.").problem().document()
WRITTEN = finished_job(output=SONG)
FAILED = queued_job(status=Status.FAILED, stage=None, error=FAULT, custom_id="1", line=1)


def read_back(cls: Any, document: dict[str, Any]) -> dict[str, Any]:
    """What the client has read, written again."""
    written = to_wire(read_answer(cls, document))
    return {name: written[name] for name in written if name not in ("raw", "replayed")}


@pytest.mark.parametrize("job", [queued_job(), WRITTEN, FAILED])
def test_a_job_is_read_as_it_is_written(job: Any) -> None:
    document = job_view(job, SETTINGS, position=2, wait=Wait(1.5, 3.0))
    assert read_back(Job, document) == document


@pytest.mark.parametrize("job", [WRITTEN, FAILED])
def test_a_row_is_read_as_it_is_written(job: Any) -> None:
    document = row_view(job)
    assert read_back(Row, document) == document


def test_a_batch_is_read_as_it_is_written() -> None:
    batch = batch_of(finished_at=at(9), webhook=WRITTEN.webhook)
    document = batch_view(batch, {Status.FAILED: 1, Status.SUCCEEDED: 1}, SETTINGS, eta_s=3.5)
    assert read_back(Batch, document) == document


def test_a_stored_song_and_a_stored_problem_go_out_as_they_are() -> None:
    assert row_view(WRITTEN)["output"] == SONG
    assert row_view(FAILED)["error"] == FAULT
