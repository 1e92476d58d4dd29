"""Any prompt that is accepted becomes a song, or fails by name, in bounded time."""

from pathlib import Path

import pytest
from hypothesis import assume

from lyricist.errors import LyricistError
from lyricist.songs import Song, SongRequest
from lyricist.writing.writer import Writer
from tests.fuzz.cases import CASE_CPU_S, fuzz
from tests.fuzz.made_up import texts
from tests.support.cpu_limit import cpu_limit
from versequeue.intake.texts import clean_prompt
from versequeue.rules.job import MAX_PROMPT_CHARACTERS

#: Runs that fill a prompt; each made some pattern or some table of a tokenizer slow, or might.
RUNS = (
    "_",
    "_'",
    "a_",
    "a ",
    "f u c k ",
    "*a",
    "'",
    "-a",
    "é",
    "é ",
    "İ",
    "😀",
    "(1) ",
    "a" * 7 + " ",
)


@pytest.fixture(scope="module")
def writer(tiny_bundle: Path) -> Writer:
    return Writer.open(tiny_bundle)


def written(writer: Writer, prompt: str) -> Song | LyricistError:
    request = SongRequest(prompt=prompt, mood=prompt[:40], lines=4, seed=1, continue_prompt=True)
    (song,) = writer.write([request], lambda _index, _lines: True)
    return song


@fuzz(share=0.2, prompt=texts)
def test_any_prompt_is_written_about(writer: Writer, prompt: str) -> None:
    try:
        cleaned = clean_prompt(prompt)
    except ValueError:
        assume(False)
    song = written(writer, cleaned)
    if isinstance(song, Song):
        assert song.finished
        assert sum(len(section.lines) for section in song.sections) == 4


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("end", ["", "'", "!x"])
def test_a_prompt_of_one_run_is_written_about(writer: Writer, run: str, end: str) -> None:
    length = MAX_PROMPT_CHARACTERS - len(end)
    prompt = clean_prompt((run * MAX_PROMPT_CHARACTERS)[:length] + end)
    with cpu_limit(CASE_CPU_S):
        written(writer, prompt)
