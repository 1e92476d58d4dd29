"""Grows the drafts of a line, and says what a finished one is worth.

Each draft grows past the shortest allowed length. At every step the logits also say how likely each
word is that may end the line, which costs no pass. `search` says which drafts are worth growing.
"""

from copy import copy
from dataclasses import dataclass
from functools import partial

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.port import Engine
from lyricist.language.faith import saves_a_soul
from lyricist.language.meter import line_stresses, misfits
from lyricist.language.rhyme import sounds
from lyricist.language.safety import is_allowed, offences
from lyricist.language.words import is_function_word
from lyricist.lines.draft import Draft, Ending, Seen, count_syllables
from lyricist.lines.figures import Reading
from lyricist.lines.history import FORBIDDEN, History, WordCosts
from lyricist.lines.judge import Judge
from lyricist.lines.likelihoods import Likelihoods, likeliest, rank_of
from lyricist.lines.line_plan import NO_PLAN, FittingEnds, LinePlan
from lyricist.lines.next_token import Chooser, Voice
from lyricist.lines.topic import SongTopic
from lyricist.vocabulary.lexicon import Lexicon

#: A draft that has taken so many words back is dropped; no line has more tokens than this.
_MOST_REFUSALS = 8
_MOST_TOKENS = 28
#: A word that is none yet is continued if the likeliest piece is at least this likely.
_LIKELY = np.log(0.3)
#: How many of the likeliest end words are looked at, and how many of them are kept in mind.
_END_WIDTH, _ENDS_KEPT = 4, 2
#: Log-probability that a line stops at its end, as long as that was not tried; and after a word
#: that mostly goes on.
_USUAL_STOP, _USUAL_OPEN_STOP = -1.5, -3.5
#: What makes an ending worth trying: log-probabilities of end and stop, syllables off the target.
_END_WEIGHT, _STOP_WEIGHT, _LENGTH_WEIGHT, _TOPIC_WEIGHT = 0.35, 0.4, 0.12, 0.6
#: What the costs of an end word count in the line's judgement, and the most that they count; what
#: a line is worth that brings in the topic.
_COST_WEIGHT, _MOST_COST, _TOPIC_WORTH = 0.4, 6.0, 1.0
#: What a line loses for each syllable that is not stressed as it is to be.
_BEAT_WORTH = 0.5
#: What a line loses that says again what the model was shown: it stands only where nothing else is.
_COPY_COST = 20.0


@dataclass(frozen=True)
class Line:
    """A written line."""

    text: str
    words: tuple[str, ...]
    end: int
    tokens: tuple[int, ...]
    #: How well it reads, 0 to 9, by the judge.
    judgement: float
    #: The same with what its end and its topic are worth, to compare it with others.
    score: float
    #: Log-probability of its end word; a low one means that the end is forced.
    end_likelihood: float


