"""A draft splits its words as it grows; they must be those of its whole text."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyricist.language.words import split_words
from lyricist.lines.draft import Draft, Seen
from lyricist.lines.figures import Place
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.word_table import derive_word_table

TEXTS = ["\n", ",", " don", "'t", "’s", " Rain", "Cold", "ing", " cooling", " I", "o", " rock"]
LEXICON = Lexicon(derive_word_table(TEXTS), lambda text: [TEXTS.index(text)])
SEEN = Seen(np.zeros(len(TEXTS), np.float32), Place(-1.0, 1.0, -1.0))


def draft(given_text: str, tokens: Sequence[int] = ()) -> Draft:
    return Draft(0, 0, LEXICON, np.random.default_rng(0), given_text, tokens=list(tokens))


@given(
    given_text=st.sampled_from(["", "a", "rock-", "I don'", "ΣΑΣ", "12 o'clock"]),
    tokens=st.lists(st.integers(1, len(TEXTS) - 1), max_size=12),
)
def test_the_words_after_every_token_are_those_of_the_text(
    given_text: str, tokens: list[int]
) -> None:
    growing = draft(given_text)
    for token in tokens:
        growing.append(token, -1.0, 0)
    for kept in range(len(tokens) + 1):
        text = given_text + "".join(TEXTS[token] for token in tokens[:kept])
        assert growing.words(kept) == split_words(text)
        assert draft(given_text, tokens[:kept]).words() == split_words(text)


@pytest.mark.parametrize("pieces", [0, 2])
def test_a_word_that_is_taken_back_leaves_the_words_before_it(pieces: int) -> None:
    growing = draft("so", [5, 2])
    growing.likelihoods, growing.ranks = [-1.0, -2.0], [0, 0]
    growing.seen = [SEEN] * (3 + pieces)
    for _ in range(pieces):
        growing.append(7, -1.0, 0)
    growing.refuse_last_word()
    assert growing.words() == ["so", "rain"]
    assert len(growing.seen) == 2, "what came before the word is known"
    growing.append(11, -1.0, 0)
    assert growing.words() == ["so", "rain", "rock"]
