"""A song in a program's hands: which lines are given when others are to be written anew."""

import json

import pytest

from tests.support.fake_api import LINES, WRITTEN, FakeApi
from versequeue.client.client import Client
from versequeue.client.songs import given_but
from versequeue.contract.views import Section, Song

SUNG = Song(
    "",
    sections=(
        Section("Verse 1", ("one", "two")),
        Section("Chorus", ("la", "li")),
        Section("Verse 2", ("three",)),
        Section("Chorus", ("la", "li")),
    ),
)


def test_lines_are_counted_as_they_are_sung_and_a_chorus_is_written_anew_wherever_it_comes() -> (
    None
):
    assert given_but(SUNG, [1]) == [None, "two", "la", "li", "three", "la", "li"]
    anew = ["one", "two", "la", None, "three", "la", None]
    assert given_but(SUNG, [4]) == given_but(SUNG, [7, 7]) == anew
    assert given_but(SUNG, range(1, 8)) == [None] * 7


@pytest.mark.parametrize("number", [0, 8, -1])
def test_a_line_that_the_song_does_not_have_is_an_error(number: int) -> None:
    with pytest.raises(ValueError, match=f"no line {number}: the song has lines 1 to 7"):
        given_but(SUNG, [1, number])


def test_a_song_can_be_written_anew_in_part(api: FakeApi, client: Client) -> None:
    api.steps = [{**WRITTEN[-1], "options": {"lines": 4, "seed": 7}}]
    song = client.write("rain", lines=4)
    other = song.rewrite([2], style="folk")
    assert str(other) == other.lyrics == "\n".join(LINES)
    assert other.job.id != song.job.id
    assert json.loads(api.calls("POST")[1].body) == {
        "prompt": "rain",
        "options": {"lines": 4, "title": "Gray", "style": "folk"},
        "given": [LINES[0], None],
    }


def test_lines_are_given_where_a_song_is_asked_for(api: FakeApi, client: Client) -> None:
    client.submit("rain", given=["mine", None, None, None])
    client.submit("rain", given=[None, None])
    given, none = [json.loads(call.body) for call in api.calls("POST")]
    assert given["given"] == ["mine", None, None, None]
    assert "given" not in none, "there is nothing that stays"