class DraftWriter:
    """Grows drafts in rows of an engine, and says what they are worth."""

    def __init__(
        self,
        engine: Engine,
        lexicon: Lexicon,
        judge: Judge,
        voice: Voice,
        history: History,
        topic: SongTopic,
    ) -> None:
        self._engine, self.lexicon, self._judge = engine, lexicon, judge
        self._voice, self._history, self._topic = voice, history, topic
        self._chooser = Chooser(lexicon, voice, history, topic)
        self._pieces = np.flatnonzero(lexicon.pieces)
        self.plan, self._fitting = NO_PLAN, FittingEnds(NO_PLAN, lexicon)
        #: For each end word of the lexicon its likelihood, summed over all steps of the song.
        self.expected_ends = np.zeros(len(lexicon.end_words), dtype=np.float32)
        self._end_firsts = lexicon.first_tokens[lexicon.end_words]
        self._end_shares = np.exp(lexicon.rests[lexicon.end_words])

    def for_line(self, history: History, topic: SongTopic, plan: LinePlan) -> "DraftWriter":
        """One for a single line of the same song, where the song has that history."""
        other = copy(self)
        other._history, other._topic = history, topic
        other._chooser = self._chooser.for_take(history, topic, plan.stress)
        other.plan, other._fitting = plan, FittingEnds(plan, self.lexicon)
        return other

    def grow(self, draft: Draft, start: int, logits: FloatArray) -> int | None:
        """Note the possible ends and choose the next token; None if the draft is done.

        Its row holds the draft's tokens after `start` others, and `logits` come after them.
        """
        while len(draft.tokens) < _MOST_TOKENS:
            likelihoods = Likelihoods.of_logits(logits)
            if len(draft.seen) == len(draft.tokens):
                draft.seen.append(self._seen(draft, logits, likelihoods))
            words = draft.words()
            is_bad = self._is_bad_word(draft, words)
            go_on = is_bad and float(likelihoods.of(self._pieces).max()) > _LIKELY
            if is_bad and not go_on:
                if len(draft.refused) >= _MOST_REFUSALS:
                    break
                draft.refuse_last_word()
                logits = draft.seen[-1].logits
                self._engine.rewind(draft.row, start + len(draft.tokens))
                continue
            so_far = count_syllables(words)
            if not is_bad:
                self._note_endings(draft, so_far, likelihoods)
            room = self.plan.most_syllables - 1 - so_far
            token = self._chooser.choose(draft, likelihoods, room, go_on=go_on)
            if token is None:
                break
            draft.append(token, likelihoods.of_token(token), rank_of(token, logits))
            return token
        return None

    def best_endings(self, draft: Draft, most: int) -> list[Ending]:
        """The endings of a draft that promise most, in an order in which its row need only be cut
        to try one after the other."""
        best = sorted(draft.endings, key=partial(self._promise, draft), reverse=True)[:most]
        return sorted(best, key=lambda each: each.held, reverse=True)

    def see(self, draft: Draft, logits: FloatArray) -> Seen:
        """What the network says after the last token of the draft's row: `logits`."""
        return self._seen(draft, logits, Likelihoods.of_logits(logits))

    def line(self, draft: Draft, ending: Ending, after: Seen) -> Line | None:
        """The draft with that ending, after which that was seen; None if the line must not be
        shown."""
        text = draft.text(ending.kept) + self.lexicon.texts[ending.end]
        if offences(text.strip().removeprefix(self.plan.given), self._voice.explicit):
            return None
        words = self._words(draft, ending)
        if self._history.unasked and saves_a_soul(words):
            return None
        judgement, cost = self._judgement(draft, ending, after, words)
        is_topical = not self._topic.is_covered and self._topic.mentions(words)
        beats_off = misfits(self.plan.stress, line_stresses(words)) if self.plan.stress else 0
        return Line(
            text=text.strip(),
            words=words,
            end=ending.end,
            tokens=(*draft.tokens[: ending.kept], *ending.tokens),
            judgement=judgement,
            score=judgement
            - _COST_WEIGHT * cost
            + _TOPIC_WORTH * is_topical
            - _BEAT_WORTH * beats_off
            - _COPY_COST * self._history.copies_an_example(words),
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

    def _note_endings(self, draft: Draft, so_far: int, likelihoods: Likelihoods) -> None:
        """Note the last word if the line may end in it, and the best end word to come next."""
        self.expected_ends += likelihoods.plain(self._end_firsts) * self._end_shares
        if not draft.tokens or draft.tokens[-1] == self.lexicon.comma:
            return
        kept = draft.last_word_start
        tokens, own = tuple(draft.tokens[kept:]), draft.likelihoods[kept:]
        end = self.lexicon.end_of_tokens(tokens)
        fits = self.plan.allows(so_far)
        cost = self.plan.cost_of(end) if fits and end is not None else None
        if end is not None and cost is not None:
            draft.endings.append(
                Ending(kept, end, tokens, sum(own) + cost, sum(own[1:]), so_far, draft.seen[-1])
            )
        draft.endings += self._likeliest_end_words(draft, so_far, likelihoods)

    def _likeliest_end_words(
        self, draft: Draft, so_far: int, likelihoods: Likelihoods
    ) -> list[Ending]:
        """The best of the likeliest end words that complete a line of `so_far` syllables."""
        ends, firsts, costs = self._fitting.after(so_far)
        values = likelihoods.of(firsts) + costs
        costs_here = WordCosts(self._history, draft.words())
        endings = []
        for at in likeliest(values, _END_WIDTH).tolist():
            end = int(ends[at])
            value = float(values[at]) + costs_here.of(self.lexicon.words[end])
            total = so_far + int(self.lexicon.syllables[end])
            if value > FORBIDDEN:
                tokens, rest = self.lexicon.tokens_of_end(end), float(self.lexicon.rests[end])
                endings.append(Ending(len(draft.tokens), end, tokens, value, rest, total))
        return sorted(endings, key=lambda ending: -ending.likelihood)[:_ENDS_KEPT]

    def _seen(self, draft: Draft, logits: FloatArray, likelihoods: Likelihoods) -> Seen:
        of_state = self._judge.of_state(self._engine.state(draft.row))
        return Seen(logits, likelihoods.place(self.lexicon.line_ends), of_state)

    def _words(self, draft: Draft, ending: Ending) -> tuple[str, ...]:
        return (*draft.words(ending.kept), self.lexicon.words[ending.end])

    def _promise(self, draft: Draft, ending: Ending) -> float:
        """How much an ending promises, as far as that is known before it is tried."""
        if ending.after is not None:
            stop = ending.after.place.stop
        else:
            is_open = is_function_word(self.lexicon.words[ending.end])
            stop = _USUAL_OPEN_STOP if is_open else _USUAL_STOP
        promise = draft.fluency(ending.kept)
        promise += _END_WEIGHT * ending.likelihood + _STOP_WEIGHT * stop
        promise -= _LENGTH_WEIGHT * abs(ending.syllables - self.plan.target_syllables)
        if not self._topic.is_covered:
            promise += _TOPIC_WEIGHT * self._topic.mentions(self._words(draft, ending))
        return promise

    def _judgement(
        self, draft: Draft, ending: Ending, after: Seen, words: tuple[str, ...]
    ) -> tuple[float, float]:
        """How good the line is with an ending, and what its end word costs."""
        before, kept = draft.seen[ending.kept], ending.kept
        first = ending.tokens[0]
        likelihood = float(before.logits[first] - before.logits.max()) + before.place.top
        likelihood += ending.rest
        line = Reading(
            places=[*[seen.place for seen in draft.seen[: kept + 1]], after.place],
            likelihoods=[*draft.likelihoods[:kept], likelihood],
            ranks=[*draft.ranks[:kept], rank_of(first, before.logits)],
            words=words,
            off_target=ending.syllables - self.plan.target_syllables,
            is_answer=self.plan.is_answer,
        )
        cost = min(max(0.0, likelihood - ending.likelihood), _MOST_COST)
        return self._judge.judgement(line, after.of_state), cost
