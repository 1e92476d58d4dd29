"""What is known of a song before it is written."""

from dataclasses import replace
from typing import Any

import pytest

from lyricist.errors import LyricistError
from lyricist.songs import SongRequest
from lyricist.writing.song_plan import plan_song

PARTS = "verse 2, chorus 2, verse 2, chorus"
TUNE = "Twinkle, twinkle, little star\nHow I wonder what you are\nUp above the world so high\nLike"


def test_a_pattern_of_syllables_begins_anew_in_each_part() -> None:
    request = SongRequest("rain", structure="verse 3, bridge 2", syllables="8 6")
    counts = [[line.syllables for line in part.lines] for part in plan_song(request)]
    assert counts == [[8, 6, 8], [8, 6]]


def test_a_tune_says_lines_syllables_stresses_and_rhymes() -> None:
    (part,) = plan_song(SongRequest("rain", tune=TUNE))
    assert part.scheme == "AA--"
    assert [line.syllables for line in part.lines] == [7, 7, 7, 2]
    assert part.lines[0].stress == "/x/x/x/"
    assert [line.group for line in part.lines] == [0, 0, None, None]


def test_a_given_line_of_a_chorus_stands_wherever_that_is_sung() -> None:
    given = (*[None] * 7, "Oh rain")
    parts = plan_song(SongRequest("rain", structure=PARTS, given=given))
    assert [part.lines[1].given for part in parts] == [None, "Oh rain", None, "Oh rain"]
    assert parts[1] == parts[3]


def test_a_line_answers_the_given_ones_of_its_group_the_nearest_first() -> None:
    given = ("On the sea", None, None, "By the tree")
    asked = SongRequest("rain", lines=4, rhyme_scheme="AAAA", given=given)
    (part,) = plan_song(asked)
    assert [line.given for line in part.answered(2)] == ["By the tree", "On the sea"]
    assert part.open_groups == (None, None, None, None)


def test_a_given_line_whose_sound_nobody_knows_leaves_its_partner_open() -> None:
    (part,) = plan_song(SongRequest("rain", lines=4, given=("Zxqwrt", None, None, None)))
    assert part.answered(1) == []
    assert part.open_groups == (None, 0, 2, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"given": ("One",)}, "The song has 4 lines"),
        ({"given": ("One", "Two", "Three", "Four")}, "nothing to write"),
        ({"structure": "hook 4"}, "no part of a song"),
        ({"structure": "verse 4 ABC"}, "no rhyme scheme of 4 lines"),
        ({"syllables": "eight"}, "no pattern of syllables"),
    ],
    ids=["short", "all", "part", "scheme", "syllables"],
)
def test_what_cannot_be_a_song_is_an_error_with_a_reason(change: dict[str, Any], said: str) -> None:
    with pytest.raises(LyricistError, match=said):
        plan_song(replace(SongRequest("rain", lines=4), **change))
