"""Chooses a draft's next token: which may come, what each is worth, and the draw.

Knows one place in one line; knows no ends and no rhymes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.language.syllables import syllables
from lyricist.language.words import is_function_word
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.writing.draft import Draft
from lyricist.writing.likelihoods import Likelihoods, likeliest, penalties
from lyricist.writing.said import FORBIDDEN, Memory, Place
from lyricist.writing.topic import Topic

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
        firsts, inner = lexicon.firsts & ~banned, lexicon.starts & ~banned
        anything = inner | lexicon.pieces
        anything[lexicon.comma] = True
        self._firsts, self._inner = penalties(firsts), penalties(inner)
        self._whole_firsts = penalties(firsts & lexicon.whole)
        self._whole_inner = penalties(inner & lexicon.whole)
        self._anything, self._pieces = penalties(anything), penalties(lexicon.pieces)

    def choose(
        self, draft: Draft, likelihoods: Likelihoods, room: int, *, go_on: bool
    ) -> int | None:
        """The next token; None if none may come.

        `room` are the syllables that the line may still grow by; `go_on` asks for more of the last
        word.
        """
        penalty = self._pieces if go_on else self._penalty(draft)
        found = likeliest(likelihoods.relative + penalty, _WIDTH)
        bonus = {} if go_on else self._topic.bonus(draft.tokens)
        candidates = np.array(sorted({*found.tolist(), *bonus}), dtype=np.int64)
        candidates = candidates[penalty[candidates] == 0]
        costs = _Costs(self._lexicon, self._memory, draft, room)
        place = len(draft.tokens)
        tokens, values = [], []
        for token, likelihood in zip(
            candidates.tolist(), likelihoods.of(candidates).tolist(), strict=True
        ):
            if (place, token) not in draft.refused:
                value = likelihood + bonus.get(token, 0.0) + costs.of(token)
                if value > FORBIDDEN:
                    tokens.append(token)
                    values.append(value)
        return self._draw(draft, tokens, np.array(values)) if tokens else None

    def _penalty(self, draft: Draft) -> FloatArray:
        plain = len(draft.refused) >= _MOST_FRAGMENTS
        if not draft.tokens and not draft.given:
            return self._whole_firsts if plain else self._firsts
        if plain:
            return self._whole_inner
        at_start = not draft.tokens or draft.tokens[-1] == self._lexicon.comma
        return self._inner if at_start else self._anything

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


class _Costs:
    """What each token would cost after a draft."""

    def __init__(self, lexicon: Lexicon, memory: Memory, draft: Draft, room: int) -> None:
        self._lexicon, self._memory, self._draft, self._room = lexicon, memory, draft, room
        self._words = draft.words()
        self._place = Place(memory, self._words)

    def of(self, token: int) -> float:
        """The cost of `token`: 0 or less."""
        if token == self._lexicon.comma:
            return self._of_comma()
        if self._lexicon.pieces[token]:
            return self._of_piece(self._lexicon.texts[token].replace("’", "'"))
        word = self._lexicon.words[token]
        if syllables(word) > self._room or (len(word) == 1 and word not in _ONE_LETTER_WORDS):
            return FORBIDDEN
        return self._place.cost(word)

    def _of_comma(self) -> float:
        words = self._words
        is_apart = self._lexicon.comma not in self._draft.tokens[-_COMMA_DISTANCE:]
        fits = is_apart and len(words) > 1 and not is_function_word(words[-1])
        return 0.0 if fits else FORBIDDEN

    def _of_piece(self, piece: str) -> float:
        """The cost of the word that the last one becomes with `piece`, at its place."""
        last = self._words[-1]
        longer = last + piece
        if syllables(longer) > self._room + syllables(last):
            return FORBIDDEN
        return self._last_place.cost(longer)

    @cached_property
    def _last_place(self) -> Place:
        return Place(self._memory, self._words[:-1])
