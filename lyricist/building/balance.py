"""Balances the channels of hidden vectors against the weights that read them, before both are int8.

One scale serves a whole vector, so a channel that is always large leaves few steps for the others.
Dividing it by a factor and multiplying the weights that read it by the same factor changes no
result, and halves what int8 loses (SmoothQuant, Xiao et al. 2022, with alpha = 1/2). How large
channels are is measured on a text that the float network reads here, layer by layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import MASKED, Architecture, rope_tables

NamedWeight = tuple[str, FloatArray]

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


@dataclass(frozen=True)
class LayerMatrices:
    """One layer's matrices, (out, in), the norms' gains folded in."""

    query_key_value: FloatArray
    attention_output: FloatArray
    gate_up: FloatArray
    down: FloatArray


class Balancer:
    """Takes the layers in order; gives each back balanced, under the network's names."""

    def __init__(self, architecture: Architecture, embedded: FloatArray) -> None:
        """`embedded` (positions, width): the text that channels are judged by."""
        self._architecture = architecture
        self._hidden = embedded
        cosines, sines = rope_tables(architecture)
        count = len(embedded)
        self._cosine, self._sine = cosines[:count, np.newaxis], sines[:count, np.newaxis]
        self._mask = np.where(np.tri(count, dtype=bool), np.float32(0), MASKED)

    def balance(self, layer: int, matrices: LayerMatrices) -> Iterator[NamedWeight]:
        """The layer's weights, the gains of its norms among them."""
        normal = self._normalize()
        factor = _factor(normal, matrices.query_key_value)
        yield f"attention_gain_{layer}", np.reciprocal(factor)
        yield f"query_key_value_{layer}", matrices.query_key_value * factor
        yield f"attention_output_{layer}", matrices.attention_output
        mixed = self._attend(normal @ matrices.query_key_value.T)
        self._hidden = self._hidden + mixed @ matrices.attention_output.T

        normal = self._normalize()
        gate, up = np.split(matrices.gate_up, 2)
        gated = normal @ gate.T
        inner = gated / (1 + np.exp(-gated)) * (normal @ up.T)
        inner_factor = _factor(inner, matrices.down)
        gate_up = np.concatenate([gate, up / inner_factor[:, np.newaxis]])
        factor = _factor(normal, gate_up)
        yield f"feed_forward_gain_{layer}", np.reciprocal(factor)
        yield f"gate_up_{layer}", gate_up * factor
        yield f"down_{layer}", matrices.down * inner_factor
        self._hidden = self._hidden + inner @ matrices.down.T

    def balance_output(
        self, gain: FloatArray, output: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """To be called after all layers: the columns' factor, the last norm's gain, the matrix."""
        factor = _factor(self._normalize() * gain, output)
        return factor, gain / factor, output * factor

    def _normalize(self) -> FloatArray:
        mean_square = np.square(self._hidden).mean(axis=1, keepdims=True)
        normal: FloatArray = self._hidden / np.sqrt(mean_square + self._architecture.norm_epsilon)
        return normal

    def _attend(self, fused: FloatArray) -> FloatArray:
        """(positions, fused_width) -> (positions, query_width)."""
        numbers = self._architecture
        heads, key_heads, size = numbers.heads, numbers.key_value_heads, numbers.head_size
        parts = fused.reshape(len(fused), -1, size)
        rotating, value = parts[:, : heads + key_heads], parts[:, heads + key_heads :]
        swapped = np.roll(rotating, size // 2, axis=-1)
        rotated = rotating * self._cosine + swapped * self._sine
        query = rotated[:, :heads].reshape(len(fused), key_heads, numbers.group, size)
        scores = np.einsum("qhgs,khs->hgqk", query, rotated[:, heads:]) + self._mask
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed: FloatArray = np.einsum("hgqk,khs->qhgs", shares, value)
        return mixed.reshape(len(fused), -1)


def _factor(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """What to multiply the columns of `matrix` (and divide those of `rows`) by; about 1."""
    activation = np.sqrt(np.square(rows).mean(axis=0))
    weight = np.abs(matrix).max(axis=0)
    balanced = np.sqrt(_lifted(activation) / _lifted(weight))
    factor: FloatArray = (balanced / np.exp(np.log(balanced).mean())).astype(np.float32)
    return factor


def _lifted(sizes: FloatArray) -> FloatArray:
    """`sizes` without zeros: a channel that is never used counts as a very small one."""
    lifted: FloatArray = np.maximum(sizes, np.float32(1e-5) * sizes.max() + np.float32(1e-12))
    return lifted
