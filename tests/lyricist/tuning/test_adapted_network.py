"""The network that is trained says what the served one says, and its gradients are right."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.building.adapter import ADAPTED, Factors
from lyricist.building.recipes import Recipe, default_recipe
from lyricist.bundle.architecture import EMBEDDING_DIVISOR, Architecture
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.tuning.packing import Batch, batches_of
from lyricist.tuning.texts import Text
from tests.support.gguf_files import write_gguf

if TYPE_CHECKING:
    from lyricist.tuning.adapted_network import AdaptedNetwork

LENGTH, RANK = 24, 3


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A network whose embedding is not its output matrix, and whose norms have gains."""
    path = write_gguf(tmp_path_factory.mktemp("gguf") / "model.gguf")
    return default_recipe(GgufFile(path), None)


def factors(architecture: Architecture, size: float) -> dict[str, Factors]:
    rng = np.random.default_rng(3)

    def matrix(*shape: int) -> FloatArray:
        return rng.standard_normal(shape).astype(np.float32) * np.float32(size)

    return {
        name: (matrix(RANK, shape[1]), matrix(shape[0], RANK))
        for name, shape in architecture.weight_shapes().items()
        if name.rpartition("_")[0] in ADAPTED
    }


def network(recipe: Recipe, size: float, *, bfloat16: bool = False) -> "AdaptedNetwork":
    from lyricist.tuning.adapted_network import AdaptedNetwork  # imports TensorFlow

    return AdaptedNetwork(
        recipe.architecture,
        recipe.plain_weights(),
        recipe.embedding(),
        factors(recipe.architecture, size),
        bfloat16=bfloat16,
    )


TEXTS = [
    Text((5, 6, 7), (8, 9, 10, 11), (False, True, True, True)),
    Text((5, 6, 7), (20, 21, 22), (False, False, True)),
    Text((1,), (30, 31, 32, 33, 34), (False, True, False, True, True)),
]


def batch() -> Batch:
    (found,) = batches_of(TEXTS, rows=2, length=LENGTH)
    return found


def served_loss(recipe: Recipe, adapted: dict[str, Factors]) -> float:
    """The mean loss of the learned tokens, each text read alone by the network that is exported."""
    import tensorflow as tf

    from lyricist.building.saved_model import ServedNetwork

    weights = dict(recipe.plain_weights())
    for name, (first, second) in adapted.items():
        weights[name] = weights[name] + second @ first
    embedding = recipe.embedding()
    served = ServedNetwork(
        recipe.architecture, weights, weights["output"] if embedding is None else embedding
    )
    losses = []
    for text in TEXTS:
        tokens = [*text.prefix, *text.tokens]
        logits = served.serve(tf.constant([tokens], tf.int32))["logits"][0]
        likelihoods = tf.nn.log_softmax(logits).numpy()
        for at, is_learned in enumerate(text.learned, len(text.prefix)):
            if is_learned:
                losses.append(-likelihoods[at - 1, tokens[at]])
    return float(np.mean(losses))


@pytest.mark.parametrize("size", [0.0, 0.3])
def test_packed_texts_are_read_as_the_exported_network_reads_each_alone(
    recipe: Recipe, size: float
) -> None:
    wanted = served_loss(recipe, factors(recipe.architecture, size))
    assert float(network(recipe, size).mean_loss(batch())) == pytest.approx(wanted, rel=1e-5)
    in_bfloat16 = float(network(recipe, size, bfloat16=True).mean_loss(batch()))
    assert in_bfloat16 == pytest.approx(wanted, rel=0.02)


def test_gradients_are_the_slopes_of_the_loss(recipe: Recipe) -> None:
    import tensorflow as tf

    found = network(recipe, 0.3)
    with tf.GradientTape() as tape:
        loss = found.mean_loss(batch())
    gradients = tape.gradient(loss, found.variables)
    rng = np.random.default_rng(1)
    for variable, gradient in zip(found.variables, gradients, strict=True):
        before, step = variable.numpy(), 1e-2
        direction = rng.standard_normal(before.shape).astype(np.float32)
        direction /= np.linalg.norm(direction)
        slopes = []
        for sign in (1, -1):
            variable.assign(before + sign * step * direction)
            slopes.append(sign * float(found.mean_loss(batch())) / (2 * step))
        variable.assign(before)
        assert sum(slopes) == pytest.approx(float((gradient.numpy() * direction).sum()), abs=2e-3)


def test_only_the_adapter_learns(recipe: Recipe) -> None:
    found = network(recipe, 0.3)
    shapes = {
        name: tuple(map(tuple, (first.shape, second.shape)))
        for name, (first, second) in found.factors.items()
    }
    layers = recipe.architecture.layers
    assert len(found.variables) == 2 * len(ADAPTED) * layers == 2 * len(shapes)
    assert EMBEDDING_DIVISOR not in shapes
    assert shapes["down_0"] == (
        (RANK, recipe.architecture.feed_forward),
        (recipe.architecture.width, RANK),
    )
