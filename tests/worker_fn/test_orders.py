"""A job's options against the model's: two packages that do not know each other, one vocabulary."""

from dataclasses import asdict, fields
from typing import get_args

import pytest

from lyricist.language.schemes import PATTERNS, parts
from lyricist.songs import Effort, SongRequest
from lyricist.writing.styles import STYLES
from tests.support.samples import queued_job
from versequeue.rules.options import Effort as JobEffort
from versequeue.rules.options import ResolvedOptions, RhymeScheme, Structure, Style
from worker_fn.orders import song_request


def test_the_model_has_the_options_of_a_job_with_the_same_defaults() -> None:
    asked = asdict(SongRequest("rain", seed=7))
    assert asked.pop("prompt") == "rain"
    assert asked == asdict(ResolvedOptions(seed=7))
    assert [one.name for one in fields(SongRequest) if one.name not in asked] == ["prompt"]


def test_the_model_knows_every_word_that_a_job_may_use() -> None:
    assert set(get_args(RhymeScheme)) == set(PATTERNS)
    assert set(get_args(Style)) == set(STYLES)
    assert set(get_args(JobEffort)) == {effort.value for effort in Effort}


@pytest.mark.parametrize("structure", get_args(Structure))
def test_the_model_shares_out_the_lines_of_every_structure(structure: str) -> None:
    assert sum(part.lines for part in parts(structure, 16)) == 16


def test_what_the_model_is_asked_for_is_what_the_job_says() -> None:
    job = queued_job(
        options=ResolvedOptions(seed=3, lines=8, style="folk", mood="calm", explicit=True)
    )
    request = song_request(job)
    assert request == SongRequest(job.prompt, 8, style="folk", mood="calm", seed=3, explicit=True)
