"""Which slots of a family's cache each of its rows consists of.

A slot of the cache holds the keys and values of one token, and one or several rows can see it:
copying a row within its family copies a list of slots, not their contents. Owns those lists; knows
no keys and no values.
"""

from collections.abc import Sequence

import numpy as np

from lyricist.arrays import FloatArray, IntArray
from lyricist.bundle.architecture import MASKED

#: Once more slots than this belong to no row, those in use are packed.
MOST_WASTE = 128


class Slots:
    """The slots of one family of `branches` rows.

    The numbers of a row are summed in the order of its slots, which so decides the last bits of
    its logits. For a song not to change with what is written beside it, slots are given out
    within a family, whatever the other families do.
    """

    def __init__(self, branches: int, context_length: int) -> None:
        # Room for full rows and the most waste, and as much again: engines round up what they use.
        self.capacity = branches * context_length + 2 * MOST_WASTE
        #: Branch -> the slots of that row's positions, ascending.
        self.of_branch: list[list[int]] = [[] for _ in range(branches)]
        #: (branches, capacity): what is added to a row's score of a slot, 0 or MASKED.
        self.mask: FloatArray = np.full((branches, self.capacity), MASKED)
        #: Slots from here on are free.
        self.used = 0

    def append(self, branch: int, count: int = 1) -> int:
        """Gives a row `count` new slots, one after the other; returns the first of them."""
        first = self.used
        self.used += count
        self.of_branch[branch].extend(range(first, self.used))
        self.mask[branch, first : self.used] = 0
        return first

    def cut(self, branch: int, length: int) -> None:
        """Drops a row's positions from `length` on."""
        gone = self.of_branch[branch][length:]
        if gone:
            self.mask[branch, gone] = MASKED
            del self.of_branch[branch][length:]
            self.used = max((slots[-1] + 1 for slots in self.of_branch if slots), default=0)

    def copy(self, source: int, target: int) -> None:
        """Makes `target` see the slots that `source` sees, and no others."""
        self.of_branch[target] = list(self.of_branch[source])
        self.mask[target] = self.mask[source]
        self.used = max((slots[-1] + 1 for slots in self.of_branch if slots), default=0)

    def is_wasteful(self) -> bool:
        """Whether to pack: all rows hold the same text, and it has gaps; or there are many gaps."""
        seen = len(set().union(*self.of_branch))
        is_one_text = all(len(slots) == seen for slots in self.of_branch)
        return self.used > seen + (0 if is_one_text else MOST_WASTE)

    def pack(self) -> tuple[int, IntArray]:
        """Moves the slots that are seen to the front, in their order.

        Returns the first slot whose contents change, and for it and all after it the old slots
        whose contents belong there.
        """
        seen = np.array(sorted(set().union(*self.of_branch)), np.intp)
        first = int(np.argmax(np.append(seen, -1) != np.arange(len(seen) + 1)))
        places = {int(slot): place for place, slot in enumerate(seen)}
        self.of_branch = [[places[slot] for slot in slots] for slots in self.of_branch]
        self.mask[:, : self.used] = MASKED
        for branch, slots in enumerate(self.of_branch):
            self.mask[branch, slots] = 0
        self.used = len(seen)
        return first, seen[first:]


def masks(families: Sequence[Slots], cached: int) -> FloatArray:
    """(families, branches, cached): what is added to the scores of the slots, 0 or MASKED."""
    return np.stack([family.mask[:, :cached] for family in families])
