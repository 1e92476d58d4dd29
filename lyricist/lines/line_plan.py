"""A line plan: what one line has to be, in length and in the words that may end it."""

from dataclasses import dataclass

import numpy as np

from lyricist.arrays import FloatArray, IntArray


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
    #: The text that it begins with; the rows hold it already.
    given: str = ""
    #: Whether it has to rhyme with a line before it.
    is_answer: bool = False

    def allows(self, syllables: int) -> bool:
        """Whether a line may have so many syllables."""
        return self.fewest_syllables <= syllables <= self.most_syllables

    def cost_of(self, end: int) -> float | None:
        """What ending in the token `end` costs; None if the line may not end in it."""
        costs = self.end_costs[self.ends == end]
        return float(costs[0]) if len(costs) else None


#: Of no line at all.
NO_PLAN = LinePlan(0, 0, 0, np.zeros(0, np.intp), np.zeros(0, np.float32))


class FittingEnds:
    """A plan's end words by their syllables, so that those which fit a beginning are one slice."""

    def __init__(self, plan: LinePlan, syllables: IntArray) -> None:
        """`syllables` are those of every token of the vocabulary."""
        lengths = syllables[plan.ends]
        order = np.argsort(lengths, kind="stable")
        self._plan, self._lengths = plan, lengths[order]
        self._ends, self._costs = plan.ends[order], plan.end_costs[order]

    def after(self, so_far: int) -> tuple[IntArray, FloatArray]:
        """The ends that complete a line which has `so_far` syllables, and what each costs."""
        shortest = self._plan.fewest_syllables - so_far
        longest = self._plan.most_syllables - so_far
        start, stop = np.searchsorted(self._lengths, [shortest, longest + 1])
        return self._ends[start:stop], self._costs[start:stop]
