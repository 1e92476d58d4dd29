"""Chooses a draft's next token: which may come, what each is worth, and the draw.

Knows one place in one line; knows no ends and no rhymes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.draft import Draft, count_syllables
from lyricist.engine import FloatArray
from lyricist.lexicon import BoolArray, Lexicon
from lyricist.memory import FORBIDDEN, Memory
from lyricist.topic import Topic
from lyricist.words import is_function_word

#: How many of the likeliest tokens are looked at.
_WIDTH = 32
#: Words between two commas, at least, in tokens.
_COMMA_DISTANCE = 5
#: After so many words that came to nothing, only tokens that are whole words may come.
_MOST_FRAGMENTS = 3
_ONE_LETTER_WORDS = "aio"


@dataclass(frozen=True)
class Voice:
    """How words are drawn."""

    temperature: float
    top_p: float
    explicit: bool


class Chooser:
    """Chooses the tokens of one song."""

    def __init__(self, lexicon: Lexicon, voice: Voice, memory: Memory, topic: Topic) -> None:
        self._lexicon, self._voice = lexicon, voice
        self._memory, self._topic = memory, topic
        banned = lexicon.slurs if voice.explicit else lexicon.slurs | lexicon.profane
        self._firsts = lexicon.firsts & ~banned
        self._inner = lexicon.starts & ~banned
        self._inner_or_comma = self._inner.copy()
        self._inner_or_comma[lexicon.comma] = True
        self._whole_firsts = self._firsts & lexicon.whole
        self._whole_inner = self._inner & lexicon.whole
        self._anything = self._inner_or_comma | lexicon.pieces

    def choose(
        self, draft: Draft, words: list[str], scores: FloatArray, room: int, *, go_on: bool
    ) -> int | None:
        """The next token; None if none may come.

        `words` are the draft's, `scores` log-probabilities over the vocabulary, `room` the
        syllables that the line may still grow by; `go_on` asks for more of the last word.
        """
        mask = self._lexicon.pieces if go_on else self._mask(draft)
        masked = np.where(mask, scores, FORBIDDEN)
        likeliest = np.argpartition(-masked, min(_WIDTH, masked.size - 1))[:_WIDTH]
        bonus = {} if go_on else self._topic.bonus(draft.tokens)
        place = len(draft.tokens)
        tokens, values = [], []
        for token in sorted({*likeliest.tolist(), *bonus}):
            if masked[token] == FORBIDDEN or (place, token) in draft.refused:
                continue
            value = float(masked[token]) + bonus.get(token, 0.0)
            value += self._cost(draft, words, token, room)
            if value > FORBIDDEN:
                tokens.append(token)
                values.append(value)
        return self._draw(draft, tokens, np.array(values)) if tokens else None

    def _mask(self, draft: Draft) -> BoolArray:
        plain = len(draft.refused) >= _MOST_FRAGMENTS
        if not draft.tokens and not draft.given:
            return self._whole_firsts if plain else self._firsts
        if plain:
            return self._whole_inner
        at_start = not draft.tokens or draft.tokens[-1] == self._lexicon.comma
        return self._inner if at_start else self._anything

    def _cost(self, draft: Draft, words: list[str], token: int, room: int) -> float:
        lexicon = self._lexicon
        if token == lexicon.comma:
            is_apart = lexicon.comma not in draft.tokens[-_COMMA_DISTANCE:] and len(words) > 1
            return 0.0 if is_apart and not is_function_word(words[-1]) else FORBIDDEN
        if lexicon.pieces[token]:
            room += count_syllables(words[-1:])
            words, word = words[:-1], words[-1] + lexicon.texts[token].replace("’", "'")
        else:
            word = lexicon.words[token]
            if len(word) == 1 and word not in _ONE_LETTER_WORDS:
                return FORBIDDEN
        if count_syllables([word]) > room:
            return FORBIDDEN
        return self._memory.cost(words, word)

    def _draw(self, draft: Draft, tokens: Sequence[int], values: FloatArray) -> int:
        """One of `tokens` by log-probability, under the voice's temperature and nucleus."""
        order = np.argsort(-values, kind="stable")
        chance = draft.rng.random()
        if self._voice.temperature <= 0:
            rank = 0 if draft.tokens else min(draft.number, len(order) - 1)
            return tokens[int(order[rank])]
        weights = np.exp((values[order] - values[order[0]]) / self._voice.temperature)
        sums = np.cumsum(weights)
        kept = int(np.searchsorted(sums, self._voice.top_p * sums[-1])) + 1
        sums = sums[:kept]
        place = int(np.searchsorted(sums, chance * sums[-1], side="right"))
        return tokens[int(order[min(place, len(sums) - 1)])]
