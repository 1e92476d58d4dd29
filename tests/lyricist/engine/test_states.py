"""The hidden states that an engine gives beside its logits, where the bundle names layers."""

from pathlib import Path

import numpy as np
import pytest

from lyricist.bundle.manifest import DRAFTS as FAMILY
from lyricist.bundle.manifest import read_bundle
from lyricist.engine.litert import LiteRtEngine

TOKENS = [int(token) for token in np.random.default_rng(1).integers(300, 8000, 12)]


def test_a_bundle_that_names_no_layers_gives_no_states(tiny_bundle: Path) -> None:
    engine = LiteRtEngine(read_bundle(tiny_bundle), max_rows=FAMILY, threads=1)
    engine.step({0: TOKENS[0]})
    assert engine.state(0) is None


@pytest.mark.model
def test_each_row_has_the_state_of_its_own_last_step(default_bundle: Path) -> None:
    bundle = read_bundle(default_bundle)
    engine = LiteRtEngine(bundle, max_rows=2 * FAMILY, threads=1)
    assert bundle.state_layers
    width = bundle.architecture.width
    engine.prefill(0, TOKENS[:8])
    assert engine.state(0) is None, "only steps give states"
    engine.step({0: TOKENS[8]})
    alone = engine.state(0)
    assert alone is not None
    assert alone.shape == (len(bundle.state_layers) * width,)
    for layer in alone.reshape(-1, width):
        assert np.sqrt(np.mean(layer**2)) == pytest.approx(1, abs=1e-3)
    engine.rewind(0, 8)
    engine.prefill(FAMILY, TOKENS[2:6])
    engine.step({0: TOKENS[8], FAMILY: TOKENS[9]})
    beside, other = engine.state(0), engine.state(FAMILY)
    assert beside is not None
    assert other is not None
    assert np.array_equal(alone, beside), "what is beside a row changes nothing"
    assert not np.allclose(other, beside, atol=0.1)
    engine.step({FAMILY: TOKENS[10]})
    assert engine.state(0) is None
    assert np.array_equal(alone, beside), "a later pass does not change what was given"
