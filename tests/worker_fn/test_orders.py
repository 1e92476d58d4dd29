"""A job's options against the model's: two packages that do not know each other, one vocabulary."""

from dataclasses import asdict, fields
from typing import get_args

import pytest

from lyricist.language.schemes import PATTERNS, parts, rhyme_groups
from lyricist.songs import Effort, SongRequest
from lyricist.writing.styles import STYLES
from tests.support.samples import queued_job
from versequeue.rules.options import LINES, ResolvedOptions, RhymeScheme, Structure, Style
from versequeue.rules.options import Effort as JobEffort
from versequeue.rules.written import answering, written_parts
from worker_fn.orders import song_request


def test_the_model_has_the_options_of_a_job_with_the_same_defaults() -> None:
    asked = asdict(SongRequest("rain", seed=7))
    assert asked.pop("prompt") == "rain"
    options = asdict(ResolvedOptions(seed=7))
    del options["model"]  # says whom to ask
    assert asked == options
    assert [one.name for one in fields(SongRequest) if one.name not in asked] == ["prompt"]


def test_the_model_knows_every_word_that_a_job_may_use() -> None:
    assert set(get_args(RhymeScheme)) == set(PATTERNS)
    assert set(get_args(Style)) == set(STYLES)
    assert set(get_args(JobEffort)) == {effort.value for effort in Effort}


@pytest.mark.parametrize("structure", get_args(Structure))
def test_the_model_shares_out_the_lines_of_every_structure(structure: str) -> None:
    assert sum(part.lines for part in parts(structure, 16)) == 16


@pytest.mark.parametrize("structure", get_args(Structure))
def test_waits_are_reckoned_with_the_lines_that_the_model_writes(structure: Structure) -> None:
    for lines in range(int(LINES.least), int(LINES.most) + 1):
        shape = {part.name: part.lines for part in parts(structure, lines)}
        assert written_parts(structure, lines) == tuple(shape.values())
        for scheme in get_args(RhymeScheme):
            for part in shape.values():
                groups = rhyme_groups(scheme, part)
                rhymed = [group for group in groups if group is not None]
                assert answering(scheme, part) == len(rhymed) - len({*rhymed}), (scheme, part)


def test_what_the_model_is_asked_for_is_what_the_job_says() -> None:
    job = queued_job(
        options=ResolvedOptions(seed=3, lines=8, style="folk", mood="calm", explicit=True)
    )
    request = song_request(job)
    assert request == SongRequest(job.prompt, 8, style="folk", mood="calm", seed=3, explicit=True)
