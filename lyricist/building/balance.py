"""Balances the channels of hidden vectors against the weights that read them, before both are int8.

One scale serves a whole vector, so a channel that is always large leaves few steps for the others.
Dividing it by a factor and multiplying the weights that read it by the same factor changes no
result, and halves what int8 loses (SmoothQuant, Xiao et al. 2022, with alpha = 1/2). How large
channels are is measured on a text that the float network reads here, layer by layer.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from lyricist.arrays import FloatArray, NamedWeight
from lyricist.bundle.architecture import MASKED, Architecture, rope_tables
from lyricist.bundle.network_options import GELU_CUBE, GELU_SLOPE, Activation

#: Like the texts that will be read and written: a request, then lines of songs.
CALIBRATION_TEXT = """You write song lyrics with short, concrete lines.
Write the lyrics of a country song about an old truck and my father's hands.

There's a truck behind the barn that hasn't run since ninety-three
And my daddy's hands were on that wheel before they let me be
He would whistle with the radio and tap along the door
I'd give a hundred silver dollars just to hear it all once more

I came up on the corner where the streetlights never slept
Kept a pen inside my pocket and the promises I kept
Now the bass is in the basement and the neighbours all complain
But I'm rhyming like the river when it's swollen by the rain

Baby, hold on, the night is ours, the city glows like gold
We'll be dancing on the rooftop till the morning makes us old
"""


class Balancer:
    """Takes the layers in order; gives each back balanced. Mirrors the network's options."""

    def __init__(self, architecture: Architecture, embedded: FloatArray) -> None:
        """`embedded` (positions, width): the text that channels are judged by."""
        self._architecture, self._options = architecture, architecture.options
        self._hidden = embedded
        count = len(embedded)
        turns = rope_tables(architecture)
        near = np.tri(count, dtype=bool)
        self._mask = np.where(near, np.float32(0), MASKED)
        self._turns = [table[:count, np.newaxis] for table in turns]
        self._local_mask, self._local_turns = self._mask, self._turns
        if "new_mask" in architecture.local_inputs:
            near &= ~np.tri(count, k=-self._options.window, dtype=bool)
            self._local_mask = np.where(near, np.float32(0), MASKED)
        if "cosine" in architecture.local_inputs:
            turns = rope_tables(architecture, local=True)
            self._local_turns = [table[:count, np.newaxis] for table in turns]

    def balance(self, layer: int, own: Mapping[str, FloatArray]) -> Iterator[NamedWeight]:
        """The weights of a layer, by their names without its number. Changes the matrices."""
        normal = self._normalize(self._hidden)
        factor = _factor(normal, own["query_key_value"])
        yield "attention_gain", np.reciprocal(factor)
        fused = normal @ own["query_key_value"].T
        yield "query_key_value", _times(own["query_key_value"], factor)
        if self._options.attention_bias:
            fused += own["attention_bias"]
            yield "attention_bias", own["attention_bias"]
        if self._options.head_norms:
            yield "head_gain", own["head_gain"]
        yield "attention_output", own["attention_output"]
        mixed = self._attend(fused, own.get("head_gain"), layer)
        added = mixed @ own["attention_output"].T
        if self._options.post_norms:
            added = self._normalize(added) * own["attention_post_gain"]
            yield "attention_post_gain", own["attention_post_gain"]
        self._hidden = self._hidden + added
        yield from self._balance_feed_forward(own)

    def _balance_feed_forward(self, own: Mapping[str, FloatArray]) -> Iterator[NamedWeight]:
        normal = self._normalize(self._hidden)
        gate_up, down = own["gate_up"], own["down"]
        gate, up = np.split(gate_up, 2)
        inner = self._activate(normal @ gate.T) * (normal @ up.T)
        added = inner @ down.T
        inner_factor = _factor(inner, down)
        up /= inner_factor[:, np.newaxis]  # a view of gate_up
        factor = _factor(normal, gate_up)
        yield "feed_forward_gain", np.reciprocal(factor)
        yield "gate_up", _times(gate_up, factor)
        yield "down", _times(down, inner_factor)
        if self._options.post_norms:
            added = self._normalize(added) * own["feed_forward_post_gain"]
            yield "feed_forward_post_gain", own["feed_forward_post_gain"]
        self._hidden = self._hidden + added

    def balance_output(
        self, gain: FloatArray, output: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """To be called after all layers: the columns' factor, the last norm's gain, the matrix,
        which is changed."""
        factor = _factor(self._normalize(self._hidden) * gain, output)
        return factor, gain / factor, _times(output, factor)

    def _activate(self, gate: FloatArray) -> FloatArray:
        steep = gate
        if self._options.activation is Activation.GELU:
            steep = np.float32(GELU_SLOPE) * (gate + np.float32(GELU_CUBE) * gate**3)
        with np.errstate(over="ignore"):  # an infinite divisor makes the zero that is meant
            activated: FloatArray = gate / (1 + np.exp(-steep))
        return activated

    def _normalize(self, rows: FloatArray) -> FloatArray:
        mean_square = np.square(rows).mean(axis=-1, keepdims=True)
        normal: FloatArray = rows / np.sqrt(mean_square + self._architecture.norm_epsilon)
        return normal

    def _attend(self, fused: FloatArray, gain: FloatArray | None, layer: int) -> FloatArray:
        """(positions, fused_width) -> (positions, query_width)."""
        numbers = self._architecture
        heads, key_heads, size = numbers.heads, numbers.key_value_heads, numbers.head_size
        is_local = layer in self._options.local_layers
        cosine, sine = self._local_turns if is_local else self._turns
        parts = fused.reshape(len(fused), -1, size)
        rotating, value = parts[:, : heads + key_heads], parts[:, heads + key_heads :]
        if gain is not None:
            rotating = self._normalize(rotating) * gain.reshape(-1, size)
        swapped = np.roll(rotating, size // 2, axis=-1)
        rotated = rotating * cosine + swapped * sine
        query = rotated[:, :heads].reshape(len(fused), key_heads, numbers.group, size)
        scores = np.einsum("qhgs,khs->hgqk", query, rotated[:, heads:])
        scores = scores + (self._local_mask if is_local else self._mask)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed: FloatArray = np.einsum("hgqk,khs->qhgs", shares, value)
        return mixed.reshape(len(fused), -1)


def _times(matrix: FloatArray, factor: FloatArray) -> FloatArray:
    """`matrix`, which is changed: it may be the largest thing in memory."""
    matrix *= factor
    return matrix


def _factor(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """What to multiply the columns of `matrix` (and divide those of `rows`) by; about 1."""
    activation = np.sqrt(np.square(rows).mean(axis=0))
    weight = np.maximum(matrix.max(axis=0), -matrix.min(axis=0))  # of sizes, without a copy
    balanced = np.sqrt(_lifted(activation) / _lifted(weight))
    factor: FloatArray = (balanced / np.exp(np.log(balanced).mean())).astype(np.float32)
    return factor


def _lifted(sizes: FloatArray) -> FloatArray:
    """`sizes` without zeros: a channel that is never used counts as a very small one."""
    lifted: FloatArray = np.maximum(sizes, np.float32(1e-5) * sizes.max() + np.float32(1e-12))
    return lifted
