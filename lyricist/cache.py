"""The KV caches of all rows, and the window of them that the graph is looking at.

The graph attends to caches in its own tensors, which lose their contents whenever it is reshaped.
So a row's keys and values live in the store, go into the window to be attended to, and what was
added there comes back. Owns that bookkeeping and the rows' lengths; knows no network.
"""

import math
import mmap
from collections.abc import Sequence

import numpy as np

from lyricist.architecture import Architecture
from lyricist.engine import FloatArray
from lyricist.graph import Graph


class Caches:
    """Keys and values of every row, layer by layer."""

    def __init__(self, graph: Graph, architecture: Architecture, max_rows: int) -> None:
        shape = (
            max_rows,
            architecture.key_value_heads,
            architecture.context_length,
            architecture.head_size,
        )
        self._store: list[FloatArray] = [
            _zeros_on_demand(shape) for _ in range(2 * architecture.layers)
        ]
        self._graph = graph
        self.lengths = [0] * max_rows
        #: Rows in the window, in the order of the graph's sequences.
        self.window: tuple[int, ...] = ()
        #: How many positions of each row the store has; the rest is in the window only.
        self._stored = [0] * max_rows

    def open_window(self, rows: Sequence[int], cached: int) -> None:
        """Puts `rows` into the graph's tensors, which were just reshaped to `cached` positions."""
        for stored, view in zip(self._store, self._graph.caches, strict=True):
            tensor = view()
            for slot, row in enumerate(rows):
                # Past a row's end stands what a mask hides; it must be finite, and the store is.
                tensor[slot] = stored[row, :, :cached]
        self.window = tuple(rows)

    def close_window(self) -> None:
        """Takes what was added in the window back into the store. Before any reshape."""
        for row in self.window:
            self._save(row)
        self.window = ()

    def append_step(self, rows: Sequence[int]) -> None:
        """Adds the graph's new keys and values, one position to each of `rows`, all in the window.

        The graph's new positions stand in the order of the window.
        """
        slots = np.array([self.window.index(row) for row in rows])
        ends = np.array([self.lengths[row] for row in rows])
        for view, new in zip(self._graph.caches, self._graph.news, strict=True):
            view()[slots, :, ends] = new()[slots]
        for row in rows:
            self.lengths[row] += 1

    def append_chunk(self, row: int, count: int) -> None:
        """Adds the graph's `count` new positions to `row`, in the store; closes the window."""
        self.close_window()
        start = self.lengths[row]
        for stored, new in zip(self._store, self._graph.news, strict=True):
            stored[row, :, start : start + count] = new().swapaxes(0, 1)
        self.lengths[row] = self._stored[row] = start + count

    def cut(self, row: int, length: int) -> None:
        """Forgets the positions of `row` from `length` on."""
        self.lengths[row] = min(length, self.lengths[row])
        self._stored[row] = min(length, self._stored[row])

    def copy(self, source: int, target: int) -> None:
        """Makes `target` equal to `source`."""
        if source == target:
            return
        length = self.lengths[source]
        if source in self.window and target in self.window:
            origin, copy = self.window.index(source), self.window.index(target)
            for view in self._graph.caches:
                tensor = view()
                tensor[copy, :, :length] = tensor[origin, :, :length]
            self._stored[target] = 0
        else:
            self.close_window()
            for stored in self._store:
                stored[target, :, :length] = stored[source, :, :length]
            self._stored[target] = length
        self.lengths[target] = length

    def _save(self, row: int) -> None:
        slot, start, end = self.window.index(row), self._stored[row], self.lengths[row]
        if start < end:
            for stored, view in zip(self._store, self._graph.caches, strict=True):
                stored[row, :, start:end] = view()[slot, :, start:end]
        self._stored[row] = end


def _zeros_on_demand(shape: tuple[int, ...]) -> FloatArray:
    """Zeros that take memory from the system only where they are written to.

    np.zeros asks for pages of 2 MiB, which are soon all touched: 2.6 GB instead of 1.6 for 32 rows.
    """
    memory = mmap.mmap(-1, math.prod(shape) * np.dtype(np.float32).itemsize)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.float32).reshape(shape)
