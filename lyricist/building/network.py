"""The network in TensorFlow, as one function of weights and inputs: a Llama, with options.

One graph serves prompts and single tokens of many rows: its positions may be a chunk of one
sequence or the next tokens of several, which only the masks and the caches' shapes tell apart. The
rows of a family, its branches, share a cache, in which a mask shows each of them its own positions:
drafts that go on from one text attend to one copy of it (SpecInfer's tree attention, Miao et al.
2024).
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import tensorflow as tf

from lyricist.bundle.architecture import LOCAL, Architecture
from lyricist.bundle.network_options import GELU_CUBE, GELU_SLOPE, Activation

Tensors = Mapping[str, tf.Tensor]

# Shapes below: positions = new tokens of this pass, a multiple of branches; branches = neighbouring
# positions that attend to one cache (drafts of a line, or just a stretch of a chunk); families =
# positions / branches; caches = families, or 1 that all families share (a chunk of one sequence);
# cached = length of the caches, padded; queries = branches * group; chosen = rows with logits.


class Attended(NamedTuple):
    """Positions that queries attend to."""

    #: (caches, heads, cached, head_size), or (1, heads, positions, head_size)
    key: tf.Tensor
    #: (caches, heads, head_size, cached), or (1, heads, positions, head_size)
    value: tf.Tensor
    #: (families, 1, queries, cached or positions)
    mask: tf.Tensor


def input_specs(architecture: Architecture, branches: int) -> dict[str, tf.TensorSpec]:
    """What one pass is fed, beside the weights."""
    head_size, heads = architecture.head_size, architecture.key_value_heads
    queries = branches * architecture.group
    shapes: dict[str, tuple[int | None, ...]] = {
        "hidden": (None, architecture.width),  # (positions, width): embedded tokens
        "cosine": (None, 1, head_size),  # (positions, 1, head_size)
        "sine": (None, 1, head_size),
        "cached_mask": (None, 1, queries, None),  # (families, 1, queries, cached): 0 or MASKED
        "new_mask": (None, 1, queries, None),  # (families, 1, queries, positions)
        "chosen": (None, None),  # (chosen, positions): one-hot rows
    }
    shapes |= {name + LOCAL: shapes[name] for name in architecture.local_inputs}
    for layer in range(architecture.layers):
        shapes[f"key_{layer}"] = (None, heads, None, head_size)  # (caches, heads, cached, size)
        shapes[f"value_{layer}"] = (None, heads, head_size, None)  # (.., size, cached)
    return {name: tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()}


def forward(
    architecture: Architecture,
    branches: int,
    weights: Tensors,
    inputs: Tensors,
    state_layers: Collection[int] = (),
) -> dict[str, tf.Tensor]:
    """One pass: "logits" (chosen, vocabulary); per layer "new_key_<i>" and "new_value_<i>",
    (positions, key_value_heads, head_size); if there are `state_layers`, "state"
    (chosen, state_layers * width), what these layers leave behind, each normalized."""
    outputs: dict[str, tf.Tensor] = {}
    states: list[tf.Tensor] = []
    hidden = inputs["hidden"]  # (positions, width)
    local = {**inputs, **{name: inputs[name + LOCAL] for name in architecture.local_inputs}}
    for layer in range(architecture.layers):
        own = {name: weights[f"{name}_{layer}"] for name in architecture.layer_shapes()}
        seen = local if layer in architecture.options.local_layers else inputs
        query, key, value = _split_heads(_fused(hidden, own, architecture), own, seen, architecture)
        outputs[f"new_key_{layer}"], outputs[f"new_value_{layer}"] = key, value
        cached = Attended(inputs[f"key_{layer}"], inputs[f"value_{layer}"], seen["cached_mask"])
        new_key, new_value = _sequence(key, architecture), _sequence(value, architecture)
        new = Attended(new_key, new_value, seen["new_mask"])
        grouped = _by_family(query, branches, architecture)
        mixed = _by_position(_attend(grouped, cached, new), branches, architecture)
        added = _project(mixed, own["attention_output"])
        hidden += _added(added, own.get("attention_post_gain"), architecture)
        added = _feed_forward(hidden, own, architecture)
        hidden += _added(added, own.get("feed_forward_post_gain"), architecture)
        if layer in state_layers:
            states.append(_normalize(tf.matmul(inputs["chosen"], hidden), architecture))
    # A product with one-hot rows is exact, and unlike a gather it stays on the fast kernels.
    last = tf.matmul(inputs["chosen"], hidden)  # (chosen, width)
    normal = _normalize(last, architecture) * weights["output_gain"]
    outputs["logits"] = _project(normal, weights["output"])  # (chosen, vocabulary)
    if states:
        outputs["state"] = tf.concat(states, axis=-1)
    return outputs


def _fused(hidden: tf.Tensor, own: Tensors, architecture: Architecture) -> tf.Tensor:
    """Queries, keys and values side by side: (positions, fused_width)."""
    normal = _normalize(hidden, architecture) * own["attention_gain"]
    fused = _project(normal, own["query_key_value"])
    return fused + own["attention_bias"] if architecture.options.attention_bias else fused


def _feed_forward(hidden: tf.Tensor, own: Tensors, architecture: Architecture) -> tf.Tensor:
    """(positions, width) -> the same."""
    normal = _normalize(hidden, architecture) * own["feed_forward_gain"]
    gate_up = _project(normal, own["gate_up"])
    gate, up = tf.split(gate_up, 2, axis=-1)  # (positions, feed_forward) each
    if architecture.options.activation is Activation.GELU:
        # x / 2 * (1 + tanh(y)) is x * sigmoid(2 * y).
        steep = GELU_SLOPE * (gate + GELU_CUBE * gate * gate * gate)
    else:
        steep = gate
    return _project(gate * tf.sigmoid(steep) * up, own["down"])


def _added(rows: tf.Tensor, gain: tf.Tensor | None, architecture: Architecture) -> tf.Tensor:
    """What a layer adds, normalized if there is a `gain` for that."""
    return rows if gain is None else _normalize(rows, architecture) * gain


def _project(rows: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    return tf.matmul(rows, matrix, transpose_b=True)


def _normalize(rows: tf.Tensor, architecture: Architecture) -> tf.Tensor:
    """Root-mean-square norm (Zhang and Sennrich 2019) without its gain."""
    mean_square = tf.reduce_mean(rows * rows, axis=-1, keepdims=True)
    return rows * tf.math.rsqrt(mean_square + architecture.norm_epsilon)


def _split_heads(
    fused: tf.Tensor, own: Tensors, inputs: Tensors, architecture: Architecture
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Query, key (both rotated to their position) and value: (positions, heads, head_size).

    `own`: the layer's weights.
    """
    heads, key_heads = architecture.heads, architecture.key_value_heads
    parts = tf.reshape(fused, [-1, heads + 2 * key_heads, architecture.head_size])
    rotating, value = parts[:, : heads + key_heads], parts[:, heads + key_heads :]
    if architecture.options.head_norms:
        gains = tf.reshape(own["head_gain"], [heads + key_heads, architecture.head_size])
        rotating = _normalize(rotating, architecture) * gains
    first, second = tf.split(rotating, 2, axis=-1)
    swapped = tf.concat([second, first], axis=-1)
    rotated = rotating * inputs["cosine"] + swapped * inputs["sine"]
    return rotated[:, :heads], rotated[:, heads:], value


