"""Each family's network says what `transformers` says with the same weights.

The goldens are made by tests/support/make_family_goldens.py.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.source import open_checkpoint
from lyricist.bundle.manifest import read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.families.table import plan_of
from lyricist.families.weights import own_embedding, plain_weights
from tests.support.family_checkpoints import (
    GOLDEN,
    VOCABULARY,
    columns_of,
    golden,
    text_of,
    write_folder,
    write_gguf_of,
)

FAMILIES = sorted(path.stem for path in GOLDEN.glob("*.npz"))
CONTEXT = 512
#: TensorFlow itself cannot run a network with a single key head; LiteRT can.
RUN_BY_TENSORFLOW = [each for each in FAMILIES if not each.endswith("one_key_head")]
#: How far a float network's logits, which reach to 20, may be from those of `transformers`.
FLOAT_TOLERANCE = 2e-3
#: Of the positions, so many must be followed by the same token in int8.
LEAST_SAME = 0.8


def float_logits(path: Path) -> FloatArray:
    """(positions, vocabulary) of the float network, by TensorFlow."""
    from lyricist.building.saved_model import ServedNetwork  # imports TensorFlow

    checkpoint = open_checkpoint(path)
    plan = plan_of(checkpoint, CONTEXT)
    weights = dict(plain_weights(checkpoint, plan))
    own = own_embedding(checkpoint, plan)
    network = ServedNetwork(plan.architecture, weights, weights["output"] if own is None else own)
    tokens = text_of(VOCABULARY)[np.newaxis].astype(np.int32)
    logits: FloatArray = network.serve(tokens)["logits"][0].numpy()
    return logits


@pytest.mark.model
@pytest.mark.parametrize("write", [write_folder, write_gguf_of])
@pytest.mark.parametrize("family", RUN_BY_TENSORFLOW)
def test_the_float_network_of_a_family_says_what_transformers_says(
    tmp_path: Path, family: str, write: Callable[[Path, str], Path]
) -> None:
    found = float_logits(write(tmp_path / "tiny", family))
    wanted = golden(family)[2]
    difference = np.abs(found[:, columns_of(VOCABULARY)] - wanted["logits"]).max()
    same = (found.argmax(axis=1) == wanted["likeliest"]).mean()
    print(f"{family}: largest difference {difference:.2g}, same next token {same:.4f}")
    assert difference < FLOAT_TOLERANCE
    assert same > 0.99


@pytest.mark.model
@pytest.mark.parametrize("family", FAMILIES)
def test_the_served_network_of_a_family_hardly_differs_in_int8(tmp_path: Path, family: str) -> None:
    source = write_folder(tmp_path / "tiny", family)
    build_bundle(tmp_path / "bundle", BuildOptions(source=str(source)))
    engine = LiteRtEngine(read_bundle(tmp_path / "bundle"), 4, 1)
    tokens = text_of(VOCABULARY).tolist()
    found = [engine.prefill(0, tokens[:1])]
    found += [engine.step({0: token})[0] for token in tokens[1:]]
    logits = np.stack(found)
    wanted = golden(family)[2]
    difference = np.abs(logits[:, columns_of(VOCABULARY)] - wanted["logits"])
    same = (logits.argmax(axis=1) == wanted["likeliest"]).mean()
    print(f"{family} int8: mean difference {difference.mean():.3f}, same next token {same:.4f}")
    assert same >= LEAST_SAME
    # A chunk sees what steps see, windows included.
    engine.rewind(0, 0)
    assert np.abs(engine.prefill(0, tokens) - logits[-1]).max() < 0.2
