"""Runs a TensorFlow SavedModel: any network that turns tokens into logits.

There are no KV caches: the whole row is computed again for every token, which small networks can
afford.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

from lyricist.arrays import FloatArray
from lyricist.bundle.manifest import SAVED_MODEL, Bundle
from lyricist.engine.port import check_prefill, check_step
from lyricist.engine.served_model import SIGNATURE, ServedModel
from lyricist.errors import BundleError

#: Rows are padded to a multiple of this, so that TensorFlow meets few different lengths.
LENGTH_STEP = 32


class TensorFlowEngine:
    """An `Engine` over a signature (batch, length) -> (batch, length, vocabulary).

    To be made in the process that uses it: TensorFlow does not survive a fork. Rows are computed
    one by one, so that no row's logits depend on another's.
    """

    def __init__(
        self, bundle: Bundle, max_rows: int = 16, threads: int = 2, wide_rows: int = 0
    ) -> None:
        """Raises BundleError if TensorFlow cannot load the bundle or its signature does not fit."""
        config: Any = tf.config.threading
        with suppress(RuntimeError):  # TensorFlow runs already, with the threads that it has
            config.set_intra_op_parallelism_threads(threads)
        self.vocabulary_size = bundle.architecture.vocabulary_size
        self.context_length = bundle.architecture.context_length
        self.max_rows = max_rows
        self.wide_rows = wide_rows
        self._rows: list[list[int]] = [[] for _ in range(max_rows + wide_rows)]
        folder = bundle.folder / SAVED_MODEL
        self._model = ServedModel(folder)
        if self._model.vocabulary_size not in (None, self.vocabulary_size):
            raise BundleError(
                f"{folder} gives logits of {self._model.vocabulary_size} tokens; "
                f"bundle.json says {self.vocabulary_size}. The signature is {SIGNATURE!r}."
            )

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        check_prefill(self, row, tokens)
        self._rows[row].extend(int(token) for token in tokens)
        return self._last_logits(row)

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        check_step(self, tokens)
        for row, token in tokens.items():
            self._rows[row].append(int(token))
        return {row: self._last_logits(row) for row in tokens}

    def state(self, row: int) -> None:
        """Another network has no states that anything is known of."""

    def length(self, row: int) -> int:
        return len(self._rows[row])

    def rewind(self, row: int, length: int) -> None:
        del self._rows[row][length:]

    def copy(self, source: int, target: int) -> None:
        self._rows[target] = list(self._rows[source])

    def _last_logits(self, row: int) -> FloatArray:
        ids = self._rows[row]
        padded = self._model.length or -(-len(ids) // LENGTH_STEP) * LENGTH_STEP
        feed = np.zeros((1, padded), np.int64)
        feed[0, : len(ids)] = ids  # what stands after a token cannot change its logits
        logits: FloatArray = self._model.logits(feed)[0, len(ids) - 1]
        return logits
