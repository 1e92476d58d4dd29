"""Which slots of a family's cache each of its rows can see.

The rows of a family share one cache. A slot holds the keys and values of one token, seen by one
row or by several: a copied row is a list of slots, not of numbers. Owns that bookkeeping; knows
no keys and no values.
"""

from collections.abc import Sequence

import numpy as np

from lyricist.arrays import FloatArray, IntArray

#: Added to the scores of positions that are not there; exp() of it is exactly 0.
NOT_THERE = np.float32(-1e9)
#: A family is packed anew when so many of its slots are seen by no row.
MOST_WASTE = 128


class Slots:
    """The slots of one family. What it does depends on this family alone, never on others."""

    def __init__(self, branches: int, context_length: int) -> None:
        # What is looked at is rounded up: twice the waste leaves room for that.
        self.capacity = branches * context_length + 2 * MOST_WASTE
        #: Row -> the slots of its positions, ascending.
        self.of: list[list[int]] = [[] for _ in range(branches)]
        #: (branches, capacity): what is added to a row's score of a slot: 0 or NOT_THERE.
        self.mask: FloatArray = np.full((branches, self.capacity), NOT_THERE)
        #: Slots from here on are free.
        self.used = 0

    def append(self, branch: int, count: int = 1) -> int:
        """Gives a row `count` slots side by side; the first of them."""
        first = self.used
        self.used += count
        self.of[branch].extend(range(first, self.used))
        self.mask[branch, first : self.used] = 0
        return first

    def cut(self, branch: int, length: int) -> None:
        """Takes a row's positions from `length` on away."""
        gone = self.of[branch][length:]
        if gone:
            self.mask[branch, gone] = NOT_THERE
            del self.of[branch][length:]
            self.used = max((slots[-1] + 1 for slots in self.of if slots), default=0)

    def copy(self, source: int, target: int) -> None:
        """Lets `target` see what `source` sees."""
        self.of[target] = list(self.of[source])
        self.mask[target] = self.mask[source]
        self.used = max((slots[-1] + 1 for slots in self.of if slots), default=0)

    def is_wasteful(self) -> bool:
        """Whether it is time to pack: one text is left with gaps in it, or gaps are too many."""
        seen = len(set().union(*self.of))
        is_one_text = all(len(slots) == seen for slots in self.of)
        return self.used > seen + (0 if is_one_text else MOST_WASTE)

    def pack(self) -> tuple[int, IntArray]:
        """Moves the slots that are seen to the front, in their order.

        Returns the first place that changed, and for it and all after it the slots that must be
        moved there.
        """
        seen = np.array(sorted(set().union(*self.of)), np.intp)
        first = int(np.argmax(np.append(seen, -1) != np.arange(len(seen) + 1)))
        places = {int(slot): place for place, slot in enumerate(seen)}
        self.of = [[places[slot] for slot in slots] for slots in self.of]
        self.mask[:, : self.used] = NOT_THERE
        for branch, slots in enumerate(self.of):
            self.mask[branch, slots] = 0
        self.used = len(seen)
        return first, seen[first:]


def masks(families: Sequence[Slots], cached: int) -> FloatArray:
    """(families, branches, cached)."""
    return np.stack([family.mask[:, :cached] for family in families])
