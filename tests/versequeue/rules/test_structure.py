"""A structure as text: what it names, and what is said of one that names nothing."""

import pytest

from versequeue.rules.options import ResolvedOptions, syllable_pattern
from versequeue.rules.structure import AskedPart, asked_parts, structure_text


def test_parts_are_read_with_their_lines_and_schemes() -> None:
    assert asked_parts("verse 4 ABAB, chorus 2, bridge 3 A-A, chorus") == (
        AskedPart("verse", 4, "ABAB"),
        AskedPart("chorus", 2),
        AskedPart("bridge", 3, "A-A"),
        AskedPart("chorus", 2, again=True),
    )


@pytest.mark.parametrize("preset", ["verse", "song"])
def test_a_preset_names_no_parts(preset: str) -> None:
    assert asked_parts(preset) == ()
    assert structure_text(f" {preset} ") == preset


def test_a_structure_is_stored_in_one_way_only() -> None:
    stored = structure_text("Verse  4 abab,chorus 2 NONE , Chorus 2")
    assert stored == "verse 4 ABAB, chorus 2 none, chorus"
    assert structure_text(stored) == stored


@pytest.mark.parametrize(
    ("structure", "said"),
    [
        ("couplet", "verse, song or parts"),
        ("hook 4", "no part of a song"),
        ("verse 4,, chorus 2", "a part has no name"),
        ("verse 0", "no number of lines"),
        ("verse 99999", "no number of lines"),
        ("verse 4 5", "no rhyme scheme"),
        ("verse 4 ABABA", "no rhyme scheme of 4 lines"),
        ("verse 4 ABAB twice", "too much"),
        ("bridge 4, bridge", "how many lines the bridge has"),
        ("chorus 4, chorus 2", "the lines and rhymes of the first"),
        ("verse 4, " * 200, "at most 1000 characters"),
    ],
)
def test_what_is_no_structure_is_told_why(structure: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        structure_text(structure)


def test_options_whose_lines_are_not_those_of_the_parts_do_not_exist() -> None:
    with pytest.raises(ValueError, match="has not 16 lines"):
        ResolvedOptions(seed=1, structure="verse 4, chorus 4")


@pytest.mark.parametrize("pattern", ["0 0", "8 17", "eight", "8 -6", "9" * 5, "8 " * 65])
def test_what_is_no_pattern_of_syllables_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"syllables|numbers"):
        syllable_pattern(pattern)
