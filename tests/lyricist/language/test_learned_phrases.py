"""Phrases that a model learned from: known again, and anybody's phrases not among them."""

from lyricist.language.learned_phrases import LearnedPhrases

LEARNED = LearnedPhrases.of_songs(
    [
        ["My mother's soup pot has a dent", "At the end of the lane"],
        *[["The kettle sings all day"]] * 3,
    ]
)


def completes(line: str) -> bool:
    *words, word = line.split()
    return LEARNED.is_begun_by(words) and LEARNED.is_ended_by(words, word)


def test_four_words_in_a_row_are_known_wherever_they_stand() -> None:
    assert completes("my mother's soup pot")
    assert completes("i saw mother's soup pot has")
    assert not completes("my mother's soup bowl")
    assert not completes("soup pot")
    assert not LearnedPhrases().is_begun_by(["my", "mother's", "soup"])


def test_a_phrase_with_one_word_of_content_is_anybodys() -> None:
    assert not completes("at the end of")
    assert not completes("the end of the")


def test_hashes_give_the_same_phrases_again() -> None:
    again = LearnedPhrases(LEARNED.hashes)
    assert again.hashes == LEARNED.hashes == sorted(LEARNED.hashes)
    assert again.is_begun_by(["my", "mother's", "soup"])
    assert all(0 <= each < 2**64 for each in again.hashes)
