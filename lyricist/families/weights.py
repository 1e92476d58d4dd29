"""From a checkpoint's tensors to the float weights that the network takes, one at a time."""

from collections.abc import Iterator, Sequence

import numpy as np

from lyricist.arrays import FloatArray, NamedWeight
from lyricist.bundle.architecture import EMBEDDING_DIVISOR
from lyricist.checkpoints.checkpoint import Checkpoint, Shape
from lyricist.families.plan import Plan

EMBEDDING, OUTPUT, LAST_NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"


def is_tied(checkpoint: Checkpoint, plan: Plan) -> bool:
    """Whether the embedding is the output matrix, too."""
    return plan.tied or OUTPUT not in checkpoint.shapes()


def spare_tensors(plan: Plan) -> tuple[str, ...]:
    """Tensors that a checkpoint may have and that nobody needs."""
    return (OUTPUT,) if plan.tied else ()


def tensor_shapes(checkpoint: Checkpoint, plan: Plan) -> dict[str, Shape]:
    """The names and shapes of all tensors that are needed."""
    numbers, options = plan.architecture, plan.architecture.options
    width, forward, size = numbers.width, numbers.feed_forward, numbers.head_size
    rows = {"q": numbers.query_width, "k": numbers.key_value_heads * size}
    rows["v"] = rows["k"]
    layer: dict[str, Shape] = {"input_layernorm.weight": (width,)}
    layer[f"{plan.feed_forward_norm}.weight"] = (width,)
    layer[f"{plan.down}.weight"] = (width, forward)
    layer["self_attn.o_proj.weight"] = (width, numbers.query_width)
    layer |= {f"self_attn.{each}_proj.weight": (rows[each], width) for each in rows}
    if options.attention_bias:
        layer |= {f"self_attn.{each}_proj.bias": (rows[each],) for each in rows}
    if options.head_norms:
        layer |= {f"self_attn.{each}_norm.weight": (size,) for each in "qk"}
    if options.post_norms:
        layer[f"{plan.attention_post_norm}.weight"] = (width,)
        layer[f"{plan.feed_forward_post_norm}.weight"] = (width,)
    of_both = 2 * forward // len(plan.gate_up)
    layer |= {f"{each}.weight": (of_both, width) for each in plan.gate_up}
    shapes: dict[str, Shape] = {EMBEDDING: (numbers.vocabulary_size, width), LAST_NORM: (width,)}
    if not is_tied(checkpoint, plan):
        shapes[OUTPUT] = shapes[EMBEDDING]
    for at in range(numbers.layers):
        shapes |= {f"model.layers.{at}.{name}": shape for name, shape in layer.items()}
    return shapes


def plain_weights(checkpoint: Checkpoint, plan: Plan) -> Iterator[NamedWeight]:
    """Name and weight in the order of their use, unbalanced; the embedding's divisor too."""
    for layer in range(plan.architecture.layers):
        for name, weight in _Layer(checkpoint, plan, layer).weights():
            yield f"{name}_{layer}", weight
    gain = checkpoint.tensor(LAST_NORM) + np.float32(plan.gain_offset)
    yield "output_gain", gain * np.float32(plan.logit_scale)
    ones = np.ones(plan.architecture.width, np.float32)
    yield EMBEDDING_DIVISOR, ones / np.float32(plan.embedding_scale)
    yield "output", checkpoint.tensor(EMBEDDING if is_tied(checkpoint, plan) else OUTPUT)


def own_embedding(checkpoint: Checkpoint, plan: Plan) -> FloatArray | None:
    """(vocabulary, width), where the embedding is not the output matrix. Unscaled."""
    return None if is_tied(checkpoint, plan) else checkpoint.tensor(EMBEDDING)


def embedded(checkpoint: Checkpoint, plan: Plan, tokens: Sequence[int]) -> FloatArray:
    """(tokens, width): the hidden vectors that the first layer is given."""
    return checkpoint.rows(EMBEDDING, tokens) * np.float32(plan.embedding_scale)


class _Layer:
    """The weights of one layer."""

    def __init__(self, checkpoint: Checkpoint, plan: Plan, layer: int) -> None:
        self._checkpoint, self._plan, self._numbers = checkpoint, plan, plan.architecture
        self._prefix = f"model.layers.{layer}."

    def weights(self) -> Iterator[NamedWeight]:
        options = self._numbers.options
        ones = np.ones(self._numbers.width, np.float32)
        yield "attention_gain", ones
        yield "query_key_value", self._query_key_value()
        if options.attention_bias:
            bias = self._each_of("qkv", "proj.bias")
            yield "attention_bias", np.concatenate([bias[0] * self._query_scale, *bias[1:]])
        if options.head_norms:
            query, key = (self._gain(f"self_attn.{each}_norm") for each in "qk")
            queries = np.tile(query * np.float32(self._plan.query_scale), self._numbers.heads)
            yield (
                "head_gain",
                np.concatenate([queries, np.tile(key, self._numbers.key_value_heads)]),
            )
        yield "attention_output", self._branch("self_attn.o_proj")
        if options.post_norms:
            yield "attention_post_gain", self._gain(self._plan.attention_post_norm)
        yield "feed_forward_gain", ones
        gate_up = [self._tensor(f"{each}.weight") for each in self._plan.gate_up]
        yield "gate_up", np.concatenate(gate_up) * self._gain(self._plan.feed_forward_norm)
        yield "down", self._branch(self._plan.down)
        if options.post_norms:
            yield "feed_forward_post_gain", self._gain(self._plan.feed_forward_post_norm)

    @property
    def _query_scale(self) -> np.float32:
        """Of the matrix; where heads are normalized, their gain is scaled in its place."""
        return np.float32(1 if self._numbers.options.head_norms else self._plan.query_scale)

    def _query_key_value(self) -> FloatArray:
        query, key, value = self._each_of("qkv", "proj.weight")
        fused = np.concatenate([query * self._query_scale, key, value])
        return fused * self._gain("input_layernorm")

    def _branch(self, name: str) -> FloatArray:
        """A matrix whose product is added to the hidden vector."""
        matrix = self._tensor(f"{name}.weight")
        scale = self._plan.residual_scale
        return matrix if scale == 1 else matrix * np.float32(scale)

    def _each_of(self, kinds: str, ending: str) -> list[FloatArray]:
        return [self._tensor(f"self_attn.{kind}_{ending}") for kind in kinds]

    def _gain(self, name: str) -> FloatArray:
        return self._tensor(f"{name}.weight") + np.float32(self._plan.gain_offset)

    def _tensor(self, name: str) -> FloatArray:
        return self._checkpoint.tensor(self._prefix + name)
