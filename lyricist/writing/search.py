"""Searches for the best draft of one line.

Drafts are written in all rows at once. One that is done is tried: its best end word is appended, to
see how likely the line is to stop there. Then its row is free for another draft, unless it holds
the best line so far. Drafts that begin unlikely are dropped, and more are begun as long as no line
is good. Knows no words: `line` grows drafts and judges them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.port import Engine
from lyricist.engine.sessions import Session
from lyricist.writing.draft import Draft, Ending
from lyricist.writing.effort import FORCED, Search
from lyricist.writing.line import DraftWriter, Line

#: A draft is compared with the others when it has so many tokens, and so many have come as far.
_FIRST_TOKENS, _FEWEST_TO_COMPARE = 3, 6
#: If no draft at all becomes a line, so many times as many are begun.
_MOST_FAILURES = 4


@dataclass(frozen=True)
class Found:
    """The best line. Its row holds the song up to the end of that line, line break included."""

    line: Line
    #: What comes after the line break.
    logits: FloatArray


class LineSearch:
    """The drafts of one line, all at once in `rows` of an engine; they hold the song so far."""

    def __init__(
        self,
        engine: Engine,
        drafts: DraftWriter,
        rows: Sequence[int],
        search: Search,
        logits: FloatArray,
        seed: Sequence[int],
        given: str = "",
    ) -> None:
        """`logits` come before the line, which begins with what is `given`; the rows have that."""
        self._engine, self._writer, self._rows, self._search = engine, drafts, rows, search
        self._logits, self._seed, self._given = logits, seed, given
        self._start = engine.length(rows[0])
        #: What each row is busy with: a draft that grows, one whose ending is tried, or tokens to
        #: append to the best line.
        self._growing: dict[int, Draft] = {}
        self._tried: dict[int, tuple[Draft, Ending]] = {}
        self._to_append: list[int] = []
        self._best: Line | None = None
        self._begun = 0
        #: Log-probability of the first tokens of each draft that came so far.
        self._first_likelihoods: list[float] = []

    def run(self) -> Session[Found | None]:
        """The best line; None if no draft became one."""
        answers: dict[int, FloatArray] = {}
        after = self._logits
        while True:
            if self._best is not None:
                after = answers.get(self._best.row, after)
            tokens = {}
            for row in self._rows:
                token = self._next(row, answers.get(row))
                if token is not None:
                    tokens[row] = token
            if self._best is not None and self._to_append:
                tokens[self._best.row] = self._to_append.pop(0)
            if not tokens:
                return None if self._best is None else Found(self._best, after)
            answers = yield tokens

    def _next(self, row: int, logits: FloatArray | None) -> int | None:
        """The token that a row is to be given; None if it rests."""
        token = None
        if logits is not None and row in self._growing:
            token = self._grow(self._growing.pop(row), logits)
        elif logits is not None and row in self._tried:
            self._end(*self._tried.pop(row), logits)
        while token is None and self._is_free(row) and self._wants_more():
            token = self._grow(self._new_draft(row), self._logits)
        return token

    def _new_draft(self, row: int) -> Draft:
        self._engine.rewind(row, self._start)
        rng = np.random.default_rng([*self._seed, self._begun])
        draft = Draft(self._begun, row, self._writer.lexicon, rng, self._given)
        self._begun += 1
        return draft

    def _grow(self, draft: Draft, logits: FloatArray) -> int | None:
        if self._is_to_be_dropped(draft):
            return None
        token = self._writer.grow(draft, self._start, logits)
        if token is None:
            return self._try(draft)
        if len(draft.tokens) == _FIRST_TOKENS:
            self._first_likelihoods.append(sum(draft.likelihoods))
        self._growing[draft.row] = draft
        return token

    def _is_to_be_dropped(self, draft: Draft) -> bool:
        known = self._first_likelihoods
        if len(draft.tokens) != _FIRST_TOKENS or len(known) < _FEWEST_TO_COMPARE:
            return False
        own = sum(draft.likelihoods)
        worse = sum(likelihood < own for likelihood in known)
        return worse < self._search.dropped * len(known) and not self._writer.names_topic(draft)

    def _try(self, draft: Draft) -> int | None:
        """Appends the draft's best end word; None if it has none, or is a line already."""
        ending = self._writer.best_ending(draft)
        if ending is None:
            return None
        if ending.stop is not None:
            self._engine.rewind(draft.row, self._start + ending.kept + 1)
            self._compare(self._writer.line(draft, ending))
            return None
        self._engine.rewind(draft.row, self._start + ending.kept)
        self._tried[draft.row] = (draft, ending)
        return ending.token

    def _end(self, draft: Draft, ending: Ending, logits: FloatArray) -> None:
        """The line that a draft has become with the ending that was tried."""
        self._compare(self._writer.line(draft, self._writer.with_stop(ending, logits)))

    def _compare(self, line: Line | None) -> None:
        """Keeps the line if it is the best so far, and its row until there is a better one."""
        if line is not None and (self._best is None or line.score > self._best.score):
            self._best, self._to_append = line, [self._writer.lexicon.newline]

    def _is_free(self, row: int) -> bool:
        is_best = self._best is not None and self._best.row == row
        return not is_best and row not in self._growing and row not in self._tried

    def _wants_more(self) -> bool:
        search, best = self._search, self._best
        if best is None:
            return self._begun < search.most * _MOST_FAILURES
        is_good = best.score >= search.good and best.end_likelihood > FORCED
        return self._begun < (search.fewest if is_good else search.most)
