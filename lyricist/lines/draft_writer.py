"""Grows the drafts of a line, and says what a finished one is worth.

Each draft grows past the shortest allowed length. At every step the logits also say how likely each
word is that may end the line, which costs no pass. `search` says which drafts are worth growing.
"""

from copy import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from lyricist.arrays import FloatArray, IntArray
from lyricist.engine.port import Engine
from lyricist.language.rhyme import sounds
from lyricist.language.safety import is_allowed, offences
from lyricist.lines.draft import Draft, Ending, count_syllables
from lyricist.lines.history import FORBIDDEN, History, WordCosts
from lyricist.lines.likelihoods import Likelihoods, likeliest
from lyricist.lines.line_plan import NO_PLAN, FittingEnds, LinePlan
from lyricist.lines.next_token import Chooser, Voice
from lyricist.lines.topic import SongTopic
from lyricist.vocabulary.lexicon import Lexicon

#: A draft that has taken so many words back is dropped; no line has more tokens than this.
_MOST_REFUSALS = 8
_MOST_TOKENS = 28
#: A word that is none yet is continued if the likeliest piece is at least this likely.
_LIKELY = np.log(0.3)
#: How many of the likeliest end words are looked at.
_END_WIDTH = 4
#: Log-probability that a line stops at its end, as long as that was not tried.
_USUAL_STOP = -1.5
_END_WEIGHT, _STOP_WEIGHT, _LENGTH_WEIGHT, _TOPIC_WEIGHT = 0.35, 0.4, 0.12, 0.6


@dataclass(frozen=True)
class Line:
    """A written line."""

    text: str
    words: tuple[str, ...]
    end: int
    tokens: tuple[int, ...]
    #: How well it reads, to compare it with other lines for the same place.
    score: float
    #: Log-probability of its end word; a low one means that the end is forced.
    end_likelihood: float


