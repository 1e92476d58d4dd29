"""The numbers that describe a Llama network, and the names and shapes of its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyricist.arrays import FloatArray

#: The name of a vector that comes with the weights but is no input of the network: a row of the
#: output matrix, divided by it, is the embedding of that row's token.
EMBEDDING_DIVISOR = "embedding_divisor"
#: Added to the attention scores of positions that must not be seen; exp() of it is exactly 0.
MASKED = np.float32(-1e9)
#: No number of a network is larger: its vocabulary, its widths, the base of its rotary positions.
MOST_OF_ANYTHING = 1 << 32


@dataclass(frozen=True)
class Architecture:
    """A Llama network. Heads share keys and values in groups (grouped-query attention).

    Of a network of any other kind nothing is known but the first two numbers.
    """

    vocabulary_size: int
    #: Most positions of a sequence, prompt included.
    context_length: int
    layers: int = 0
    #: Length of the hidden vector of one position.
    width: int = 0
    heads: int = 0
    key_value_heads: int = 0
    head_size: int = 0
    feed_forward: int = 0
    rope_base: float = 0.0
    norm_epsilon: float = 0.0

    @property
    def group(self) -> int:
        """How many query heads share one key and value head."""
        return self.heads // self.key_value_heads

    @property
    def query_width(self) -> int:
        return self.heads * self.head_size

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Architecture":
        """Reads the fields of a manifest and ignores unknown ones; KeyError if one is missing.

        ValueError for what no network has, before anything is laid out for it.
        """
        found = cls(**{name: fields[name] for name in cls.__dataclass_fields__})
        for name, kind in cls.__annotations__.items():
            value = getattr(found, name)
            least = 1 if name in ("vocabulary_size", "context_length") else 0
            if type(value) not in (int, kind) or not least <= value <= MOST_OF_ANYTHING:
                raise ValueError(f"{name} is not a number that a network has")
        return found

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every weight that the network takes, in the order of their use.

        Matrices are (out, in), gains (width,). A gain need not be the norm's own: `balance` moves
        part of it into the matrix that follows.
        """
        #: Queries, keys and values of one position side by side.
        fused_width = (self.heads + 2 * self.key_value_heads) * self.head_size
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.layers):
            shapes[f"attention_gain_{layer}"] = (self.width,)
            shapes[f"query_key_value_{layer}"] = (fused_width, self.width)
            shapes[f"attention_output_{layer}"] = (self.width, self.query_width)
            shapes[f"feed_forward_gain_{layer}"] = (self.width,)
            shapes[f"gate_up_{layer}"] = (2 * self.feed_forward, self.width)
            shapes[f"down_{layer}"] = (self.width, self.feed_forward)
        shapes["output_gain"] = (self.width,)
        shapes["output"] = (self.vocabulary_size, self.width)
        return shapes


def rope_tables(architecture: Architecture) -> tuple[FloatArray, FloatArray]:
    """Cosines and signed sines, each (context_length, head_size), for rotary positions.

    Su et al. 2021, RoFormer, with the pairs (i, i + head_size / 2) of one head:
    rotated = x * cosine + swap_halves(x) * sine, so the first half of the sines is negative.
    """
    half = architecture.head_size // 2
    frequency = architecture.rope_base ** -(np.arange(half, dtype=np.float64) / half)
    angle = np.arange(architecture.context_length, dtype=np.float64)[:, None] * frequency
    cosine, sine = np.cos(angle), np.sin(angle)
    cosines = np.concatenate([cosine, cosine], axis=1).astype(np.float32)
    sines = np.concatenate([-sine, sine], axis=1).astype(np.float32)
    return cosines, sines
