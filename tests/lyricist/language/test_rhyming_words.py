"""The table of sounds turned around: what rhymes, in which order, and what is never told."""

import pytest

from lyricist.language.rhyme import RhymeKind, relation
from lyricist.language.rhyming_words import (
    LONGEST_WORD,
    MOST_WORDS,
    nearest_words,
    rhyming_words,
)
from lyricist.language.safety import tier


@pytest.mark.parametrize("word", ["rain", "believe", "runnin'", "city", "of"])
def test_what_is_told_of_a_word_rhymes_with_it_as_a_song_is_judged(word: str) -> None:
    found = rhyming_words(word)
    assert found
    assert 0 < len(found.perfect) <= MOST_WORDS
    assert 0 < len(found.slant) <= MOST_WORDS
    assert {relation(word, one.word) for one in found.perfect} == {RhymeKind.PERFECT}
    assert {relation(word, one.word) for one in found.slant} == {RhymeKind.SLANT}


def test_the_common_words_come_first_with_their_syllables() -> None:
    found = rhyming_words("sea")
    assert found
    first = {one.word: one.syllables for one in found.perfect[:12]}
    assert first["me"] == 1
    assert "see" not in first, "which sounds the same"
    train = rhyming_words("train")
    assert train
    assert {"again", "pain", "rain", "brain"} <= {one.word for one in train.perfect[:15]}


def test_one_more_sound_at_the_end_is_a_slant_rhyme_in_both_directions() -> None:
    mind, time = rhyming_words("mind"), rhyming_words("time")
    assert mind
    assert time
    assert "time" in {one.word for one in mind.slant}
    assert "mind" in {one.word for one in time.slant}


def test_no_banned_word_is_told_whatever_rhymes_with_it() -> None:
    for word in ("luck", "hit", "witch", "bigger", "glass"):
        found = rhyming_words(word)
        assert found
        assert [one.word for one in (*found.perfect, *found.slant) if tier(one.word)] == []


@pytest.mark.parametrize("word", ["", "zzkrt", "9", "привет", "rain over", "a" * 10_000])
def test_a_word_without_a_known_sound_has_no_rhymes(word: str) -> None:
    assert rhyming_words(word) is None


def test_a_misspelled_word_has_near_ones_and_a_long_one_has_none() -> None:
    assert "rain" in nearest_words("rian")
    assert "beautiful" in nearest_words("beutifull")
    assert nearest_words("x" * (LONGEST_WORD + 1)) == ()
    assert nearest_words("qqqqqqqqq") == ()
