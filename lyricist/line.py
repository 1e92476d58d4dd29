"""Writes one line: several drafts side by side, the best of their possible ends kept.

Each draft walks on past the shortest allowed length; at every step, from logits that are there
anyway, the words that may end the line are weighed. Only the best end of each draft is then tried
for how well the line stops there. Knows one line and its memory; knows no schemes.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from lyricist.draft import Draft, Ending
from lyricist.engine import Engine, FloatArray
from lyricist.lexicon import IntArray, Lexicon
from lyricist.memory import FORBIDDEN, Memory
from lyricist.rhyme import sounds
from lyricist.safety import is_allowed
from lyricist.syllables import syllables
from lyricist.topic import Topic
from lyricist.words import is_function_word

T = TypeVar("T")
#: Yields the next token of some rows, is sent those rows' logits, returns what was written.
Steps = Generator[Mapping[int, int], Mapping[int, FloatArray], T]

#: How many of the likeliest tokens are looked at.
_WIDTH = 64
#: A draft that takes so many words back is dropped; no line has more tokens than this.
_MOST_REFUSALS = 6
_MOST_TOKENS = 28
#: A word may stay half written if going on with it is at least this likely.
_LIKELY = np.log(0.3)
#: What a stop is taken to be worth before it was tried.
_USUAL_STOP = -1.5
_END_WEIGHT, _STOP_WEIGHT, _LENGTH_WEIGHT, _TOPIC_WEIGHT = 0.2, 0.3, 0.12, 0.6


@dataclass(frozen=True)
class LinePlan:
    """What one line has to be."""

    fewest_syllables: int
    most_syllables: int
    #: The length that is liked best.
    target_syllables: int
    #: Tokens that may end it, and what each costs (0 or less).
    ends: IntArray
    end_costs: FloatArray
    #: Tokens it begins with.
    opening: tuple[int, ...] = ()


@dataclass(frozen=True)
class Line:
    """A written line. Its row of the engine holds it, and nothing after it."""

    text: str
    words: tuple[str, ...]
    end: int
    row: int
    tokens: int


@dataclass(frozen=True)
class Voice:
    """How words are drawn."""

    temperature: float
    top_p: float
    explicit: bool


class LineWriter:
    """Writes the lines of one song in `rows` of an engine; all rows hold the song so far."""

    def __init__(self, engine: Engine, lexicon: Lexicon, rows: Sequence[int], voice: Voice) -> None:
        self._engine = engine
        self._lexicon = lexicon
        self._rows = list(rows)
        self._voice = voice
        banned = lexicon.slurs if voice.explicit else lexicon.slurs | lexicon.profane
        self._firsts = lexicon.firsts & ~banned
        self._inner = lexicon.starts & ~banned
        self._inner[lexicon.comma] = True
        self._inner_or_piece = self._inner | lexicon.pieces
        #: How likely each end word of the lexicon has been, summed over all places so far.
        self.heard = np.zeros(len(lexicon.end_words), dtype=np.float64)

    def write(
        self, plan: LinePlan, memory: Memory, topic: Topic, logits: FloatArray, seed: Sequence[int]
    ) -> Steps[Line | None]:
        """The best line for `plan`, or None if no draft can end; `logits` are those after the last."""
        start = self._engine.length(self._rows[0]) - len(plan.opening)
        self._start, self._plan, self._memory, self._topic = start, plan, memory, topic
        drafts = [self._draft(number, [*seed, number]) for number in range(len(self._rows))]
        latest = dict.fromkeys(self._rows, logits)
        while True:
            tokens = {}
            for draft in drafts:
                if not draft.is_done:
                    token = self._advance(draft, latest[draft.row])
                    if token is not None:
                        tokens[draft.row] = token
            if not tokens:
                break
            latest.update((yield tokens))
        return (yield from self._finish(drafts))

    def _draft(self, number: int, seed: Sequence[int]) -> Draft:
        draft = Draft(number, self._rows[number], np.random.default_rng(seed), self._lexicon)
        draft.tokens = list(self._plan.opening)
        draft.likelihoods = [0.0] * len(draft.tokens)
        draft.seen = [np.zeros(0, dtype=np.float32)] * len(draft.tokens)
        draft.fixed = len(draft.tokens)
        return draft

    def _advance(self, draft: Draft, logits: FloatArray) -> int | None:
        """Weigh the ends here and choose the next token; None once the draft is done."""
        while True:
            scores = _log_softmax(logits)
            words = draft.words()
            if self._must_go_on(draft, words, scores):
                choice = self._choose(draft, words, scores, pieces_only=True)
            else:
                if self._is_bad_word(draft, words):
                    if len(draft.refused) >= _MOST_REFUSALS:
                        break
                    logits = draft.refuse_last_word()
                    self._engine.rewind(draft.row, self._start + len(draft.tokens))
                    continue
                self._weigh_ends(draft, words, scores)
                choice = self._choose(draft, words, scores, pieces_only=False)
            if choice is None:
                break
            draft.append(choice, float(scores[choice]), logits)
            return choice
        draft.is_done = True
        return None

    def _must_go_on(self, draft: Draft, words: list[str], scores: FloatArray) -> bool:
        """Whether the last word is bad as it stands, but is likely to become another one."""
        if not self._is_bad_word(draft, words):
            return False
        return float(scores[self._lexicon.pieces].max()) > _LIKELY

    def _is_bad_word(self, draft: Draft, words: list[str]) -> bool:
        """Whether a word of several tokens is unsafe, used up or not a word at all."""
        start = draft.last_word_start
        if start < draft.fixed or start == len(draft.tokens) - 1 or not words:
            return False
        word = words[-1]
        if not is_allowed(word, self._voice.explicit) or self._memory.is_used_up(words[:-1], word):
            return True
        return not sounds(word) and not self._topic.mentions([word])

    def _weigh_ends(self, draft: Draft, words: list[str], scores: FloatArray) -> None:
        lexicon, plan = self._lexicon, self._plan
        if not words or draft.tokens[-1] == lexicon.comma:
            return
        said = sum(map(syllables, words))
        self.heard += np.exp(scores[lexicon.end_words])
        stop = float(np.logaddexp.reduce(scores[lexicon.line_ends]))
        last = draft.tokens[-1]
        if plan.fewest_syllables <= said <= plan.most_syllables and self._is_end(last):
            cost = self._cost_of_end(last)
            if len(draft.tokens) > draft.fixed and cost > FORBIDDEN:
                likelihood = draft.likelihoods[-1] + cost
                draft.endings.append(Ending(len(draft.tokens) - 1, last, likelihood, said, stop))
        total = said + lexicon.syllables[plan.ends]
        fits = (total >= plan.fewest_syllables) & (total <= plan.most_syllables)
        if not fits.any():
            return
        values = np.where(fits, scores[plan.ends] + plan.end_costs, FORBIDDEN)
        best: Ending | None = None
        for at in np.argsort(-values)[:4]:
            if values[at] == FORBIDDEN:
                break
            token = int(plan.ends[at])
            likelihood = float(values[at]) + self._memory.cost(words, lexicon.words[token])
            if likelihood > FORBIDDEN and (best is None or likelihood > best.likelihood):
                best = Ending(len(draft.tokens), token, likelihood, int(total[at]))
        if best is not None:
            draft.endings.append(best)

    def _is_end(self, token: int) -> bool:
        return bool((self._plan.ends == token).any())

    def _cost_of_end(self, token: int) -> float:
        return float(self._plan.end_costs[np.flatnonzero(self._plan.ends == token)[0]])

    def _choose(
        self, draft: Draft, words: list[str], scores: FloatArray, *, pieces_only: bool
    ) -> int | None:
        """Draw the next token; None where the line has no room for one more word and an end."""
        if len(draft.tokens) - draft.fixed >= _MOST_TOKENS:
            return None
        tokens, values = self._options(draft, words, scores, pieces_only=pieces_only)
        if not tokens:
            return None
        return _draw(tokens, np.array(values), self._voice, draft)

    def _options(
        self, draft: Draft, words: list[str], scores: FloatArray, *, pieces_only: bool
    ) -> tuple[list[int], list[float]]:
        lexicon, place = self._lexicon, len(draft.tokens)
        after_comma = place > 0 and draft.tokens[-1] == lexicon.comma
        if not draft.tokens:
            mask = self._firsts
        elif pieces_only:
            mask = lexicon.pieces
        else:
            mask = self._inner if after_comma else self._inner_or_piece
        masked = np.where(mask, scores, FORBIDDEN)
        likeliest = np.argpartition(-masked, _WIDTH)[:_WIDTH]
        bonus = {} if pieces_only else self._topic.bonus(draft.tokens)
        looked_at = sorted({*map(int, likeliest), *(t for t in bonus if mask[t])})
        tokens, values = [], []
        for token in looked_at:
            if (place, token) in draft.refused or masked[token] == FORBIDDEN:
                continue
            value = float(scores[token]) + bonus.get(token, 0.0) + self._cost(draft, words, token)
            if value > FORBIDDEN:
                tokens.append(token)
                values.append(value)
        return tokens, values

    def _cost(self, draft: Draft, words: list[str], token: int) -> float:
        lexicon = self._lexicon
        if token == lexicon.comma:
            enough = len(words) >= 2 and lexicon.comma not in draft.tokens[-5:]
            return 0.0 if enough and not is_function_word(words[-1]) else FORBIDDEN
        if lexicon.pieces[token]:
            words, word = words[:-1], words[-1] + lexicon.texts[token].replace("’", "'")
        else:
            word = lexicon.words[token]
            if len(word) == 1 and word not in "aio":
                return FORBIDDEN
        said = sum(map(syllables, words)) + syllables(word)
        if said + 1 > self._plan.most_syllables:
            return FORBIDDEN
        return self._memory.cost(words, word)

    def _finish(self, drafts: list[Draft]) -> Steps[Line | None]:
        """Try the best end of each draft, keep the best of all."""
        chosen = [
            (draft, max(draft.endings, key=lambda ending: self._score(draft, ending)))
            for draft in drafts
            if draft.endings
        ]
        if not chosen:
            return None
        for draft, ending in chosen:
            length = self._start + ending.kept + (ending.stop is not None)
            self._engine.rewind(draft.row, length)
        untried = {draft.row: ending.token for draft, ending in chosen if ending.stop is None}
        logits = (yield untried) if untried else {}
        tried = []
        for draft, ending in chosen:
            if draft.row in logits:
                scores = _log_softmax(logits[draft.row])
                stop = float(np.logaddexp.reduce(scores[self._lexicon.line_ends]))
                ending = replace(ending, stop=stop)
            tried.append((self._score(draft, ending), draft, ending))
        _, draft, ending = max(tried, key=lambda entry: entry[0])
        return self._line(draft, ending)

    def _score(self, draft: Draft, ending: Ending) -> float:
        stop = _USUAL_STOP if ending.stop is None else ending.stop
        score = draft.fluency(ending.kept)
        score += _END_WEIGHT * ending.likelihood + _STOP_WEIGHT * stop
        score -= _LENGTH_WEIGHT * abs(ending.syllables - self._plan.target_syllables)
        if not self._topic.is_covered:
            words = [*draft.words(ending.kept), self._lexicon.words[ending.token]]
            score += _TOPIC_WEIGHT * self._topic.mentions(words)
        return score

    def _line(self, draft: Draft, ending: Ending) -> Line:
        text = draft.text(ending.kept) + self._lexicon.texts[ending.token]
        words = [*draft.words(ending.kept), self._lexicon.words[ending.token]]
        return Line(text.strip(), tuple(words), ending.token, draft.row, ending.kept + 1)


def _log_softmax(logits: FloatArray) -> FloatArray:
    shifted = logits - logits.max()
    scores: FloatArray = shifted - np.log(np.exp(shifted).sum())
    return scores


def _draw(tokens: Sequence[int], values: FloatArray, voice: Voice, draft: Draft) -> int:
    """One of `tokens` by its log-probability, under the voice's temperature and nucleus."""
    order = np.argsort(-values, kind="stable")
    if voice.temperature <= 0:
        first = not draft.tokens
        return tokens[int(order[min(draft.number if first else 0, len(order) - 1)])]
    weights = np.exp((values[order] - values[order[0]]) / voice.temperature)
    weights /= weights.sum()
    kept = int(np.searchsorted(np.cumsum(weights), voice.top_p)) + 1
    weights = weights[:kept] / weights[:kept].sum()
    return tokens[int(order[draft.rng.choice(len(weights), p=weights)])]
