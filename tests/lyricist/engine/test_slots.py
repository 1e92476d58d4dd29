"""Rows see their own slots and no others, whatever is copied, cut and packed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lyricist.bundle.architecture import MASKED
from lyricist.engine.slots import Slots

BRANCHES, CONTEXT = 3, 40
ROWS = st.integers(0, BRANCHES - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), ROWS, st.integers(1, 4)),
        st.tuples(st.just("cut"), ROWS, st.integers(0, CONTEXT)),
        st.tuples(st.just("copy"), ROWS, ROWS),
    ),
    max_size=80,
)


class Family:
    """Slots with a number in each, as the caches keep one, beside plain lists of them."""

    def __init__(self) -> None:
        self.slots = Slots(BRANCHES, BRANCHES * CONTEXT)
        self.cache = np.full(self.slots.capacity, -1)
        self.texts: list[list[int]] = [[] for _ in range(BRANCHES)]
        self._next = 0

    def append(self, row: int, count: int) -> None:
        for _ in range(min(count, CONTEXT - len(self.texts[row]))):
            self.cache[self.slots.append(row)] = self._next
            self.texts[row].append(self._next)
            self._next += 1

    def cut(self, row: int, length: int) -> None:
        self.slots.cut(row, length)
        del self.texts[row][length:]
        self.pack()

    def copy(self, source: int, target: int) -> None:
        self.slots.copy(source, target)
        self.texts[target] = list(self.texts[source])
        self.pack()

    def pack(self) -> None:
        if self.slots.is_wasteful():
            first, moved = self.slots.pack()
            self.cache[first : first + len(moved)] = self.cache[moved]


@given(STEPS)
def test_every_row_sees_its_own_text_and_nothing_else(steps: list[tuple[str, int, int]]) -> None:
    family = Family()
    for action, row, argument in steps:
        getattr(family, action)(row, argument)
        for branch, text in enumerate(family.texts):
            assert family.cache[family.slots.of_branch[branch]].tolist() == text
            seen = np.flatnonzero(family.slots.mask[branch] == 0)
            own = family.slots.of_branch[branch]
            assert seen.tolist() == sorted(own), "the mask shows what the row has"
            assert all(slot < family.slots.used for slot in seen)
        assert family.slots.used <= family.slots.capacity
    assert set(np.unique(family.slots.mask)) <= {np.float32(0), MASKED}


def test_one_text_is_packed_at_once() -> None:
    family = Family()
    for _ in range(5):
        for row in range(BRANCHES):
            family.append(row, 1)
    for row in (0, 1):
        family.copy(2, row)
    assert family.slots.used == 5
    assert family.texts[0] == [2, 5, 8, 11, 14]


def test_dropped_slots_are_used_again() -> None:
    family = Family()
    family.append(1, 2)
    for _ in range(200):
        family.append(0, 3)
        family.append(1, 1)
        family.cut(0, 0)
        family.cut(1, 2)
    assert family.slots.used <= 6
    assert family.slots.free == BRANCHES * CONTEXT - 2
