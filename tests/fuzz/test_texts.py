"""Prompts and lines: cleaned, masked, split and measured, whatever stands in them."""

import contextlib

import pytest

from lyricist.language.metrics import Verse, measure
from lyricist.language.safety import mask, offences
from lyricist.language.syllables import syllables
from lyricist.language.words import split_words, topic_words
from lyricist.songs import SongRequest
from lyricist.writing.free_verse import clean_line
from lyricist.writing.instructions import one_line, topic_of
from tests.fuzz.cases import fuzz
from tests.fuzz.made_up import texts
from versequeue.api.result_files import FORMULA_STARTS, safe_cell
from versequeue.intake.texts import clean_prompt
from versequeue.rules.job import MAX_PROMPT_CHARACTERS


@fuzz(text=texts)
def test_a_prompt_is_cleaned_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        cleaned = clean_prompt(text)
        assert 1 <= len(cleaned) <= MAX_PROMPT_CHARACTERS
        assert cleaned.encode()
        assert clean_prompt(cleaned) == cleaned


@pytest.mark.parametrize("explicit", [True, False])
@fuzz(text=texts)
def test_a_text_is_masked_and_keeps_its_length(text: str, explicit: bool) -> None:
    masked = mask(text, explicit)
    assert len(masked) == len(text)
    for found in offences(text, explicit):
        assert found in text


@fuzz(text=texts)
def test_words_are_found_and_measured(text: str) -> None:
    for word in split_words(text):
        assert syllables(word) >= 0
    assert all(word.isascii() for word in topic_words(text))
    lines = tuple(text.splitlines())
    measure(Verse(text, 4, "AABB", lines, 6, 12))


@fuzz(text=texts)
def test_what_a_model_writes_becomes_a_line_or_nothing(text: str) -> None:
    line = clean_line(text)
    assert "\n" not in line
    assert len(line) <= len(text)


@fuzz(prompt=texts)
def test_a_request_becomes_one_line_and_a_topic(prompt: str) -> None:
    request = SongRequest(prompt=prompt)
    assert topic_of(request) in one_line(request)


@fuzz(text=texts)
def test_no_cell_runs(text: str) -> None:
    for cut in "\t;\n":
        pieces = safe_cell(text).split(cut)
        assert not [piece for piece in pieces if piece.lstrip().startswith(FORMULA_STARTS)]
