"""Which slots of a family's cache each of its rows consists of.

A slot of the cache holds the keys and values of one token, and one or several rows can see it:
copying a row within its family copies a list of slots, not their contents.
"""

import numpy as np

from lyricist.arrays import FloatArray, IntArray
from lyricist.bundle.architecture import MASKED


class Slots:
    """The slots of one family of `branches` rows.

    The numbers of a row are summed in the order of its slots, which so decides the last bits of
    its logits. For a song not to change with what is written beside it, slots are given out
    within a family, whatever the other families do.
    """

    def __init__(self, branches: int, capacity: int) -> None:
        self.capacity = capacity
        #: Branch -> the slots of that row's positions, in the order of the text.
        self.of_branch: list[list[int]] = [[] for _ in range(branches)]
        #: (branches, capacity): what is added to a row's score of a slot, 0 or MASKED.
        self.mask: FloatArray = np.full((branches, capacity), MASKED)
        #: No slot from here on is seen by any row.
        self.used = 0
        #: (capacity,): how many rows see each slot.
        self._seers = np.zeros(capacity, np.intp)

    @property
    def free(self) -> int:
        """How many slots no row sees."""
        return self.capacity - int(np.count_nonzero(self._seers))

    def append(self, branch: int, count: int = 1) -> IntArray:
        """Gives a row the first `count` slots that are free; returns them, ascending.

        What rows have dropped is used again, so that a pass attends to few slots that nobody sees.
        """
        found = np.flatnonzero(self._seers[: self.used + count] == 0)[:count]
        self.of_branch[branch].extend(found.tolist())
        self.mask[branch, found] = 0
        self._seers[found] = 1
        self.used = max(self.used, int(found[-1]) + 1)
        return found

    def cut(self, branch: int, length: int) -> None:
        """Drops a row's positions from `length` on."""
        gone = self.of_branch[branch][length:]
        if gone:
            self.mask[branch, gone] = MASKED
            self._seers[gone] -= 1
            del self.of_branch[branch][length:]
            self._find_used()

    def copy(self, source: int, target: int) -> None:
        """Makes `target` see the slots that `source` sees, and no others."""
        self._seers[self.of_branch[target]] -= 1
        self._seers[self.of_branch[source]] += 1
        self.of_branch[target] = list(self.of_branch[source])
        self.mask[target] = self.mask[source]
        self._find_used()

    def is_wasteful(self) -> bool:
        """Whether to pack: all rows that hold anything hold the same text, and it has gaps."""
        seen = int(np.count_nonzero(self._seers[: self.used]))
        return self.used > seen and all(len(slots) in (0, seen) for slots in self.of_branch)

    def pack(self) -> tuple[int, IntArray]:
        """Moves the slots that are seen to the front, in their order.

        Returns the first slot whose contents change, and for it and all after it the old slots
        whose contents belong there.
        """
        seen = np.flatnonzero(self._seers[: self.used])
        first = int(np.argmax(np.append(seen, -1) != np.arange(len(seen) + 1)))
        places = {int(slot): place for place, slot in enumerate(seen)}
        self.of_branch = [[places[slot] for slot in slots] for slots in self.of_branch]
        self.mask[:, : self.used] = MASKED
        for branch, slots in enumerate(self.of_branch):
            self.mask[branch, slots] = 0
        seers = self._seers[seen]
        self._seers[: self.used] = 0
        self._seers[: len(seen)] = seers
        self.used = len(seen)
        return first, seen[first:]

    def _find_used(self) -> None:
        seen = np.flatnonzero(self._seers[: self.used])
        self.used = int(seen[-1]) + 1 if len(seen) else 0
