"""Runs a bundle's network on LiteRT, the small runtime for networks that TensorFlow has converted.

A worker uses it in place of TensorFlow, whose import takes seconds and half a gigabyte; that of
LiteRT takes a tenth of a second.
"""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import LOCAL, MASKED, rope_tables
from lyricist.bundle.embedding import EmbeddingTable
from lyricist.bundle.manifest import MODEL, Bundle
from lyricist.engine.cache import Caches
from lyricist.engine.graph import Graph, PassShape
from lyricist.engine.port import check_prefill, check_step
from lyricist.errors import BundleError, ContextFull

#: Most positions of a prompt in one pass: enough for most prompts, and bounded in memory.
CHUNK_POSITIONS = 128
#: The caches' padded length is a multiple of this, so that a row's sums are grouped alike
#: whatever the length, and the graph is seldom reshaped.
CACHE_STEP_POSITIONS = 64
#: A chunk is padded to a multiple of this, so that the graph is reshaped for fewer lengths.
CHUNK_STEP_POSITIONS = 8
#: Caches in the graph may be so many slots longer than needed before it is reshaped.
SPARE_POSITIONS = 128
#: The same two for the wide family, which takes as many slots in a pass as others in a line.
WIDE_CACHE_STEP_POSITIONS, WIDE_SPARE_POSITIONS = 128, 320
#: Positions that a row of the wide family may have of its own, beside those that all share.
WIDE_OWN_POSITIONS = 64
#: Families that add no token stay in the window and are computed for nothing, until they have been
#: more than a quarter of it for so many steps: opening a smaller window costs about as much. So do
#: places of a pass over the wide family for which there is no token.
PATIENCE_STEPS = 8