def _sequence(heads: tf.Tensor, architecture: Architecture) -> tf.Tensor:
    """(positions, heads, head_size) -> (1, heads, positions, head_size)."""
    swapped = tf.transpose(heads, [1, 0, 2])
    return tf.reshape(swapped, [1, architecture.key_value_heads, -1, architecture.head_size])


def _by_family(query: tf.Tensor, branches: int, architecture: Architecture) -> tf.Tensor:
    """(positions, heads, head_size) -> (families, key_value_heads, queries, head_size)."""
    key_heads, group, size = _head_sizes(architecture)
    if branches == 1:
        return tf.reshape(query, [-1, key_heads, group, size])
    apart = tf.reshape(query, [-1, branches, key_heads, group, size])
    swapped = tf.transpose(apart, [0, 2, 1, 3, 4])
    return tf.reshape(swapped, [-1, key_heads, branches * group, size])


def _by_position(mixed: tf.Tensor, branches: int, architecture: Architecture) -> tf.Tensor:
    """The way back: (families, key_value_heads, queries, head_size) -> (positions, query_width)."""
    if branches > 1:
        key_heads, group, size = _head_sizes(architecture)
        apart = tf.reshape(mixed, [-1, key_heads, branches, group, size])
        mixed = tf.transpose(apart, [0, 2, 1, 3, 4])
    return tf.reshape(mixed, [-1, architecture.query_width])


def _head_sizes(architecture: Architecture) -> tuple[int, int, int]:
    return architecture.key_value_heads, architecture.group, architecture.head_size


def _attend(query: tf.Tensor, cached: Attended, new: Attended) -> tf.Tensor:
    """Softmax attention of (families, key_value_heads, queries, head_size) over the cache and over
    the new positions; the same shape.

    The two are kept apart to the end: nothing as large as the cache is ever concatenated, and a
    family's sums do not depend on how many others share the pass, so that a text comes out the
    same alone and in a batch. The scale 1 / sqrt(head_size) is in the query.
    """
    scores = (  # (families, key_value_heads, queries, cached or positions)
        tf.matmul(query, cached.key, transpose_b=True) + cached.mask,
        tf.matmul(query, new.key, transpose_b=True) + new.mask,
    )
    peak = tf.maximum(*[tf.reduce_max(score, axis=-1, keepdims=True) for score in scores])
    shares = [tf.exp(score - peak) for score in scores]
    total = tf.add(*[tf.reduce_sum(share, axis=-1, keepdims=True) for share in shares])
    mixed = tf.matmul(shares[0], cached.value, transpose_b=True)
    mixed += tf.matmul(shares[1], new.value)
    return mixed / total