class DraftWriter:
    """Grows drafts in rows of an engine, and says what they are worth."""

    def __init__(
        self, engine: Engine, lexicon: Lexicon, voice: Voice, history: History, topic: SongTopic
    ) -> None:
        self._engine, self.lexicon = engine, lexicon
        self._voice, self._history, self._topic = voice, history, topic
        self._chooser = Chooser(lexicon, voice, history, topic)
        self._pieces = np.flatnonzero(lexicon.pieces)
        self.plan, self._fitting = NO_PLAN, FittingEnds(NO_PLAN, lexicon.syllables)
        #: For each end word of the lexicon its likelihood, summed over all steps of the song.
        self.expected_ends = np.zeros(len(lexicon.end_words), dtype=np.float32)

    def for_line(self, history: History, topic: SongTopic, plan: LinePlan) -> "DraftWriter":
        """One for a single line of the same song, where the song has that history."""
        other = copy(self)
        other._history, other._topic = history, topic
        other._chooser = self._chooser.for_take(history, topic)
        other.plan, other._fitting = plan, FittingEnds(plan, self.lexicon.syllables)
        return other

    def grow(self, draft: Draft, start: int, logits: FloatArray) -> int | None:
        """Note the possible ends and choose the next token; None if the draft is done.

        Its row holds the draft's tokens after `start` others, and `logits` come after them.
        """
        while len(draft.tokens) < _MOST_TOKENS:
            likelihoods = Likelihoods.of_logits(logits)
            words = draft.words()
            is_bad = self._is_bad_word(draft, words)
            go_on = is_bad and float(likelihoods.of(self._pieces).max()) > _LIKELY
            if is_bad and not go_on:
                if len(draft.refused) >= _MOST_REFUSALS:
                    break
                logits = draft.refuse_last_word()
                self._engine.rewind(draft.row, start + len(draft.tokens))
                continue
            so_far = count_syllables(words)
            if not is_bad:
                self._weigh_ends(draft, so_far, likelihoods)
            room = self.plan.most_syllables - 1 - so_far
            token = self._chooser.choose(draft, likelihoods, room, go_on=go_on)
            if token is None:
                break
            draft.append(token, likelihoods.of_token(token), logits)
            return token
        return None

    def best_place_to_end(self, draft: Draft) -> Ending | None:
        """The ending of a draft that reads best, as far as is known."""
        return max(draft.endings, key=partial(self._score, draft), default=None)

    def with_stop(self, ending: Ending, logits: FloatArray) -> Ending:
        """`ending` once it was tried; `logits` come after its token."""
        return replace(ending, stop=self._stop(Likelihoods.of_logits(logits)))

    def line(self, draft: Draft, ending: Ending) -> Line | None:
        """The draft with that ending; None if the line must not be shown."""
        text = draft.text(ending.kept) + self.lexicon.texts[ending.token]
        if offences(text.strip().removeprefix(self.plan.given), self._voice.explicit):
            return None
        return Line(
            text=text.strip(),
            words=(*draft.words(ending.kept), self.lexicon.words[ending.token]),
            end=ending.token,
            tokens=(*draft.tokens[: ending.kept], ending.token),
            score=self._score(draft, ending),
            end_likelihood=ending.likelihood,
        )

    @property
    def lacks_topic(self) -> bool:
        """Whether the song has still to come to its topic: drafts that do are worth more."""
        return not self._topic.is_covered

    def names_topic(self, draft: Draft) -> bool:
        """Whether the draft brings in a word of the topic."""
        return self._topic.mentions(draft.words())

    def _is_bad_word(self, draft: Draft, words: list[str]) -> bool:
        """Whether the last word is no word, or is one of several tokens and banned or used up."""
        if not draft.tokens or draft.tokens[-1] == self.lexicon.comma:
            return False
        word = words[-1]
        if not sounds(word) and word not in self._topic.words:
            return True
        if draft.last_word_start == len(draft.tokens) - 1:
            return False  # a word of one token was judged when it was chosen
        is_safe = is_allowed(word, self._voice.explicit)
        return not is_safe or self._history.is_refused(words[:-1], word)

    def _weigh_ends(self, draft: Draft, so_far: int, likelihoods: Likelihoods) -> None:
        """Note the last word if the line may end in it, and the best end word to come next."""
        self.expected_ends += likelihoods.plain(self.lexicon.end_words)
        if not draft.tokens or draft.tokens[-1] == self.lexicon.comma:
            return
        last = draft.tokens[-1]
        cost = self.plan.cost_of(last) if self.plan.allows(so_far) else None
        if cost is not None:
            kept = len(draft.tokens) - 1
            likelihood = draft.likelihoods[-1] + cost
            draft.endings.append(Ending(kept, last, likelihood, so_far, self._stop(likelihoods)))
        best = self._best_end_word(draft, *self._fitting.after(so_far), so_far, likelihoods)
        if best is not None and best.likelihood > FORBIDDEN:
            draft.endings.append(best)

    def _best_end_word(
        self, draft: Draft, ends: IntArray, costs: FloatArray, so_far: int, likelihoods: Likelihoods
    ) -> Ending | None:
        """The best of the likeliest of `ends`, which cost `costs`."""
        values = likelihoods.of(ends) + costs
        costs_here = WordCosts(self._history, draft.words())
        endings = []
        for at in likeliest(values, _END_WIDTH).tolist():
            token = int(ends[at])
            value = float(values[at]) + costs_here.of(self.lexicon.words[token])
            total = so_far + int(self.lexicon.syllables[token])
            endings.append(Ending(len(draft.tokens), token, value, total))
        return max(endings, key=lambda ending: ending.likelihood, default=None)

    def _stop(self, likelihoods: Likelihoods) -> float:
        """Log-probability that the line stops here."""
        return float(np.logaddexp.reduce(likelihoods.of(self.lexicon.line_ends)))

    def _score(self, draft: Draft, ending: Ending) -> float:
        stop = _USUAL_STOP if ending.stop is None else ending.stop
        score = draft.fluency(ending.kept)
        score += _END_WEIGHT * ending.likelihood + _STOP_WEIGHT * stop
        score -= _LENGTH_WEIGHT * abs(ending.syllables - self.plan.target_syllables)
        if not self._topic.is_covered:
            words = [*draft.words(ending.kept), self.lexicon.words[ending.token]]
            score += _TOPIC_WEIGHT * self._topic.mentions(words)
        return score
