"""The KV caches of all families of rows, and which of them the graph holds at the moment.

The graph attends to caches in its own tensors, which lose their contents whenever it is reshaped.
So keys and values live in a store outside of it; those of some families, the window, are copied
into the graph, and what passes add to them there is copied back before the next reshape.
"""

import math
import mmap
from collections.abc import Sequence

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import MASKED, Architecture
from lyricist.engine.graph import Graph
from lyricist.engine.slots import Slots
from lyricist.errors import ContextFull

#: Passes round up how many slots they attend to, by less than this; the store has as many more.
MOST_PADDING = 512


class Caches:
    """Keys and values of every row, layer by layer. A family's rows follow each other."""

    def __init__(
        self,
        graph: Graph,
        architecture: Architecture,
        branches: Sequence[int],
        capacities: Sequence[int],
    ) -> None:
        """`branches` and `capacities`: how many rows, and how many slots, each family has."""
        #: Row -> its family, and its branch in that.
        self.places = [
            (family, branch) for family, rows in enumerate(branches) for branch in range(rows)
        ]
        self._slots = [
            Slots(rows, capacity + MOST_PADDING)
            for rows, capacity in zip(branches, capacities, strict=True)
        ]
        heads, head_size = architecture.key_value_heads, architecture.head_size
        #: Layer's keys or values -> family -> (heads, capacity, head_size).
        self._store: list[list[FloatArray]] = [
            [_zeros_on_demand((heads, slots.capacity, head_size)) for slots in self._slots]
            for _ in range(2 * architecture.layers)
        ]
        self._graph = graph
        #: The families whose caches are in the graph, in the order in which they stand there.
        self.window: tuple[int, ...] = ()
        #: How many of the first slots of each family the store has as they are; the graph may have
        #: newer contents of those after them.
        self._stored = [0] * len(self._slots)

    def length(self, row: int) -> int:
        """How many positions the row holds."""
        family, branch = self.places[row]
        return len(self._slots[family].of_branch[branch])

    def used(self, family: int) -> int:
        """How many slots a pass must attend to for the family."""
        return self._slots[family].used

    def masks(self, rows: Sequence[int], cached: int) -> FloatArray:
        """(rows, cached): what is added to each row's scores of its family's slots."""
        places = [self.places[row] for row in rows]
        return np.stack([self._slots[family].mask[branch, :cached] for family, branch in places])

    def window_masks(
        self, rows: Sequence[int], cached: int, window: int, positions: int = 1
    ) -> FloatArray:
        """(rows * positions, cached): the same for the next `positions` of each row, each of which
        sees no more than `window` positions, its own included."""
        found = np.full((len(rows) * positions, cached), MASKED)
        for at, row in enumerate(rows):
            family, branch = self.places[row]
            slots = self._slots[family].of_branch[branch]
            for after in range(positions):
                seen = slots[max(0, len(slots) + after + 1 - window) :]
                found[at * positions + after, seen] = 0
        return found

    def has_room(self, family: int, count: int) -> bool:
        """Whether `count` more positions fit into the family."""
        return self._slots[family].free - MOST_PADDING >= count

    def open_window(self, families: Sequence[int], cached: int) -> None:
        """Copies `families` into the graph, which was just reshaped to `cached` slots."""
        for stored, tensor in zip(self._store, self._graph.caches, strict=True):
            for place, family in enumerate(families):
                # The mask gives unused slots a weight of 0. Whatever the store holds there is
                # finite; an infinity times 0 would be no number.
                tensor[place] = stored[family][:, :cached]
        self.window = tuple(families)

    def close_window(self) -> None:
        """Copies what was added in the graph back into the store. To be called before a reshape."""
        for place, family in enumerate(self.window):
            start, end = self._stored[family], self._slots[family].used
            if start < end:
                for stored, tensor in zip(self._store, self._graph.caches, strict=True):
                    stored[family][:, start:end] = tensor[place, :, start:end]
            self._stored[family] = end
        self.window = ()

    def append_step(self, rows: Sequence[int], entries: Sequence[int]) -> None:
        """Adds one position to each of `rows`, all of them of the window's families.

        `entries`: which of the graph's new keys and values each of them is given.
        """
        moves = []
        for place, family in enumerate(self.window):
            taken, slots = [], []
            for row, entry in zip(rows, entries, strict=True):
                origin, branch = self.places[row]
                if origin == family:
                    taken.append(entry)
                    slots.append(int(self._slots[family].append(branch)[0]))
            if taken:
                self._stored[family] = min(self._stored[family], *slots)
                moves.append((place, _as_slice(slots), _as_slice(taken)))
        for tensor, new in zip(self._graph.caches, self._graph.new_entries, strict=True):
            for place, into, taken_as in moves:
                tensor[place][:, into] = new[taken_as].swapaxes(0, 1)

    def append_chunk(self, row: int, count: int) -> None:
        """Adds the first `count` keys and values of the last pass to `row`; closes the window."""
        self.close_window()
        family, branch = self.places[row]
        into = _as_slice(self._slots[family].append(branch, count).tolist())
        for stored, new in zip(self._store, self._graph.new_entries, strict=True):
            stored[family][:, into] = new[:count].swapaxes(0, 1)
        self._stored[family] = self._slots[family].used

    def cut(self, row: int, length: int) -> None:
        """Forgets the positions of `row` from `length` on."""
        family, branch = self.places[row]
        self._slots[family].cut(branch, length)
        self._stored[family] = min(self._stored[family], self._slots[family].used)
        self._pack_if_wasteful(family)

    def copy(self, source: int, target: int) -> None:
        """Makes `target` equal to `source`."""
        if source == target:
            return
        (origin, copied), (family, branch) = self.places[source], self.places[target]
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
        if not self.has_room(family, len(taken)):
            raise ContextFull(f"{len(taken)} positions do not fit into another family.")
        if taken:
            into = self._slots[family].append(branch, len(taken))
            for stored in self._store:
                stored[family][:, into] = stored[origin][:, taken]
        self._stored[family] = self._slots[family].used

    def _pack_if_wasteful(self, family: int) -> None:
        if not self._slots[family].is_wasteful():
            return
        first, moved = self._slots[family].pack()
        end = first + len(moved)
        if family in self.window:
            place = self.window.index(family)
            for tensor in self._graph.caches:
                tensor[place][:, first:end] = tensor[place][:, moved]
            self._stored[family] = min(self._stored[family], first)
        else:
            for stored in self._store:
                stored[family][:, first:end] = stored[family][:, moved]
            self._stored[family] = end


def _as_slice(places: list[int]) -> slice | list[int]:
    """The index that takes `places` out of an array: a slice, which copies nothing, if possible."""
    is_row = places == list(range(places[0], places[0] + len(places)))
    return slice(places[0], places[-1] + 1) if is_row else places


def _zeros_on_demand(shape: tuple[int, ...]) -> FloatArray:
    """Zeros that take memory only where they are written to; np.zeros may get pages of 2 MiB."""
    memory = mmap.mmap(-1, math.prod(shape) * np.dtype(np.float32).itemsize)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.float32).reshape(shape)
