"""The KV caches of all families of rows, and which of them the graph holds at the moment.

The graph attends to caches in its own tensors, which lose their contents whenever it is reshaped.
So keys and values live in a store outside of it; those of some families, the window, are copied
into the graph, and what passes add to them there is copied back before the next reshape. Owns the
store and the window; knows no network.
"""

import math
import mmap
from collections.abc import Sequence

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import Architecture
from lyricist.engine.graph import Graph
from lyricist.engine.slots import Slots, masks


class Caches:
    """Keys and values of every row, layer by layer. Row r is branch r % `branches` of family
    r // `branches`."""

    def __init__(
        self, graph: Graph, architecture: Architecture, branches: int, families: int
    ) -> None:
        self._branches = branches
        self._slots = [Slots(branches, architecture.context_length) for _ in range(families)]
        shape = (
            families,
            architecture.key_value_heads,
            self._slots[0].capacity,
            architecture.head_size,
        )
        self._store: list[FloatArray] = [
            _zeros_on_demand(shape) for _ in range(2 * architecture.layers)
        ]
        self._graph = graph
        #: The families whose caches are in the graph, in the order in which they stand there.
        self.window: tuple[int, ...] = ()
        #: How many slots of each family are in the store; those after them are in the graph only.
        self._stored = [0] * families

    def length(self, row: int) -> int:
        """How many positions the row holds."""
        family, branch = self._locate(row)
        return len(self._slots[family].of_branch[branch])

    def used(self, family: int) -> int:
        """How many slots a pass must attend to for the family."""
        return self._slots[family].used

    def masks(self, families: Sequence[int], cached: int) -> FloatArray:
        """(families, branches, cached): what is added to the scores of the slots."""
        return masks([self._slots[family] for family in families], cached)

    def open_window(self, families: Sequence[int], cached: int) -> None:
        """Copies `families` into the graph's tensors, just reshaped to `cached` slots each."""
        for stored, tensor in zip(self._store, self._graph.caches, strict=True):
            for place, family in enumerate(families):
                # The mask gives unused slots a weight of 0. Whatever the store holds there is
                # finite; an infinity times 0 would be no number.
                tensor[place] = stored[family, :, :cached]
        self.window = tuple(families)

    def close_window(self) -> None:
        """Copies what was added in the graph back into the store. To be called before a reshape."""
        for place, family in enumerate(self.window):
            start, end = self._stored[family], self._slots[family].used
            if start < end:
                for stored, tensor in zip(self._store, self._graph.caches, strict=True):
                    stored[family, :, start:end] = tensor[place, :, start:end]
            self._stored[family] = end
        self.window = ()

    def append_step(self, rows: Sequence[int]) -> None:
        """Adds the keys and values of the last step, one position to each of `rows`.

        All rows are of the window's families, and the graph's new entries in the order of those.
        """
        moves = []
        places = [self._locate(row) for row in rows]
        for place, family in enumerate(self.window):
            branches = sorted(branch for origin, branch in places if origin == family)
            if branches:
                first = self._slots[family].used
                for branch in branches:
                    self._slots[family].append(branch)
                entries = [place * self._branches + branch for branch in branches]
                moves.append((place, first, len(entries), _as_slice(entries)))
        for tensor, new in zip(self._graph.caches, self._graph.new_entries, strict=True):
            for place, first, count, taken in moves:
                tensor[place, :, first : first + count] = new[taken].swapaxes(0, 1)

    def append_chunk(self, row: int, count: int) -> None:
        """Adds the first `count` keys and values of the last pass to `row`; closes the window."""
        self.close_window()
        family, branch = self._locate(row)
        first = self._slots[family].append(branch, count)
        for stored, new in zip(self._store, self._graph.new_entries, strict=True):
            stored[family, :, first : first + count] = new[:count].swapaxes(0, 1)
        self._stored[family] = first + count

    def cut(self, row: int, length: int) -> None:
        """Forgets the positions of `row` from `length` on."""
        family, branch = self._locate(row)
        self._slots[family].cut(branch, length)
        self._stored[family] = min(self._stored[family], self._slots[family].used)
        self._pack_if_wasteful(family)

    def copy(self, source: int, target: int) -> None:
        """Makes `target` equal to `source`."""
        if source == target:
            return
        (origin, copied), (family, branch) = self._locate(source), self._locate(target)
        if origin == family:
            self._slots[family].copy(copied, branch)
            self._stored[family] = min(self._stored[family], self._slots[family].used)
        else:
            self._copy_between_families(origin, copied, family, branch)
        self._pack_if_wasteful(family)

    def _copy_between_families(self, origin: int, copied: int, family: int, branch: int) -> None:
        """Copies the contents of the slots, since another family has another cache."""
        self.close_window()
        self._slots[family].cut(branch, 0)
        self._pack_if_wasteful(family)
        taken = self._slots[origin].of_branch[copied]
        first = self._slots[family].append(branch, len(taken))
        for stored in self._store:
            stored[family, :, first : first + len(taken)] = stored[origin][:, taken]
        self._stored[family] = first + len(taken)

    def _pack_if_wasteful(self, family: int) -> None:
        if not self._slots[family].is_wasteful():
            return
        first, moved = self._slots[family].pack()
        end = first + len(moved)
        if family in self.window:
            place = self.window.index(family)
            for tensor in self._graph.caches:
                tensor[place, :, first:end] = tensor[place][:, moved]
            self._stored[family] = min(self._stored[family], first)
        else:
            for stored in self._store:
                stored[family, :, first:end] = stored[family][:, moved]
            self._stored[family] = end

    def _locate(self, row: int) -> tuple[int, int]:
        """The row's family, and its branch in that."""
        return divmod(row, self._branches)


def _as_slice(places: list[int]) -> slice | list[int]:
    """The index that takes `places` out of an array: a slice, which copies nothing, if possible."""
    is_row = places[-1] - places[0] + 1 == len(places)
    return slice(places[0], places[-1] + 1) if is_row else places


def _zeros_on_demand(shape: tuple[int, ...]) -> FloatArray:
    """Zeros that take memory from the system only where they are written to.

    np.zeros may get pages of 2 MiB, and of such large pages nearly all are soon written to.
    """
    memory = mmap.mmap(-1, math.prod(shape) * np.dtype(np.float32).itemsize)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.float32).reshape(shape)
