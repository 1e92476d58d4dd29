"""A line plan: what one line has to be, in length and in the words that may end it."""

from dataclasses import dataclass

import numpy as np

from lyricist.arrays import FloatArray, IntArray
from lyricist.vocabulary.lexicon import Lexicon


@dataclass(frozen=True)
class LinePlan:
    """What one line has to be."""

    fewest_syllables: int
    most_syllables: int
    #: The length that is liked best.
    target_syllables: int
    #: What may end it (see `Lexicon`), and what each costs (0 or less).
    ends: IntArray
    end_costs: FloatArray
    #: The text that it begins with; the rows hold it already.
    given: str = ""
    #: Whether it has to rhyme with a line before it.
    is_answer: bool = False
    #: How its syllables are stressed, by the signs of `language.meter`; empty: in any way.
    stress: str = ""

    def allows(self, syllables: int) -> bool:
        """Whether a line may have so many syllables."""
        return self.fewest_syllables <= syllables <= self.most_syllables

    def cost_of(self, end: int) -> float | None:
        """What ending in `end` costs; None if the line may not end so."""
        costs = self.end_costs[self.ends == end]
        return float(costs[0]) if len(costs) else None


#: Of no line at all.
NO_PLAN = LinePlan(0, 0, 0, np.zeros(0, np.intp), np.zeros(0, np.float32))


class FittingEnds:
    """A plan's end words by their syllables, so that those which fit a beginning are one slice."""

    def __init__(self, plan: LinePlan, lexicon: Lexicon) -> None:
        lengths = lexicon.syllables[plan.ends]
        order = np.argsort(lengths, kind="stable")
        self._plan, self._lengths = plan, lengths[order]
        self._ends, self._firsts = plan.ends[order], lexicon.first_tokens[plan.ends[order]]
        self._costs = plan.end_costs[order] + lexicon.rests[plan.ends[order]]

    def after(self, so_far: int) -> tuple[IntArray, IntArray, FloatArray]:
        """The ends that complete a line which has `so_far` syllables, the first token of each, and
        what is to be added to that one's log-probability."""
        shortest = self._plan.fewest_syllables - so_far
        longest = self._plan.most_syllables - so_far
        start, stop = np.searchsorted(self._lengths, [shortest, longest + 1])
        found = slice(start, stop)
        return self._ends[found], self._firsts[found], self._costs[found]
