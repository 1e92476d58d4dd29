"""The float network with an adapter beside each matrix, as it is trained. Imports TensorFlow.

Only the adapter learns (LoRA, Hu et al. 2021). A layer is one traced function that all layers
share, so that tracing takes seconds; the frozen matrices come as arguments, in bfloat16 where the
processor multiplies that.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from lyricist.arrays import FloatArray, NamedWeight
from lyricist.building.adapter import ADAPTED, Factors
from lyricist.bundle.architecture import EMBEDDING_DIVISOR, MASKED, Architecture, rope_tables
from lyricist.tuning.packing import TARGETS_STEP, Batch

# Shapes below: rows = packed rows of a batch, length = positions of each, width = hidden vector,
# heads, size = of a head, targets = positions whose next token is to be learned.

LayerWeights = Mapping[str, tf.Tensor]


class AdaptedNetwork:
    """A Llama network whose weights stay, and an adapter that learns."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Iterable[NamedWeight],
        embedding: FloatArray | None,
        factors: Mapping[str, Factors],
        *,
        bfloat16: bool,
    ) -> None:
        """`weights` as a recipe gives them, unbalanced; `embedding` where the output matrix is not
        the embedding, too; `factors`: where the adapter starts, by the matrix's name."""
        self._architecture = architecture
        self._type = tf.bfloat16 if bfloat16 else tf.float32
        self._layers: list[dict[str, tf.Tensor]] = [{} for _ in range(architecture.layers)]
        for name, weight in weights:
            kind, _, layer = name.rpartition("_")
            if layer.isdigit():
                self._layers[int(layer)][kind] = self._constant(weight)
            elif name == "output":
                self._output = self._constant(weight)
                self._embedding = weight if embedding is None else embedding
            elif name == EMBEDDING_DIVISOR:
                self._divisor = weight
            elif name == "output_gain":
                self._output_gain = tf.constant(weight)
        self._cosines, self._sines = rope_tables(architecture)
        self.factors = {
            name: (tf.Variable(down), tf.Variable(up)) for name, (down, up) in factors.items()
        }
        self._layer = tf.function(self._pass_layer, autograph=False)
        self._losses = tf.function(self._losses_of, autograph=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """What learns, always in the same order."""
        return [each for pair in self.factors.values() for each in pair]

    def mean_loss(self, batch: Batch) -> tf.Tensor:
        """The mean negative log-likelihood of the batch's targets, weighed; a scalar."""
        shares = batch.weights / max(batch.weights.sum(), 1.0)
        return tf.reduce_sum(self.token_losses(batch) * shares)

    def token_losses(self, batch: Batch) -> tf.Tensor:
        """(targets,): the negative log-likelihood of each of the batch's targets, in nats."""
        positions = batch.positions  # (rows, length)
        cosine = tf.constant(self._cosines[positions][:, :, np.newaxis])
        sine = tf.constant(self._sines[positions][:, :, np.newaxis])
        mask = np.where(batch.visible, np.float32(0), MASKED)[:, np.newaxis, np.newaxis]
        mask = tf.constant(mask)  # (rows, 1, 1, length, length)
        hidden = tf.constant(self._embedding[batch.tokens] / self._divisor)  # (rows, length, width)
        for layer, weights in enumerate(self._layers):
            own = {kind: self.factors[f"{kind}_{layer}"] for kind in ADAPTED}
            hidden = self._layer(hidden, cosine, sine, mask, weights, own)
        chosen = tf.gather(tf.reshape(hidden, [-1, self._architecture.width]), batch.targets)
        # A few targets at a time: their logits all at once would take gigabytes.
        parts = [
            slice(start, start + TARGETS_STEP)
            for start in range(0, len(batch.targets), TARGETS_STEP)
        ]
        losses = [
            self._losses(chosen[part], tf.constant(batch.next_tokens[part])) for part in parts
        ]
        return tf.concat(losses, axis=0)

    def _constant(self, weight: FloatArray) -> tf.Tensor:
        return tf.constant(weight) if weight.ndim == 1 else tf.cast(weight, self._type)

    def _pass_layer(
        self,
        hidden: tf.Tensor,
        cosine: tf.Tensor,
        sine: tf.Tensor,
        mask: tf.Tensor,
        weights: LayerWeights,
        factors: Mapping[str, Sequence[tf.Tensor]],
    ) -> tf.Tensor:
        """(rows, length, width) -> the same; mask (rows, 1, 1, length, length)."""
        frozen = {name: tf.stop_gradient(weight) for name, weight in weights.items()}

        def project(rows: tf.Tensor, kind: str) -> tf.Tensor:
            down, up = (tf.cast(factor, self._type) for factor in factors[kind])
            flat = tf.cast(tf.reshape(rows, [-1, rows.shape[-1]]), self._type)
            product = tf.matmul(flat, frozen[kind], transpose_b=True)
            product += tf.matmul(tf.matmul(flat, down, transpose_b=True), up, transpose_b=True)
            return tf.reshape(tf.cast(product, tf.float32), [*rows.shape[:-1], product.shape[-1]])

        normal = self._normalize(hidden) * frozen["attention_gain"]
        fused = project(normal, "query_key_value")
        hidden += project(self._attend(fused, cosine, sine, mask), "attention_output")
        normal = self._normalize(hidden) * frozen["feed_forward_gain"]
        gate, up = tf.split(project(normal, "gate_up"), 2, axis=-1)
        return hidden + project(tf.nn.silu(gate) * up, "down")

    def _attend(
        self, fused: tf.Tensor, cosine: tf.Tensor, sine: tf.Tensor, mask: tf.Tensor
    ) -> tf.Tensor:
        """(rows, length, fused_width) -> (rows, length, query_width)."""
        numbers = self._architecture
        heads, key_heads, size = numbers.heads, numbers.key_value_heads, numbers.head_size
        rows, length = fused.shape[:2]
        parts = tf.reshape(fused, [rows, length, -1, size])
        # Split and not sliced: a slice's gradient is a whole tensor of zeros around it.
        rotating, value = tf.split(parts, [heads + key_heads, key_heads], axis=2)
        first, second = tf.split(rotating, 2, axis=-1)
        swapped = tf.concat([second, first], axis=-1)
        rotated = tf.cast(rotating * cosine + swapped * sine, self._type)
        by_head = tf.transpose(rotated, [0, 2, 1, 3])  # (rows, heads, length, size)
        queries, key = tf.split(by_head, [heads, key_heads], axis=1)
        query = tf.reshape(queries, [rows, key_heads, numbers.group * length, size])
        values = tf.transpose(tf.cast(value, self._type), [0, 2, 1, 3])
        scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)
        scores = tf.reshape(scores, [rows, key_heads, numbers.group, length, length]) + mask
        shares = tf.reshape(
            tf.cast(tf.nn.softmax(scores), self._type), [rows, key_heads, -1, length]
        )
        mixed = tf.reshape(tf.matmul(shares, values), [rows, heads, length, size])
        mixed = tf.transpose(tf.cast(mixed, tf.float32), [0, 2, 1, 3])
        return tf.reshape(mixed, [rows, length, numbers.query_width])

    def _normalize(self, rows: tf.Tensor) -> tf.Tensor:
        """Root-mean-square norm (Zhang and Sennrich 2019) without its gain.

        Its gradient is written out, which keeps and passes over half as much.
        """

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def normalize(rows: tf.Tensor) -> tuple[tf.Tensor, object]:
            mean_square = tf.reduce_mean(rows * rows, axis=-1, keepdims=True)
            scale = tf.math.rsqrt(mean_square + self._architecture.norm_epsilon)
            normal = rows * scale

            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                along = tf.reduce_mean(upstream * normal, axis=-1, keepdims=True)
                return (upstream - normal * along) * scale

            return normal, gradient

        return normalize(rows)

    def _losses_of(self, hidden: tf.Tensor, next_tokens: tf.Tensor) -> tf.Tensor:
        """(targets, width), (targets,) -> (targets,).

        The gradient is worked out beside the loss, since both need the same large product.
        """
        output = self._output

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def loss_of(normal: tf.Tensor) -> tuple[tf.Tensor, object]:
            logits = tf.matmul(tf.cast(normal, self._type), output, transpose_b=True)
            logits = tf.cast(logits, tf.float32)
            logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
            powers = tf.exp(logits)
            total = tf.reduce_sum(powers, axis=-1, keepdims=True)
            losses = tf.math.log(total[:, 0]) - tf.gather(logits, next_tokens, batch_dims=1)
            expected = tf.matmul(tf.cast(powers / total, self._type), output)
            pull = tf.cast(expected, tf.float32)
            pull -= tf.cast(tf.gather(output, next_tokens), tf.float32)
            return losses, lambda upstream: pull * upstream[:, tf.newaxis]

        return loss_of(self._normalize(hidden) * self._output_gain)
