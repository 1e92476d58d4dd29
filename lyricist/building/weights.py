"""The float weights that a network is quantized from: a checkpoint's, balanced, or a seed's."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from lyricist.arrays import FloatArray, NamedWeight
from lyricist.building.adapter import Adapter, with_adapters
from lyricist.building.balance import Balancer
from lyricist.bundle.architecture import EMBEDDING_DIVISOR, Architecture
from lyricist.checkpoints.checkpoint import Checkpoint
from lyricist.errors import BuildError
from lyricist.families.plan import Plan
from lyricist.families.weights import embedded, is_tied, plain_weights

#: How much the random part of a seeded network adds to the scores of tokens.
SEEDED_CONTRAST = 2.5


def balanced_weights(
    source: Checkpoint, plan: Plan, sample: Sequence[int], adapters: Sequence[Adapter]
) -> Iterator[NamedWeight]:
    """Name and weight, one at a time, in the order of their use; the embedding's divisor too.

    `sample` is a text, as token ids, on which the sizes of channels are measured (see `balance`),
    with what the adapters add.
    """
    plain = with_adapters(plain_weights(source, plan), adapters)
    balancer = Balancer(plan.architecture, embedded(source, plan, sample))
    tied = is_tied(source, plan)
    for name, matrix in _balanced(plain, balancer, plan.architecture, tied):
        if not np.isfinite(matrix).all():
            raise BuildError(f"{source.path} has numbers that are too large to be balanced.")
        yield name, matrix


def _balanced(
    plain: Iterator[NamedWeight], balancer: Balancer, architecture: Architecture, tied: bool
) -> Iterator[NamedWeight]:
    kinds = architecture.layer_shapes()
    for layer in range(architecture.layers):
        own = {name.removesuffix(f"_{layer}"): weight for name, weight in islice(plain, len(kinds))}
        for name, weight in balancer.balance(layer, own):
            yield f"{name}_{layer}", weight
    rest = dict(plain)
    factor, gain, output = balancer.balance_output(rest["output_gain"], rest["output"])
    yield "output_gain", gain
    yield EMBEDDING_DIVISOR, factor * rest[EMBEDDING_DIVISOR] if tied else rest[EMBEDDING_DIVISOR]
    yield "output", output


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
