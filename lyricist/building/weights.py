"""From a GGUF file's tensors, or from a seed, to the float weights that the network takes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.building.adapter import Adapter
from lyricist.building.balance import Balancer, LayerMatrices, NamedWeight
from lyricist.bundle.architecture import EMBEDDING_DIVISOR, Architecture
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.errors import BuildError

#: How much the random part of a seeded network adds to the scores of tokens.
SEEDED_CONTRAST = 2.5
_EMBEDDING = "token_embd.weight"


#: How many weights a layer has: two gains, four matrices.
_LAYER_WEIGHTS = 6


def weights_from_gguf(
    source: GgufFile, architecture: Architecture, sample: Sequence[int], adapter: Adapter | None
) -> Iterator[NamedWeight]:
    """Name and weight, one at a time, in the order of their use; the embedding's divisor too.

    `sample` is a text, as token ids, on which the sizes of channels are measured (see `balance`),
    with what the adapter adds.
    """
    plain: Iterable[NamedWeight] = plain_weights(source, architecture)
    if adapter:
        plain = adapter.merged(plain)
    embedded = _embedding(source, architecture)[list(sample)]
    tied = not source.has_tensor("output.weight")
    for name, matrix in _balanced(
        iter(plain), Balancer(architecture, embedded), architecture, tied
    ):
        if not np.isfinite(matrix).all():
            raise BuildError(f"{source.path} has numbers that are too large to be balanced.")
        yield name, matrix


def embedding_from_gguf(source: GgufFile, architecture: Architecture) -> FloatArray | None:
    """(vocabulary, width) of a model whose embedding is not its output matrix, else None."""
    return _embedding(source, architecture) if source.has_tensor("output.weight") else None


def plain_weights(source: GgufFile, architecture: Architecture) -> Iterator[NamedWeight]:
    """The same weights unbalanced: as they are tuned."""
    width = architecture.width
    ones = np.ones(width, np.float32)
    for layer in range(architecture.layers):
        matrices = _layer_matrices(source, architecture, layer)
        yield f"attention_gain_{layer}", ones
        yield f"query_key_value_{layer}", matrices.query_key_value
        yield f"attention_output_{layer}", matrices.attention_output
        yield f"feed_forward_gain_{layer}", ones
        yield f"gate_up_{layer}", matrices.gate_up
        yield f"down_{layer}", matrices.down
    yield "output_gain", source.tensor("output_norm.weight", (width,))
    yield EMBEDDING_DIVISOR, ones
    name = "output.weight" if source.has_tensor("output.weight") else _EMBEDDING
    yield "output", source.tensor(name, (architecture.vocabulary_size, width))


def _balanced(
    plain: Iterator[NamedWeight], balancer: Balancer, architecture: Architecture, tied: bool
) -> Iterator[NamedWeight]:
    for layer in range(architecture.layers):
        found = dict(islice(plain, _LAYER_WEIGHTS))
        kinds = [field.name for field in fields(LayerMatrices)]
        matrices = LayerMatrices(**{kind: found[f"{kind}_{layer}"] for kind in kinds})
        yield from balancer.balance(layer, matrices)
    rest = dict(plain)
    factor, gain, output = balancer.balance_output(rest["output_gain"], rest["output"])
    yield "output_gain", gain
    yield EMBEDDING_DIVISOR, factor if tied else rest[EMBEDDING_DIVISOR]
    yield "output", output


def _embedding(source: GgufFile, architecture: Architecture) -> FloatArray:
    return source.tensor(_EMBEDDING, (architecture.vocabulary_size, architecture.width))


def _layer_matrices(source: GgufFile, architecture: Architecture, layer: int) -> LayerMatrices:
    block = f"blk.{layer}."
    if source.has_tensor(block + "attn_q.bias"):
        raise BuildError(f"{source.path} has biases in its attention: not a Llama network.")

    def tensor(name: str, *shape: int) -> FloatArray:
        return source.tensor(f"{block}{name}.weight", shape)

    width, forward = architecture.width, architecture.feed_forward
    key_width = architecture.key_value_heads * architecture.head_size
    query = _unpermute(tensor("attn_q", architecture.query_width, width), architecture)
    key = _unpermute(tensor("attn_k", key_width, width), architecture)
    value = tensor("attn_v", key_width, width)
    gate, up = (tensor(name, forward, width) for name in ("ffn_gate", "ffn_up"))
    scale = np.float32(architecture.head_size**-0.5)
    return LayerMatrices(
        query_key_value=np.concatenate([query * scale, key, value]) * tensor("attn_norm", width),
        attention_output=tensor("attn_output", width, architecture.query_width),
        gate_up=np.concatenate([gate, up]) * tensor("ffn_norm", width),
        down=tensor("ffn_down", width, forward),
    )


def _unpermute(matrix: FloatArray, architecture: Architecture) -> FloatArray:
    """llama.cpp rotates neighbouring rows (2i, 2i + 1); the network rotates (i, i + half)."""
    half = architecture.head_size // 2
    pairs = matrix.reshape(-1, half, 2, architecture.width)
    return pairs.transpose(0, 2, 1, 3).reshape(matrix.shape)


def seeded_weights(
    architecture: Architecture, likelihood: FloatArray, seed: int
) -> Iterator[NamedWeight]:
    """A small network of random weights that prefers likely tokens, for tests.

    `likelihood` (vocabulary_size,) stands in the first column of the tied embedding, and no
    layer changes a hidden vector's first entry, so that every token's score starts from it.
    """
    rng = np.random.default_rng(seed)
    for name, shape in architecture.weight_shapes().items():
        if name == "output":
            yield EMBEDDING_DIVISOR, np.ones(architecture.width, np.float32)
        if len(shape) == 1:
            contrast = SEEDED_CONTRAST if name == "output_gain" else 1
            yield name, np.array([1, *[contrast] * (shape[0] - 1)], np.float32)
            continue
        matrix = rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[-1]))
        if name == "output":
            matrix[:, 0] = likelihood
        elif shape[0] == architecture.width:
            matrix[0] = 0
        yield name, matrix
