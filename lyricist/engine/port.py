"""The port between the network and the text: what every engine promises.

An engine knows no words, no sampling and no songs. `litert` and `tensorflow` are its adapters.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from lyricist.arrays import FloatArray


class Engine(Protocol):
    """Runs the network on `max_rows` sequences of tokens, its rows. Not thread-safe.

    Neighbouring rows may stand in families that share a cache. Logits of a row never depend on
    other families of the same pass: a text that has whole families to itself comes out the same,
    whatever is written beside it.
    """

    #: Length of every vector of logits.
    vocabulary_size: int
    #: Most positions that one row can hold.
    context_length: int
    #: Rows are numbered from 0 to max_rows - 1.
    max_rows: int

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        """Append `tokens` (at least one) to `row`; logits (vocabulary_size,) after the last.

        Raises ContextFull, leaving the row as it was, if they do not all fit.
        """
        ...

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        """Append one token to each named row in one forward pass; row -> logits (vocabulary_size,).

        Raises ContextFull, leaving all rows as they were, if one of them is full.
        """
        ...

    def length(self, row: int) -> int:
        """How many positions `row` holds."""
        ...

    def rewind(self, row: int, length: int) -> None:
        """Forget all positions of `row` from `length` on; 0 empties it."""
        ...

    def copy(self, source: int, target: int) -> None:
        """Make `target` a copy of `source`: another draft that begins in the same way."""
        ...
