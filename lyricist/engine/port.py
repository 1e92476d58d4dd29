"""The port between the network and the text: what every engine promises."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from lyricist.arrays import FloatArray
from lyricist.errors import ContextFull


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
    #: So many rows after those are one family, for one text with many drafts; they pass alone.
    #: 0 where an engine has none.
    wide_rows: int

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        """Append `tokens` (at least one) to `row`; logits (vocabulary_size,) after the last.

        Raises ContextFull, leaving the row as it was, if they do not all fit.
        """

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        """Append one token to each named row in one forward pass; row -> logits (vocabulary_size,).

        Raises ContextFull, leaving all rows as they were, if one of them is full.
        """

    def state(self, row: int) -> FloatArray | None:
        """The hidden states after the token that the last step gave `row`: (layers * width,), each
        layer's scaled to a root mean square of 1. None if that step gave it none, or if the bundle
        names no layers."""

    def length(self, row: int) -> int:
        """How many positions `row` holds."""

    def rewind(self, row: int, length: int) -> None:
        """Forget all positions of `row` from `length` on; 0 empties it."""

    def copy(self, source: int, target: int) -> None:
        """Make `target` a copy of `source`: another draft that begins in the same way."""


def check_prefill(engine: Engine, row: int, tokens: Sequence[int]) -> None:
    """What every engine refuses: ValueError for no token, ContextFull for too many."""
    if len(tokens) == 0:
        raise ValueError("A prefill needs at least one token.")
    if engine.length(row) + len(tokens) > engine.context_length:
        raise ContextFull(f"{len(tokens)} more positions do not fit into row {row}.")


def check_step(engine: Engine, rows: Iterable[int]) -> None:
    """Raises ContextFull if one of `rows` is full."""
    for row in rows:
        if engine.length(row) >= engine.context_length:
            raise ContextFull(f"No position is left in row {row}.")
