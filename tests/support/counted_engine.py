"""An engine without a network: what comes next is what mostly came next in a text."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.port import check_prefill, check_step


class CountedEngine:
    """Rows of tokens; logits by how often each token followed the last three, two and one."""

    context_length, max_rows, wide_rows = 1024, 32, 0

    def __init__(self, vocabulary_size: int, text: Sequence[int]) -> None:
        self.vocabulary_size = vocabulary_size
        self._rows: list[list[int]] = [[] for _ in range(self.max_rows)]
        self._followers: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for size in (1, 2, 3):
            for at in range(size, len(text)):
                self._followers[tuple(text[at - size : at])][text[at]] += 1

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        check_prefill(self, row, tokens)
        self._rows[row] += tokens
        return self._logits(row)

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        check_step(self, tokens)
        for row, token in tokens.items():
            self._rows[row].append(token)
        return {row: self._logits(row) for row in tokens}

    def state(self, _row: int) -> FloatArray | None:
        return None

    def length(self, row: int) -> int:
        return len(self._rows[row])

    def rewind(self, row: int, length: int) -> None:
        del self._rows[row][length:]

    def copy(self, source: int, target: int) -> None:
        self._rows[target] = list(self._rows[source])

    def _logits(self, row: int) -> FloatArray:
        counts = np.full(self.vocabulary_size, 1e-4, np.float32)
        for size, weight in ((1, 0.1), (2, 1.0), (3, 10.0)):
            for token, times in self._followers.get(tuple(self._rows[row][-size:]), {}).items():
                counts[token] += weight * times
        logits: FloatArray = np.log(counts)
        return logits
