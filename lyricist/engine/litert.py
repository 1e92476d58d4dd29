"""Runs a bundle's network on LiteRT, the small runtime for networks that TensorFlow has converted.

A worker uses it in place of TensorFlow, whose import takes seconds and half a gigabyte; that of
LiteRT takes a tenth of a second. Owns what one pass is fed and which rows it is about. Knows token
ids, no text.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import MASKED, rope_tables
from lyricist.bundle.manifest import Bundle
from lyricist.engine.cache import Caches
from lyricist.engine.graph import Graph, PassShape
from lyricist.engine.port import check_prefill, check_step
from lyricist.errors import BundleError

#: Most positions of a prompt in one pass: enough for most prompts, and bounded in memory.
CHUNK_POSITIONS = 128
#: The caches' padded length is a multiple of this, so that a row's sums are grouped alike
#: whatever the length, and the graph is seldom reshaped.
CACHE_STEP_POSITIONS = 64
#: A chunk is padded to a multiple of this, so that the graph is reshaped for fewer lengths.
CHUNK_STEP_POSITIONS = 8
#: Caches in the graph may be so many slots longer than needed before it is reshaped.
SPARE_POSITIONS = 128
#: Families that add no token stay in the window and are computed for nothing, until they have been
#: more than a quarter of it for so many steps: opening a smaller window costs about as much.
PATIENCE_STEPS = 8


class LiteRtEngine:
    """An `Engine` on the CPU. All rows of a pass share one reading of the weights.

    Rows stand in families of `branches` rows (0 to branches - 1, and so on), which share a cache
    and always pass together: copies within a family cost nothing, and what they have in common is
    attended to once. Logits of a row never depend on other families.
    """

    def __init__(self, bundle: Bundle, max_rows: int = 16, threads: int = 2) -> None:
        """Raises BundleError if LiteRT refuses the file."""
        architecture = bundle.architecture
        self.vocabulary_size = architecture.vocabulary_size
        self.context_length = architecture.context_length
        self.branches = bundle.drafts
        families = -(-max_rows // self.branches)
        self.max_rows = families * self.branches
        self._group = architecture.group
        self._embedding = bundle.embedding_table()
        self._cosines, self._sines = rope_tables(architecture)
        try:
            self._graph = Graph(bundle.model_path, architecture, self.branches, threads)
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"LiteRT cannot load {bundle.model_path}: {error}") from error
        self._caches = Caches(self._graph, architecture, self.branches, families)
        self._idle_steps = 0

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        check_prefill(self, row, tokens)
        for start in range(0, len(tokens), CHUNK_POSITIONS):
            logits = self._run_chunk(row, tokens[start : start + CHUNK_POSITIONS])
        return logits

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        check_step(self, tokens)
        families = self._families_to_attend_to(tokens)
        firsts = [family * self.branches for family in families]
        rows = [first + branch for first in firsts for branch in range(self.branches)]
        used = max(self._caches.used(family) for family in families)
        count = len(rows)
        cached = self._padded(used + self.branches)
        self._prepare(families, PassShape(count, len(families), cached, count))
        # A full row without a token would be past the end of the tables of positions.
        positions = np.minimum([self.length(row) for row in rows], self.context_length - 1)
        new_mask = np.where(np.eye(count, dtype=bool), np.float32(0), MASKED)
        masks = self._caches.masks(families, self._graph.shape.cached)
        self._feed([tokens.get(row, 0) for row in rows], positions, masks, new_mask)
        self._graph.inputs["chosen"][...] = np.eye(count, dtype=np.float32)
        self._graph.invoke()
        self._caches.append_step(list(tokens))
        logits = self._graph.logits
        return {row: logits[place].copy() for place, row in enumerate(rows) if row in tokens}

    def length(self, row: int) -> int:
        return self._caches.length(row)

    def rewind(self, row: int, length: int) -> None:
        self._caches.cut(row, length)

    def copy(self, source: int, target: int) -> None:
        self._caches.copy(source, target)

    def _run_chunk(self, row: int, tokens: Sequence[int]) -> FloatArray:
        """One pass over tokens of one row, and over padding after them, which none of them sees."""
        start, count = self.length(row), len(tokens)
        family, branch = divmod(row, self.branches)
        width = math.lcm(CHUNK_STEP_POSITIONS, self.branches)
        padded = -(-count // width) * width
        cached = self._padded(self._caches.used(family))
        self._prepare((family,), PassShape(padded, 1, cached, 1))
        positions = np.minimum(np.arange(start, start + padded), self.context_length - 1)
        causal = np.where(np.tri(padded, dtype=bool), np.float32(0), MASKED)
        mask = self._caches.masks((family,), self._graph.shape.cached)[:, branch : branch + 1]
        self._feed([*tokens, *[0] * (padded - count)], positions, mask, causal)
        self._graph.inputs["chosen"][...] = np.arange(padded) == count - 1
        self._graph.invoke()
        self._caches.append_chunk(row, count)
        logits: FloatArray = self._graph.logits[0].copy()
        return logits

    def _feed(
        self,
        tokens: Sequence[int],
        positions: npt.NDArray[np.intp],
        cached_mask: FloatArray,
        new_mask: FloatArray,
    ) -> None:
        """Per new token: its id, its position, and what is added to its scores of slots
        (families or 1, branches or 1, cached) and of new positions (positions, positions)."""
        inputs, families = self._graph.inputs, len(tokens) // self.branches
        inputs["hidden"][...] = self._embedding.rows(tokens)
        inputs["cosine"][:, 0] = self._cosines[positions]
        inputs["sine"][:, 0] = self._sines[positions]
        apart = (families, self.branches, self._group, -1)  # a row's query heads share its mask
        inputs["cached_mask"].reshape(apart)[...] = cached_mask[:, :, np.newaxis]
        by_family = new_mask.reshape(families, self.branches, 1, -1)
        inputs["new_mask"].reshape(apart)[...] = by_family

    def _families_to_attend_to(self, tokens: Mapping[int, int]) -> tuple[int, ...]:
        """The window's families if those of `tokens` are among them, else exactly those."""
        window = self._caches.window
        wanted = {row // self.branches for row in tokens}
        idles = 4 * len(wanted) < 3 * len(window)
        self._idle_steps = self._idle_steps + 1 if idles else 0
        if self._idle_steps < PATIENCE_STEPS and wanted <= set(window):
            return window
        return tuple(sorted(wanted))

    def _prepare(self, families: tuple[int, ...], shape: PassShape) -> None:
        """Makes the graph ready for a pass of `shape` over the caches of `families`; it may keep a
        shape with a few more slots than that."""
        spare = self._graph.shape.cached - shape.cached
        same = replace(shape, cached=self._graph.shape.cached)
        if (
            families == self._caches.window
            and same == self._graph.shape
            and 0 <= spare <= SPARE_POSITIONS
        ):
            return
        self._caches.close_window()
        self._graph.reshape(shape)
        self._caches.open_window(families, shape.cached)

    def _padded(self, length: int) -> int:
        return max(1, -(-length // CACHE_STEP_POSITIONS)) * CACHE_STEP_POSITIONS
