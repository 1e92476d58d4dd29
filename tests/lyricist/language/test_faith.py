"""Words of faith: which they are, and what asks for them."""

import pytest

from lyricist.language.faith import saves_a_soul, unasked_words
from lyricist.language.words import is_function_word, word_list


@pytest.mark.parametrize("prompt", ["pizza", "holes in my socks", "sing, sister", "a lordship", ""])
def test_a_song_that_nobody_asked_to_be_of_faith_has_no_word_of_it(prompt: str) -> None:
    unasked = unasked_words(prompt, "rap", "")
    assert {"god", "god's", "lord", "prayer", "prayin'", "heaven", "blessed", "sins"} <= unasked
    assert not {"soul", "angel", "hole", "since", "church", "faithful", "good"} & unasked


@pytest.mark.parametrize(
    "prompt",
    [
        "a farmer praying for rain", "gospel choir on a Sunday morning", "God's own country",
        "the priests of the valley", "a god-given voice", "save my soul", "Christmas alone",
        "I was PRAYING", "una canción para dios", "my angel",
    ],
)  # fmt: skip
def test_one_word_of_faith_in_the_prompt_asks_for_all_of_them(prompt: str) -> None:
    assert unasked_words(prompt, "rap", "") == frozenset()


def test_a_mood_asks_for_faith_as_a_prompt_does() -> None:
    assert unasked_words("rain", "rap", "reverent") == frozenset()


def test_saving_is_of_faith_only_where_it_is_a_soul_that_is_saved() -> None:
    assert saves_a_soul(["you", "saved", "my", "soul"])
    assert not saves_a_soul(["you", "saved", "my", "day"])
    assert not saves_a_soul(["my", "soul"])


def test_the_lists_of_faith_hold_each_word_once_as_songs_spell_it() -> None:
    words, topics = word_list("faith"), word_list("faith_topics")
    assert not words & topics
    assert all(word.isalpha() and word == word.lower() for word in words | topics)
    assert not any(map(is_function_word, words | topics))
