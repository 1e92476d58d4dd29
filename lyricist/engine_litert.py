"""Runs a bundle's network on LiteRT, TensorFlow's small runtime.

Owns what one pass is fed and which rows it is about. Knows token ids, no text.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lyricist.architecture import rope_tables
from lyricist.bundle import Bundle
from lyricist.cache import Caches
from lyricist.engine import FloatArray
from lyricist.errors import BundleError, ContextFull
from lyricist.graph import Graph, PassShape

#: Most positions of a prompt in one pass: enough for most prompts, and bounded in memory.
CHUNK_POSITIONS = 128
#: The caches' padded length is a multiple of this, so that a row's sums are grouped alike
#: whatever the length, and the graph is seldom reshaped.
CACHE_STEP_POSITIONS = 64
#: Added to the scores of positions that are not there; exp() of it is exactly 0.
NOT_THERE = np.float32(-1e9)
#: A window keeps rows that are not stepped until more than a quarter of it has idled for so many
#: steps: opening another window costs about as much.
PATIENCE_STEPS = 8


class LiteRtEngine:
    """An `Engine` on the CPU. All rows of a pass share one reading of the weights."""

    def __init__(self, bundle: Bundle, max_rows: int = 16, threads: int = 2) -> None:
        """Raises BundleError if LiteRT refuses the file."""
        architecture = bundle.architecture
        self.vocabulary_size = architecture.vocabulary_size
        self.context_length = architecture.context_length
        self.max_rows = max_rows
        self._embedding = bundle.embedding_table()
        self._cosines, self._sines = rope_tables(architecture)
        try:
            self._graph = Graph(bundle.model_path, architecture, threads)
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"LiteRT cannot load {bundle.model_path}: {error}") from error
        self._caches = Caches(self._graph, architecture, max_rows)
        self._shape: PassShape | None = None
        self._idle_steps = 0

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        if len(tokens) == 0:
            raise ValueError("A prefill needs at least one token.")
        if self.length(row) + len(tokens) > self.context_length:
            raise ContextFull(f"{len(tokens)} more positions do not fit into row {row}.")
        for start in range(0, len(tokens), CHUNK_POSITIONS):
            logits = self._run_chunk(row, tokens[start : start + CHUNK_POSITIONS])
        return logits

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        full = [row for row in tokens if self.length(row) >= self.context_length]
        if full:
            raise ContextFull(f"No position is left in row {full[0]}.")
        rows = self._rows_to_show(tokens)
        lengths = np.array([self.length(row) for row in rows])
        count, cached = len(rows), self._padded(int(lengths.max()) + 1)
        self._show(rows, PassShape(count, count, cached, count))
        ids = [tokens.get(row, 0) for row in rows]
        new_mask = np.where(np.eye(count, dtype=bool), np.float32(0), NOT_THERE)
        self._feed(ids, lengths, lengths, new_mask)
        self._graph.input("chosen")()[...] = np.eye(count, dtype=np.float32)
        self._graph.invoke()
        self._caches.append_step(list(tokens))
        logits = self._graph.logits()
        return {row: logits[slot].copy() for slot, row in enumerate(rows) if row in tokens}

    def length(self, row: int) -> int:
        return self._caches.lengths[row]

    def rewind(self, row: int, length: int) -> None:
        self._caches.cut(row, length)

    def copy(self, source: int, target: int) -> None:
        self._caches.copy(source, target)

    def _run_chunk(self, row: int, tokens: Sequence[int]) -> FloatArray:
        start, count = self.length(row), len(tokens)
        self._show((row,), PassShape(count, 1, self._padded(start), 1))
        positions = np.arange(start, start + count)
        causal = np.where(np.tri(count, dtype=bool), np.float32(0), NOT_THERE)
        self._feed(tokens, positions, np.full(count, start), causal)
        self._graph.input("chosen")()[...] = np.arange(count) == count - 1
        self._graph.invoke()
        self._caches.append_chunk(row, count)
        logits: FloatArray = self._graph.logits()[0].copy()
        return logits

    def _feed(
        self,
        tokens: Sequence[int],
        positions: npt.NDArray[np.intp],
        cached: npt.NDArray[np.intp],
        new_mask: FloatArray,
    ) -> None:
        """Per new token: its id, its position, how many cached positions it attends to."""
        feed = self._graph.input
        feed("hidden")()[...] = self._embedding.rows(tokens)
        feed("cosine")()[:, 0] = self._cosines[positions]
        feed("sine")()[:, 0] = self._sines[positions]
        mask = feed("cached_mask")()
        there = np.arange(mask.shape[-1]) < cached[:, np.newaxis]
        mask[:, 0, 0] = np.where(there, np.float32(0), NOT_THERE)
        feed("new_mask")()[:, 0, 0] = new_mask

    def _rows_to_show(self, tokens: Mapping[int, int]) -> tuple[int, ...]:
        """The window's rows if they will do, else exactly the rows of `tokens`."""
        window = self._caches.window
        idles = 4 * len(tokens) < 3 * len(window)
        self._idle_steps = self._idle_steps + 1 if idles else 0
        fits = all(self.length(row) < self.context_length for row in window)
        if fits and self._idle_steps < PATIENCE_STEPS and tokens.keys() <= set(window):
            return window
        return tuple(sorted(tokens))

    def _show(self, rows: tuple[int, ...], shape: PassShape) -> None:
        """Makes the graph ready for a pass of `shape` that attends to the caches of `rows`."""
        if shape == self._shape and rows == self._caches.window:
            return
        self._caches.close_window()
        self._graph.reshape(shape)
        self._caches.open_window(rows, shape.cached)
        self._shape = shape

    def _padded(self, length: int) -> int:
        steps = max(1, -(-length // CACHE_STEP_POSITIONS))
        return min(steps * CACHE_STEP_POSITIONS, self.context_length)