class LiteRtEngine:
    """An `Engine` on the CPU. All rows of a pass share one reading of the weights.

    Rows stand in families of `branches` rows (0 to branches - 1, and so on), which share a cache
    and always pass together: copies within a family cost nothing, and what they have in common is
    attended to once. Logits of a row never depend on other families.

    The last family is wide: it has `wide_rows` rows, passes alone, and those of its rows that have
    no token are left out of a pass.
    """

    def __init__(
        self, bundle: Bundle, max_rows: int = 16, threads: int = 2, wide_rows: int = 0
    ) -> None:
        """Raises BundleError if LiteRT refuses the file."""
        architecture = bundle.architecture
        self.vocabulary_size = architecture.vocabulary_size
        self.context_length = architecture.context_length
        self.branches = bundle.drafts
        families = -(-max_rows // self.branches)
        self.max_rows = families * self.branches
        self.wide_rows = -(-wide_rows // self.branches) * self.branches
        self._wide = families
        self._group = architecture.group
        model = bundle.folder / MODEL
        self._embedding = EmbeddingTable(model, bundle.embedding, architecture)
        self._local_inputs, self._window = architecture.local_inputs, architecture.options.window
        self._turns = {"": rope_tables(architecture)}
        if "cosine" in self._local_inputs:
            self._turns[LOCAL] = rope_tables(architecture, local=True)
        try:
            self._graph = Graph(model, architecture, self.branches, threads)
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"LiteRT cannot load {model}: {error}") from error
        branches = [self.branches] * families
        capacities = [self.branches * self.context_length] * families
        if self.wide_rows:
            branches.append(self.wide_rows)
            capacities.append(self.context_length + self.wide_rows * WIDE_OWN_POSITIONS)
        self._caches = caches = Caches(self._graph, architecture, branches, capacities)
        self.length, self.rewind, self.copy = caches.length, caches.cut, caches.copy
        self._idle_steps = 0
        #: Row -> the states after the token that the last step gave it.
        self._states: Mapping[int, FloatArray] = {}

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        check_prefill(self, row, tokens)
        self._check_room(self._caches.places[row][0], len(tokens))
        for start in range(0, len(tokens), CHUNK_POSITIONS):
            logits = self._run_chunk(row, tokens[start : start + CHUNK_POSITIONS])
        return logits

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        check_step(self, tokens)
        families, rows = self._places_of_step(tokens)
        caches, count = len(families), len(rows)
        used = max(self._caches.used(family) for family in families)
        cached = self._padded(used + count // caches, families)
        self._prepare(families, PassShape(count, caches, cached, count))
        # A full row without a token would be past the end of the tables of positions.
        positions = np.minimum([self.length(row) for row in rows], self.context_length - 1)
        new_mask = np.where(np.eye(count, dtype=bool), np.float32(0), MASKED)
        masks = self._caches.masks(rows, self._graph.shape.cached)
        self._feed([tokens.get(row, 0) for row in rows], positions, masks, new_mask)
        if "new_mask" in self._local_inputs:
            near = self._caches.window_masks(rows, self._graph.shape.cached, self._window)
            self._feed_masks(LOCAL, near, new_mask)
        self._graph.inputs["chosen"][...] = np.eye(count, dtype=np.float32)
        self._graph.invoke()
        stepped = [(row, place) for place, row in enumerate(rows) if row in tokens]
        self._caches.append_step(*zip(*stepped, strict=True))
        if self._graph.states is not None:
            states = self._graph.states.copy()  # of no pass to come
            self._states = {row: states[place] for row, place in stepped}
        return {row: self._graph.logits[place].copy() for row, place in stepped}

    def state(self, row: int) -> FloatArray | None:
        return self._states.get(row)

    def _run_chunk(self, row: int, tokens: Sequence[int]) -> FloatArray:
        """One pass over tokens of one row, and over padding after them, which none of them sees."""
        start, count = self.length(row), len(tokens)
        family, _ = self._caches.places[row]
        width = math.lcm(CHUNK_STEP_POSITIONS, self.branches)
        padded = -(-count // width) * width
        cached = self._padded(self._caches.used(family), (family,))
        self._prepare((family,), PassShape(padded, 1, cached, 1))
        positions = np.minimum(np.arange(start, start + padded), self.context_length - 1)
        causal = np.where(np.tri(padded, dtype=bool), np.float32(0), MASKED)
        mask = self._caches.masks([row], self._graph.shape.cached)
        self._feed([*tokens, *[0] * (padded - count)], positions, mask, causal)
        if "new_mask" in self._local_inputs:
            shown = self._graph.shape.cached
            near = self._caches.window_masks([row], shown, self._window, padded)
            too_far = np.tri(padded, k=-self._window, dtype=bool)
            self._feed_masks(LOCAL, near, np.where(too_far, MASKED, causal))
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
        (positions, or 1 for all of them, cached) and of new positions (positions, positions)."""
        inputs = self._graph.inputs
        inputs["hidden"][...] = self._embedding.rows(tokens)
        for kind, (cosines, sines) in self._turns.items():
            inputs["cosine" + kind][:, 0] = cosines[positions]
            inputs["sine" + kind][:, 0] = sines[positions]
        self._feed_masks("", cached_mask, new_mask)

    def _feed_masks(self, kind: str, cached_mask: FloatArray, new_mask: FloatArray) -> None:
        """As `_feed`; `kind` is LOCAL or nothing."""
        inputs, families = self._graph.inputs, len(new_mask) // self.branches
        apart = (families, self.branches, self._group, -1)  # a row's query heads share its mask
        by_branch = (1, 1) if len(cached_mask) == 1 else (families, self.branches)
        inputs["cached_mask" + kind].reshape(apart)[...] = cached_mask.reshape(*by_branch, 1, -1)
        inputs["new_mask" + kind].reshape(apart)[...] = new_mask.reshape(
            families, self.branches, 1, -1
        )

    def _places_of_step(self, tokens: Mapping[int, int]) -> tuple[tuple[int, ...], list[int]]:
        """The families that a step over `tokens` attends to, and the row at each of its places."""
        wanted = {self._caches.places[row][0] for row in tokens}
        if self._wide in wanted:
            if len(wanted) > 1:
                raise ValueError("The wide family passes alone.")
            self._check_room(self._wide, len(tokens))
            return (self._wide,), self._rows_of_wide_step(tokens)
        families = self._families_to_attend_to(wanted)
        firsts = [family * self.branches for family in families]
        return families, [first + branch for first in firsts for branch in range(self.branches)]

    def _rows_of_wide_step(self, tokens: Mapping[int, int]) -> list[int]:
        """Those of `tokens`, and idle ones up to the width that the graph has, or should have."""
        width = -(-len(tokens) // self.branches) * self.branches
        shown = self._graph.shape.positions
        if self._caches.window == (self._wide,) and width < shown:
            idles = 4 * width < 3 * shown
            self._idle_steps = self._idle_steps + 1 if idles else 0
            width = shown if self._idle_steps < PATIENCE_STEPS else width
        else:
            self._idle_steps = 0
        rows = range(self.max_rows, self.max_rows + self.wide_rows)
        idle = [row for row in rows if row not in tokens]
        return sorted([*tokens, *idle[: width - len(tokens)]])

    def _families_to_attend_to(self, wanted: Set[int]) -> tuple[int, ...]:
        """The window's families if the wanted ones are among them, else exactly those."""
        window = self._caches.window
        idles = 4 * len(wanted) < 3 * len(window)
        self._idle_steps = self._idle_steps + 1 if idles else 0
        if self._idle_steps < PATIENCE_STEPS and wanted <= set(window):
            return window
        return tuple(sorted(wanted))

    def _prepare(self, families: tuple[int, ...], shape: PassShape) -> None:
        """Makes the graph ready for a pass of `shape` over the caches of `families`; it may keep a
        shape with a few more slots than that."""
        spare = self._graph.shape.cached - shape.cached
        most = WIDE_SPARE_POSITIONS if families == (self._wide,) else SPARE_POSITIONS
        same = replace(shape, cached=self._graph.shape.cached)
        if families == self._caches.window and same == self._graph.shape and 0 <= spare <= most:
            return
        self._caches.close_window()
        self._graph.reshape(shape)
        self._caches.open_window(families, shape.cached)

    def _padded(self, length: int, families: tuple[int, ...]) -> int:
        is_wide = families == (self._wide,)
        step = WIDE_CACHE_STEP_POSITIONS if is_wide else CACHE_STEP_POSITIONS
        return max(1, -(-length // step)) * step

    def _check_room(self, family: int, count: int) -> None:
        if not self._caches.has_room(family, count):
            raise ContextFull(f"{count} more positions do not fit into the family of a row.")
