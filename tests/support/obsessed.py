"""An engine with a will of its own, to see what a song is kept from."""

from collections.abc import Mapping, Sequence

from lyricist.arrays import FloatArray
from lyricist.engine.port import Engine


class Obsessed:
    """An engine that would say nothing but certain tokens."""

    def __init__(self, engine: Engine, wanted: Sequence[int]) -> None:
        self._engine, self._wanted = engine, list(wanted)
        self.vocabulary_size = engine.vocabulary_size
        self.context_length = engine.context_length
        self.max_rows, self.wide_rows = engine.max_rows, engine.wide_rows
        self.length, self.rewind, self.copy = engine.length, engine.rewind, engine.copy
        self.state = engine.state

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        return self._urged(self._engine.prefill(row, tokens))

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        return {row: self._urged(logits) for row, logits in self._engine.step(tokens).items()}

    def _urged(self, logits: FloatArray) -> FloatArray:
        logits = logits.copy()
        logits[self._wanted] += 25
        return logits
