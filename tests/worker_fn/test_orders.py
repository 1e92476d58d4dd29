"""A job's options against the model's: two packages that do not know each other, one vocabulary."""

from dataclasses import asdict, fields, replace
from typing import get_args

import pytest

from lyricist.language import schemes
from lyricist.language.schemes import PATTERNS, parts, rhyme_groups
from lyricist.songs import Effort, Section, Song, SongRequest
from lyricist.writing.styles import STYLES
from tests.support.samples import queued_job
from versequeue.rules.options import LINES, ResolvedOptions, Style
from versequeue.rules.options import Effort as JobEffort
from versequeue.rules.structure import PART_NAMES, PRESETS, RhymeScheme
from versequeue.rules.written import answering, sung_parts, written_parts
from worker_fn.orders import song_output, song_request


def test_the_model_has_the_options_of_a_job_with_the_same_defaults() -> None:
    asked = asdict(SongRequest("rain", seed=7))
    assert asked.pop("prompt") == "rain"
    options = asdict(ResolvedOptions(seed=7))
    del options["model"]  # says whom to ask
    assert asked.pop("given") == queued_job().given
    assert asked == options
    assert {one.name for one in fields(SongRequest)} - {*asked} == {"prompt", "given"}


def test_the_model_knows_every_word_that_a_job_may_use() -> None:
    assert set(get_args(RhymeScheme)) == set(PATTERNS)
    assert set(get_args(Style)) == set(STYLES)
    assert set(get_args(JobEffort)) == {effort.value for effort in Effort}
    assert set(PART_NAMES) == set(schemes.PART_NAMES)


@pytest.mark.parametrize("structure", PRESETS)
def test_the_model_shares_out_the_lines_of_every_structure(structure: str) -> None:
    assert sum(part.lines for part in parts(structure, 16)) == 16


OWN_PARTS = "intro 2, verse 4 ABAB, pre-chorus 2, chorus 4 A-A-, verse 5, chorus, bridge 3, chorus"


@pytest.mark.parametrize("structure", [*PRESETS, OWN_PARTS])
def test_waits_are_reckoned_with_the_lines_that_the_model_writes(structure: str) -> None:
    for lines in range(int(LINES.least), int(LINES.most) + 1):
        for scheme in get_args(RhymeScheme):
            shape = {part.name: part for part in parts(structure, lines)}
            written = written_parts(structure, lines, scheme)
            assert [part.lines for part in written] == [part.lines for part in shape.values()]
            for part in shape.values():
                own = part.scheme or scheme
                rhymed = [group for group in rhyme_groups(own, part.lines) if group is not None]
                assert answering(own, part.lines) == len(rhymed) - len({*rhymed}), (own, part)


@pytest.mark.parametrize("structure", [*PRESETS, OWN_PARTS])
def test_a_chorus_is_sung_again_where_the_model_sings_it_again(structure: str) -> None:
    start, first_starts = 0, dict[str, int]()
    for part, sung in zip(parts(structure, 16), sung_parts(structure, 16, "AABB"), strict=True):
        assert (sung.start, sung.lines, sung.scheme) == (start, part.lines, part.scheme or "AABB")
        assert sung.first_start == first_starts.get(part.name)
        first_starts.setdefault(part.name, start)
        start += part.lines


def test_what_the_model_is_asked_for_is_what_the_job_says() -> None:
    options = ResolvedOptions(seed=3, lines=4, style="folk", mood="calm", explicit=True)
    job = queued_job(options=options, given=(None, "Rain", None, None))
    asked = SongRequest(job.prompt, 4, style="folk", mood="calm", seed=3, explicit=True)
    assert song_request(job) == replace(asked, given=(None, "Rain", None, None))


def test_an_output_has_as_many_alternatives_as_lines() -> None:
    written = Section("Verse 1", ("One", "Two"), "AA", (("Three",), ("Four", "More")))
    song = Song("T", (written, Section("Outro", ("Five",))), "", 0.5, 9, True, missed=((1, 2),))
    output = song_output(song)
    assert output["alternatives"] == [["Three"], ["Four", "More"], []]
    assert [section["rhyme_scheme"] for section in output["sections"]] == ["AA", ""]
    assert output["rhyme"] == {"scheme": "", "score": 0.5, "slant": [], "missed": [[1, 2]]}
