"""Searches for the best drafts of one line.

Drafts are written in all rows at once. One that is done is tried: its best end word is appended, to
see how likely the line is to stop there. Then its row is free for another draft. Drafts that begin
unlikely are dropped, and more are begun as long as no line is good. They may go on from several
takes of the song; then most are begun where the best lines were found. Knows no words: `line` grows
drafts and judges them.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.port import Engine
from lyricist.engine.sessions import Session
from lyricist.lines.draft import Draft, Ending
from lyricist.lines.draft_writer import DraftWriter, Line
from lyricist.lines.effort import FORCED, Drafts, Search
from lyricist.lines.likelihoods import Likelihoods

#: A draft is compared with the others when it has so many tokens, and so many have come as far.
_FIRST_TOKENS, _FEWEST_TO_COMPARE = 3, 6
#: So many drafts go on from each take, and then from the best of them only.
_TRIALS, _FAVOURITES = 4, 2
#: So many other lines are kept beside one of the best.
_OTHERS_KEPT = 24
#: If no draft at all becomes a line, so many times as many are begun.
_MOST_FAILURES = 4


@dataclass(frozen=True)
class Beginning:
    """What drafts of a line go on from."""

    #: Which of the takes it is.
    take: int
    #: Holds the song so far, and what the line begins with.
    row: int
    #: What comes next.
    logits: FloatArray
    #: What the lines are worth in which this take differs from others.
    score: float
    writer: DraftWriter


@dataclass
class Found:
    """One of the best lines."""

    line: Line
    #: Which of the takes it goes on from, and what that is worth with it.
    take: int
    score: float
    #: Holds the song up to the end of the line and, once there are logits, its line break.
    row: int
    #: What comes after the line break.
    logits: FloatArray | None = None
    #: Other lines that were found for its place in that take, the best first.
    others: Sequence[Line] = ()


@dataclass(frozen=True)
class _Work:
    """What a row is busy with: a draft that grows, or whose ending is tried."""

    draft: Draft
    beginning: int
    ending: Ending | None = None
    #: How many of the ending's tokens the row holds, and the log-probability of those after the
    #: first.
    said: int = 1
    rest: float = 0.0
    #: Endings that are to be tried after that.
    untried: Sequence[Ending] = ()


class LineSearch:
    """The drafts of one line, in rows of an engine."""

    def __init__(
        self,
        engine: Engine,
        beginnings: Sequence[Beginning],
        rows: Sequence[int],
        search: Search,
        drafts: Drafts,
        seed: Sequence[int],
        keep: int,
        kind_of: Callable[[int, Line], Hashable],
    ) -> None:
        """`rows`: where drafts are written, and after those others to keep lines in, if any.

        `keep`: how many lines are wanted; only the best of each kind, which `kind_of` tells by a
        line and its beginning.
        """
        self._engine, self._beginnings = engine, beginnings
        held = {beginning.row for beginning in beginnings}
        self._rows = rows[: search.rows]
        self._spare = [row for row in rows[search.rows :] if row not in held]
        self._search, self._drafts, self._seed = search, drafts, seed
        self._keep, self._kind_of = keep, kind_of
        self._starts = [engine.length(beginning.row) for beginning in beginnings]
        self._works: dict[int, _Work] = {}
        #: The best lines so far, the best of them first.
        self._kept: list[Found] = []
        #: Beginning -> the best score of its lines so far.
        self._best_of: dict[int, float] = {}
        #: Take -> all lines that its drafts have become.
        self._lines: dict[int, list[Line]] = defaultdict(list)
        self._line_break = beginnings[0].writer.lexicon.newline
        self._begun = 0
        #: Log-probability of the first tokens of each draft that came so far.
        self._first_likelihoods: list[float] = []

    def run(self) -> Session[list[Found]]:
        """The best lines, at most as many as takes are wanted, the best first; perhaps none."""
        answers: dict[int, FloatArray] = {}
        asked: list[Found] = []
        while True:
            for found in asked:
                found.logits = answers.pop(found.row)
            tokens = {}
            for row in self._rows:
                token = self._next(row, answers.get(row))
                if token is not None:
                    tokens[row] = token
            # Line breaks fill up a pass, or come in one of their own at the end.
            asked = [found for found in self._kept if found.logits is None]
            del asked[max(0, len(self._rows) - len(tokens)) :]
            for found in asked:
                tokens[found.row] = self._line_break
            if not tokens:
                if not self._kept:
                    self._restore()
                return [replace(found, others=self._others_of(found)) for found in self._kept]
            answers = yield tokens

    def _next(self, row: int, logits: FloatArray | None) -> int | None:
        """The token that a row is to be given; None if it rests."""
        token = None
        work = self._works.pop(row, None)
        if work is not None and logits is not None:
            token = self._go_on(work, logits)
        while token is None and self._is_free(row) and self._wants_more():
            work = self._begin(row)
            token = self._go_on(work, self._beginnings[work.beginning].logits)
        return token

    def _begin(self, row: int) -> _Work:
        """Makes the row hold a take, and nothing of a line."""
        index = self._promising()
        beginning = self._beginnings[index]
        if row != beginning.row:
            self._engine.copy(beginning.row, row)
        self._engine.rewind(row, self._starts[index])
        rng = np.random.default_rng([*self._seed, self._begun])
        writer = beginning.writer
        draft = Draft(self._begun, row, writer.lexicon, rng, writer.plan.given)
        self._begun += 1
        return _Work(draft, index)

    def _promising(self) -> int:
        """The beginning that the next draft goes on from: each in turn, later one of the best."""
        count = len(self._beginnings)
        if self._begun < count * _TRIALS:
            return self._begun % count
        best = sorted(self._best_of, key=lambda index: -self._best_of[index])[:_FAVOURITES]
        return best[self._begun % len(best)] if best else self._begun % count

    def _go_on(self, work: _Work, logits: FloatArray) -> int | None:
        """The next token of a row's work; None if that is done."""
        draft, writer = work.draft, self._beginnings[work.beginning].writer
        start = self._starts[work.beginning]
        if work.ending is not None:
            if work.said < len(work.ending.tokens):
                return self._say_more(work, work.ending, logits)
            after = writer.see(draft, logits)
            ending = work.ending.said(work.rest) if work.said > 1 else work.ending
            self._compare(work, writer.line(draft, ending, after))
            return self._try(work, work.untried)
        if self._is_to_be_dropped(work):
            return None
        token = writer.grow(draft, start, logits)
        if token is not None:
            if len(draft.tokens) == _FIRST_TOKENS:
                self._first_likelihoods.append(sum(draft.likelihoods))
            self._works[draft.row] = work
            return token
        return self._try(work, writer.best_endings(draft, self._search.endings))

    def _say_more(self, work: _Work, ending: Ending, logits: FloatArray) -> int:
        """The next token of an end word of several."""
        token = ending.tokens[work.said]
        rest = work.rest + Likelihoods.of_logits(logits).of_token(token)
        self._works[work.draft.row] = replace(work, said=work.said + 1, rest=rest)
        return token

    def _try(self, work: _Work, endings: Sequence[Ending]) -> int | None:
        """The first token of the first of `endings` that takes a pass to try; None if none is left.

        A row that now holds one of the best lines is left as it is.
        """
        draft, writer = work.draft, self._beginnings[work.beginning].writer
        start = self._starts[work.beginning]
        for at, ending in enumerate(endings):
            if any(draft.row == found.row for found in self._kept):
                return None
            if ending.after is None:
                self._engine.rewind(draft.row, start + ending.kept)
                untried = endings[at + 1 :]
                self._works[draft.row] = _Work(draft, work.beginning, ending, untried=untried)
                return ending.tokens[0]
            self._engine.rewind(draft.row, start + ending.held)
            self._compare(work, writer.line(draft, ending, ending.after))
        return None

    def _is_to_be_dropped(self, work: _Work) -> bool:
        draft, beginning = work.draft, self._beginnings[work.beginning]
        count, known = len(draft.tokens), self._first_likelihoods
        if beginning.writer.lacks_topic and beginning.writer.names_topic(draft):
            return False
        if count == _FIRST_TOKENS and len(known) >= _FEWEST_TO_COMPARE:
            own = sum(draft.likelihoods)
            worse = sum(likelihood < own for likelihood in known)
            return worse < self._search.dropped * len(known)
        return False

    def _compare(self, work: _Work, line: Line | None) -> None:
        """Keeps the line if it is one of the best so far, and its row or a copy of it."""
        if line is None:
            return
        index, row = work.beginning, work.draft.row
        beginning = self._beginnings[index]
        self._lines[beginning.take].append(line)
        found = Found(line, beginning.take, beginning.score + line.score, row)
        self._best_of[index] = max(found.score, self._best_of.get(index, found.score))
        kind = self._kind_of(found.take, line)
        rivals = [kept for kept in self._kept if self._kind_of(kept.take, kept.line) == kind]
        if not rivals and len(self._kept) == self._keep:
            rivals = self._kept[-1:]
        if rivals:
            if found.score <= rivals[0].score:
                return
            self._kept.remove(rivals[0])
            if rivals[0].row not in self._rows:
                self._spare.append(rivals[0].row)
        if self._spare:
            found.row = self._spare.pop()
            self._engine.copy(row, found.row)
        self._kept.append(found)
        self._kept.sort(key=lambda kept: -kept.score)

    def _restore(self) -> None:
        """Takes what was drafted out of the rows that hold the takes, for another search."""
        for beginning, start in zip(self._beginnings, self._starts, strict=True):
            self._engine.rewind(beginning.row, start)

    def _others_of(self, found: Found) -> list[Line]:
        """The best of the other lines of its take, each text once."""
        ranked = sorted(self._lines[found.take], key=lambda line: (-line.score, line.text))
        others = {line.text: line for line in reversed(ranked) if line.text != found.line.text}
        return [*reversed(others.values())][:_OTHERS_KEPT]

    def _is_free(self, row: int) -> bool:
        return row not in self._works and all(row != found.row for found in self._kept)

    def _wants_more(self) -> bool:
        drafts = self._drafts
        if not self._kept:
            return self._begun < drafts.most * _MOST_FAILURES
        best = self._kept[0].line
        is_good = best.score >= self._search.good and best.end_likelihood > FORCED
        return self._begun < (drafts.fewest if is_good else drafts.most)
