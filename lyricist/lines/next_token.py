"""Chooses a draft's next token: which may come, what each is worth, and which is drawn."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.language.meter import misfits, stresses
from lyricist.language.syllables import syllables
from lyricist.language.words import is_function_word
from lyricist.lines.draft import Draft, count_syllables
from lyricist.lines.history import FORBIDDEN, History, WordCosts
from lyricist.lines.likelihoods import Likelihoods, likeliest, penalties
from lyricist.lines.sampling import drawn_rank
from lyricist.lines.topic import SongTopic
from lyricist.vocabulary.lexicon import Lexicon

#: How many of the likeliest tokens are looked at.
_WIDTH = 32
#: How many tokens stand between two commas, at least.
_COMMA_DISTANCE = 5
#: Log-probability that a syllable costs which is not stressed as the line is to be.
MISFIT_COST = 1.5
#: After so many words that were taken back, only tokens that are whole words may come.
_MOST_FRAGMENTS = 3


@dataclass(frozen=True)
class Voice:
    """How the words of a song are drawn."""

    temperature: float
    top_p: float
    explicit: bool


class Chooser:
    """Chooses the tokens of one song."""

    def __init__(self, lexicon: Lexicon, voice: Voice, history: History, topic: SongTopic) -> None:
        self._lexicon, self._voice = lexicon, voice
        self._history, self._topic, self._stress = history, topic, ""
        banned = lexicon.slurs if voice.explicit else lexicon.slurs | lexicon.profane
        firsts, inner = lexicon.firsts & ~banned, lexicon.starts & ~banned
        anything = inner | lexicon.pieces
        anything[lexicon.comma] = True
        self._firsts, self._inner = penalties(firsts), penalties(inner)
        self._whole_firsts = penalties(firsts & lexicon.whole)
        self._whole_inner = penalties(inner & lexicon.whole)
        self._anything, self._pieces = penalties(anything), penalties(lexicon.pieces)

    def for_take(self, history: History, topic: SongTopic, stress: str = "") -> "Chooser":
        """One that chooses for the same song where it has gone another way, and for a line of that
        stress, by the signs of `language.meter`."""
        other = copy(self)
        other._history, other._topic, other._stress = history, topic, stress
        return other

    def choose(
        self, draft: Draft, likelihoods: Likelihoods, room: int, *, go_on: bool
    ) -> int | None:
        """The next token; None if none may come.

        `room`: how many syllables the line may still grow by. `go_on`: the token must be a piece
        that goes on with the last word.
        """
        penalty = self._pieces if go_on else self._penalty(draft)
        candidates = likeliest(likelihoods.relative + penalty, _WIDTH).tolist()
        bonus = {} if go_on else self._topic.bonus(draft.tokens)
        if bonus:
            welcome = [token for token in bonus if penalty[token] == 0]
            candidates = sorted({*candidates, *welcome})
        cost_of = _TokenCosts(self._lexicon, self._history, draft, room, self._stress).of
        at = len(draft.tokens)
        tokens, values = [], []
        found = likelihoods.of(np.array(candidates, np.intp)).tolist()
        for token, likelihood in zip(candidates, found, strict=True):
            value = likelihood + bonus.get(token, 0.0) + cost_of(token)
            if value > FORBIDDEN and (at, token) not in draft.refused:
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
        return tokens[int(order[drawn_rank(weights, self._voice.top_p, chance)])]


class _TokenCosts:
    """What each token would cost as the next one of a draft, whatever its likelihood."""

    def __init__(
        self, lexicon: Lexicon, history: History, draft: Draft, room: int, stress: str
    ) -> None:
        self._lexicon, self._history, self._draft, self._room = lexicon, history, draft, room
        self._words = draft.words()
        #: How the syllables to come are to be stressed.
        self._stress = stress[count_syllables(self._words) :] if stress else ""
        self._word_costs = WordCosts(history, self._words)

    def of(self, token: int) -> float:
        """The cost of `token`: 0 or less."""
        if token == self._lexicon.comma:
            return self._of_comma()
        if self._lexicon.is_piece[token]:
            return self._of_piece(self._lexicon.texts[token].replace("’", "'"))
        if self._lexicon.is_letter[token] or self._lexicon.lengths[token] > self._room:
            return FORBIDDEN
        word = self._lexicon.words[token]
        cost = self._word_costs.of(word)
        return cost - MISFIT_COST * misfits(self._stress, stresses(word)) if self._stress else cost

    def _of_comma(self) -> float:
        words = self._words
        is_apart = self._lexicon.comma not in self._draft.tokens[-_COMMA_DISTANCE:]
        fits = is_apart and len(words) > 1 and not is_function_word(words[-1])
        return 0.0 if fits else FORBIDDEN

    def _of_piece(self, piece: str) -> float:
        """The cost of the longer word that the last word becomes with `piece`."""
        last = self._words[-1]
        longer = last + piece
        if syllables(longer) > self._room + syllables(last):
            return FORBIDDEN
        return self._last_word_costs.of(longer)

    @cached_property
    def _last_word_costs(self) -> WordCosts:
        return WordCosts(self._history, self._words[:-1])
