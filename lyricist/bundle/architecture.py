"""The numbers that describe a network, and the names and shapes of its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.bundle.network_options import MOST_OF_ANYTHING, NetworkOptions

#: The name of a vector that comes with the weights but is no input of the network: a row of the
#: output matrix, divided by it, is the embedding of that row's token.
EMBEDDING_DIVISOR = "embedding_divisor"
#: Ends the name of an input that local layers take in place of the one that others take.
LOCAL = "_local"
#: Added to the attention scores of positions that must not be seen; exp() of it is exactly 0.
MASKED = np.float32(-1e9)


@dataclass(frozen=True)
class Architecture:
    """A Llama network, or one of a family that differs from it by `options`.

    Heads share keys and values in groups (grouped-query attention).

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
    options: NetworkOptions = field(default_factory=NetworkOptions)

    @property
    def local_inputs(self) -> tuple[str, ...]:
        """What the network takes twice, the second time for its local layers, marked `LOCAL`."""
        if not self.options.local_layers:
            return ()
        masks = ("cached_mask", "new_mask") if self.options.window < self.context_length else ()
        return masks + (("cosine", "sine") if self.options.local_rope_base else ())

    @property
    def group(self) -> int:
        """How many query heads share one key and value head."""
        return self.heads // self.key_value_heads

    @property
    def query_width(self) -> int:
        return self.heads * self.head_size

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Architecture":
        """Reads the fields of a manifest and ignores unknown ones; KeyError if one is missing.

        ValueError for what no network has, before anything is laid out for it.
        """
        options = NetworkOptions.from_json(given.get("options", {}))
        numbers = {each.name: given[each.name] for each in fields(cls)[:-1]}
        for name, value in numbers.items():
            kind = cls.__annotations__[name]
            least = 1 if name in ("vocabulary_size", "context_length") else 0
            if type(value) not in (int, kind) or not least <= value <= MOST_OF_ANYTHING:
                raise ValueError(f"{name} is not a number that a network has")
        found = cls(**numbers, options=options)
        if len(options.rope_factors) not in (0, found.head_size // 2) or 0 in options.rope_factors:
            raise ValueError("rope_factors are not those of a head")
        if options.local_layers and not options.window:
            raise ValueError("window is not a number of positions")
        return found

    def layer_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of each weight of one layer, as `weight_shapes` without its number."""
        options = self.options
        # Queries, keys and values of one position side by side; those of them that are rotated.
        fused_width = (self.heads + 2 * self.key_value_heads) * self.head_size
        rotated_width = (self.heads + self.key_value_heads) * self.head_size
        shapes: dict[str, tuple[int, ...]] = {
            "attention_gain": (self.width,),
            "query_key_value": (fused_width, self.width),
        }
        if options.attention_bias:
            shapes["attention_bias"] = (fused_width,)
        if options.head_norms:
            shapes["head_gain"] = (rotated_width,)
        shapes["attention_output"] = (self.width, self.query_width)
        if options.post_norms:
            shapes["attention_post_gain"] = (self.width,)
        shapes["feed_forward_gain"] = (self.width,)
        shapes["gate_up"] = (2 * self.feed_forward, self.width)
        shapes["down"] = (self.width, self.feed_forward)
        if options.post_norms:
            shapes["feed_forward_post_gain"] = (self.width,)
        return shapes

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every weight that the network takes, in the order of their use.

        Matrices are (out, in), gains (width,). A gain need not be the norm's own: `balance` moves
        part of it into the matrix that follows.
        """
        shapes = {
            f"{name}_{layer}": shape
            for layer in range(self.layers)
            for name, shape in self.layer_shapes().items()
        }
        shapes["output_gain"] = (self.width,)
        shapes["output"] = (self.vocabulary_size, self.width)
        return shapes


def rope_tables(
    architecture: Architecture, *, local: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Cosines and signed sines, each (context_length, head_size), for rotary positions.

    Su et al. 2021, RoFormer, with the pairs (i, i + head_size / 2) of one head:
    rotated = x * cosine + swap_halves(x) * sine, so the first half of the sines is negative.
    `local`: those of the local layers, where they have a base of their own.
    """
    half, options = architecture.head_size // 2, architecture.options
    base = options.local_rope_base if local else architecture.rope_base
    frequency = base ** -(np.arange(half, dtype=np.float64) / half)
    if options.rope_factors and not local:
        frequency /= np.array(options.rope_factors)
    angle = np.arange(architecture.context_length, dtype=np.float64)[:, None] * frequency
    cosine, sine = np.cos(angle), np.sin(angle)
    cosines = np.concatenate([cosine, cosine], axis=1).astype(np.float32)
    sines = np.concatenate([-sine, sine], axis=1).astype(np.float32)
    return cosines, sines
