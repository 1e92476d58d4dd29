"""Sounds, rhymes, syllables and schemes, on words whose sound nobody doubts."""

import subprocess
import sys

import pytest

from lyricist.language.phones import encode_phones
from lyricist.language.rhyme import RhymeKind, Sound, relation, sounds
from lyricist.language.schemes import PATTERNS, parts, rhyme_groups, rhyme_pairs
from lyricist.language.syllables import syllables

PERFECT = ["night light", "city pretty", "stars cars", "town around", "love above", "leave believe"]
SLANT = ["time line", "mind time", "town sound", "hat back", "love buzz", "heart car"]
NOTHING = ["night ride", "orange blue", "love move", "rain run"]


@pytest.mark.parametrize("words", PERFECT)
def test_words_equal_from_the_last_stressed_vowel_on_rhyme_perfectly(words: str) -> None:
    assert relation(*words.split()) is RhymeKind.PERFECT


@pytest.mark.parametrize("words", SLANT)
def test_consonants_of_one_class_or_one_more_at_the_end_make_a_slant_rhyme(words: str) -> None:
    assert relation(*words.split()) is RhymeKind.SLANT
    assert relation(*reversed(words.split())) is RhymeKind.SLANT


@pytest.mark.parametrize("words", NOTHING)
def test_other_vowels_or_other_consonants_do_not_rhyme(words: str) -> None:
    assert relation(*words.split()) is RhymeKind.NONE


@pytest.mark.parametrize("words", ["night night", "Night night", "night knight", "sea see"])
def test_a_word_and_its_homophones_are_identities_and_no_rhymes(words: str) -> None:
    assert relation(*words.split()) is RhymeKind.IDENTITY


def test_a_word_without_a_known_sound_is_reported_as_unknown() -> None:
    assert relation("zzkrt", "night") is RhymeKind.UNKNOWN
    assert relation("", "night") is RhymeKind.UNKNOWN


@pytest.mark.parametrize(
    ("word", "like"),
    [("runnin'", "gunnin'"), ("houses’", "spouses"), ("tweeted", "cheated")],
)
def test_regular_forms_of_known_words_sound_by_their_suffix(word: str, like: str) -> None:
    assert sounds(word)
    assert relation(word, like) in (RhymeKind.PERFECT, RhymeKind.UNKNOWN)


def test_a_dropped_g_sounds_like_n() -> None:
    assert sounds("strollin'")[0].phones.endswith(encode_phones("IH0 N"))


def test_the_rhyming_part_starts_at_the_last_stressed_vowel() -> None:
    sound = Sound(encode_phones("HH ER1 AH0 K EY2 N"))
    assert sound.tail == encode_phones("EY1 N").lower()
    assert sound.onset == encode_phones("K")
    assert sound.syllables == 3


@pytest.mark.parametrize(
    ("word", "count"),
    [("fire", 2), ("strengthened", 2), ("grabbed", 1), ("blorfing", 2), ("zxcv", 1), ("", 0)],
)
def test_syllables_come_from_the_dictionary_or_from_vowel_groups(word: str, count: int) -> None:
    assert syllables(word) == count


def test_the_table_loads_in_a_moment() -> None:
    measured = (
        "import time; from lyricist.language.rhyme import sounds; t = time.process_time();"
        "assert sounds('night'); print(time.process_time() - t)"
    )
    answers = [
        subprocess.run([sys.executable, "-c", measured], capture_output=True, check=True, text=True)
        for _ in range(2)
    ]
    assert min(float(answer.stdout) for answer in answers) < 0.2


@pytest.mark.parametrize("scheme", [name for name in PATTERNS if name not in ("none", "ABCB")])
@pytest.mark.parametrize("lines", range(4, 65))
def test_no_line_of_a_rhyming_scheme_is_left_without_a_partner(scheme: str, lines: int) -> None:
    groups = rhyme_groups(scheme, lines)
    assert len(groups) == lines
    assert None not in groups
    assert all(groups.count(group) > 1 for group in groups)


@pytest.mark.parametrize(
    ("scheme", "lines", "letters"),
    [
        ("ABBA", 4, "ABBA"),
        ("ABBA", 5, "ABBAA"),
        ("ABAB", 6, "ABABCC"),
        ("ABBA", 7, "ABBACCC"),
        ("AABB", 7, "AABBCCC"),
        ("AAAA", 8, "AAAABBBB"),
        ("AABB", 1, "-"),
        ("ABCB", 8, "-A-A-B-B"),
        ("none", 4, "----"),
    ],
)
def test_a_scheme_repeats_every_four_lines_and_closes_what_is_left(
    scheme: str, lines: int, letters: str
) -> None:
    groups = rhyme_groups(scheme, lines)
    order = sorted({group for group in groups if group is not None})
    assert "".join("-" if at is None else "ABC"[order.index(at)] for at in groups) == letters


def test_a_group_of_four_is_held_together_by_three_pairs() -> None:
    assert rhyme_pairs("AAAA", 4) == ((0, 1), (1, 2), (2, 3))


@pytest.mark.parametrize("lines", range(4, 65))
def test_a_song_has_exactly_the_asked_lines_with_its_chorus_counted_twice(lines: int) -> None:
    song = parts("song", lines)
    assert [part.name for part in song] == ["Verse 1", "Chorus", "Verse 2", "Chorus"]
    assert sum(part.lines for part in song) == lines
    assert song[1] == song[3]
    assert min(part.lines for part in song) >= 1
