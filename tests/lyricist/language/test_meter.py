"""Stresses of words and lines, and the rhymes of a verse that is read."""

import pytest

from lyricist.language.meter import line_stresses, misfits, scheme_of, stresses


@pytest.mark.parametrize(
    ("word", "expected"),
    [("wonder", "/x"), ("above", "x/"), ("star", "/"), ("the", "?"), ("zxqwa", "?"), ("7", "")],
)
def test_each_syllable_is_stressed_or_not_or_either(word: str, expected: str) -> None:
    assert stresses(word) == expected


def test_the_stresses_of_a_line_are_those_of_its_words() -> None:
    assert line_stresses(["how", "i", "wonder"]) == "??/x"


@pytest.mark.parametrize(
    ("wanted", "found", "count"),
    [("/x/x", "/x/x", 0), ("/x/x", "x/x/", 4), ("/?/", "xx/", 1), ("/x", "/xxxx", 0), ("", "/", 0)],
)
def test_only_what_is_surely_stressed_otherwise_is_a_misfit(
    wanted: str, found: str, count: int
) -> None:
    assert misfits(wanted, found) == count


@pytest.mark.parametrize(
    ("ends", "scheme"),
    [
        ("star are high sky", "AABB"),
        ("light day night way", "ABAB"),
        ("light orange night purple", "A-A-"),
        ("star star high sky", "AABB"),
        ("home alone sky high", "AABB"),
        ("day one two three four five way", "-------"),
        ("zxq brr", "--"),
    ],
)
def test_the_rhymes_of_a_verse_are_letters(ends: str, scheme: str) -> None:
    assert scheme_of(ends.split()) == scheme
