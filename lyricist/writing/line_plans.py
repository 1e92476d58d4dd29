"""What a line of a song has to be, in the order in which that is tried.

A line rhymes with the given lines of its group, else with those that are written, else with none;
where its syllables are counted, it has as many, else nearly as many.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import FloatArray, IntArray
from lyricist.language.meter import misfits, stresses
from lyricist.language.words import split_words
from lyricist.lines.draft import count_syllables
from lyricist.lines.line_plan import LinePlan
from lyricist.lines.next_token import MISFIT_COST
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.writing.song_plan import PlannedPart
from lyricist.writing.take import Take

#: A given beginning may make a line longer than usual by so many syllables.
_GIVEN_EXTRA = 5
#: Where syllables are counted, a line may have so many more or less, the first if it can.
_WIDTHS = (0, 1, 2)
#: So many syllables a line has at least; and more or less than the given line that it answers.
_FEWEST, _NEAR = 2, 2


@dataclass(frozen=True)
class _Rhyme:
    """How a line may end."""

    ends: IntArray
    costs: FloatArray
    #: The syllables of the line that it answers; None if it answers none.
    answered: int | None = None
    #: Whether that one is given.
    is_to_given: bool = False


class LinePlanner:
    """Plans the lines of one song."""

    def __init__(self, lexicon: Lexicon, syllables: tuple[int, int, int]) -> None:
        """`syllables` of a line of its style: at least, as liked best, at most."""
        self._lexicon, self._syllables = lexicon, syllables

    def plans(
        self, takes: Sequence[Take], part: PlannedPart, at: int, expected: FloatArray
    ) -> Iterator[list[LinePlan]]:
        """For line `at` of a section a plan for each take, the strictest first.

        `expected`: how likely each end word has been so far.
        """
        for rhyme in self._rhymes(part, at, expected):
            for width in _WIDTHS if part.lines[at].syllables else (0,):
                yield [self._plan(take, rhyme(take), part, at, width) for take in takes]

    def _rhymes(
        self, part: PlannedPart, at: int, expected: FloatArray
    ) -> Iterator[Callable[[Take], _Rhyme]]:
        group = part.lines[at].group
        given = [split_words(line.given or "") for line in part.answered(at)]
        to_come = sum(
            line.group == group and not line.given
            for line in part.lines[at + 1 :]
            if group is not None
        )

        def to_given(take: Take) -> _Rhyme:
            before = take.rhyming(part, at)
            ends, costs = take.ends.answers_to_word(given[0][-1], before)
            return _Rhyme(ends, costs, count_syllables(given[0]), is_to_given=True)

        def to_written(take: Take) -> _Rhyme:
            before = take.rhyming(part, at)
            if not before:
                return _Rhyme(*take.ends.anchors(to_come, expected))
            return _Rhyme(*take.ends.answers(before), count_syllables(before[-1].words))

        def freely(take: Take) -> _Rhyme:
            return _Rhyme(*take.ends.anchors(0, expected))

        if given:
            yield to_given
        yield to_written
        yield freely

    def _plan(self, take: Take, rhyme: _Rhyme, part: PlannedPart, at: int, width: int) -> LinePlan:
        (fewest, usual, most), line = self._syllables, part.lines[at]
        target = usual if rhyme.answered is None else rhyme.answered
        if rhyme.is_to_given:
            fewest, most = min(fewest, max(_FEWEST, target - _NEAR)), max(most, target + _NEAR)
        if line.syllables:
            target = line.syllables
            fewest, most = max(_FEWEST, target - width), target + width
        given, costs = take.given, rhyme.costs
        if given:
            so_far = count_syllables(given.split())
            extra = _FEWEST if line.syllables else _GIVEN_EXTRA
            fewest, most = max(fewest, so_far + 1), max(most, so_far + extra)
            target = max(target, so_far + 2)
        if line.stress:
            costs = costs - MISFIT_COST * self._beats_off(rhyme.ends, line.stress)
        is_answer = rhyme.answered is not None
        return LinePlan(
            fewest, most, target, rhyme.ends, costs, given, is_answer=is_answer, stress=line.stress
        )

    def _beats_off(self, ends: IntArray, stress: str) -> FloatArray:
        """How many syllables of each end word are not stressed as the line's end is to be."""
        found = [stresses(self._lexicon.words[end]) for end in ends.tolist()]
        return np.array([misfits(stress[-len(own) :], own) for own in found], np.float32)
