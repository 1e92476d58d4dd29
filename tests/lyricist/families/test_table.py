"""Each family's network says what `transformers` says with the same weights.

The goldens are made by tests/support/make_family_goldens.py.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.source import open_checkpoint
from lyricist.bundle.manifest import read_bundle
from lyricist.checkpoints.config import Config
from lyricist.engine.litert import LiteRtEngine
from lyricist.errors import BuildError
from lyricist.families.gemma3 import gemma3
from lyricist.families.table import plan_of
from lyricist.families.weights import own_embedding, plain_weights
from tests.support.family_checkpoints import (
    GOLDEN,
    VOCABULARY,
    columns_of,
    golden,
    text_of,
    write_adapter,
    write_folder,
    write_gguf_of,
)

ADAPTERS = ("lora", "lora_stable")
FAMILIES = sorted({path.stem for path in GOLDEN.glob("*.npz")} - set(ADAPTERS))
CONTEXT = 512
#: TensorFlow cannot run a network with a single key head where it has oneDNN; LiteRT can.
RUN_BY_TENSORFLOW = [each for each in FAMILIES if not each.endswith("one_key_head")]
#: How far a float network's logits, which reach to 20, may be from those of `transformers`.
FLOAT_TOLERANCE = 2e-3
#: Of the positions, so many must be followed by the same token in int8.
LEAST_SAME = 0.8


def float_logits(path: Path, adapters: Sequence[Path] = ()) -> FloatArray:
    """(positions, vocabulary) of the float network, by TensorFlow."""
    from lyricist.building.saved_model import ServedNetwork  # imports TensorFlow

    checkpoint = open_checkpoint(path, adapters)
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
def test_a_float_network_with_one_key_head_is_run_by_tensorflow_without_onednn(
    tmp_path: Path,
) -> None:
    family = "gemma3_one_key_head"
    code = (
        "import sys; from tests.lyricist.families import test_table as t; from pathlib import Path;"
    )
    code += "t.np.save(sys.argv[2], t.float_logits(Path(sys.argv[1])))"
    arguments = (write_folder(tmp_path / "tiny", family), tmp_path / "logits.npy")
    subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
        check=True,
        capture_output=True,
        timeout=200,
    )
    found = np.load(tmp_path / "logits.npy")
    difference = np.abs(found[:, columns_of(VOCABULARY)] - golden(family)[2]["logits"]).max()
    print(f"{family}: largest difference {difference:.2g}")
    assert difference < FLOAT_TOLERANCE


@pytest.mark.model
@pytest.mark.parametrize("write", [write_folder, write_gguf_of])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_of_peft_adds_what_peft_adds(
    tmp_path: Path, adapter: str, write: Callable[[Path, str], Path]
) -> None:
    added = write_adapter(tmp_path / "adapter", adapter)
    found = float_logits(write(tmp_path / "tiny", "llama"), [added])
    wanted = golden(adapter)[2]
    difference = np.abs(found[:, columns_of(VOCABULARY)] - wanted["logits"]).max()
    assert difference < FLOAT_TOLERANCE
    assert np.abs(wanted["logits"] - golden("llama")[2]["logits"]).max() > 1


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


def test_the_numbers_of_gemma_are_taken_as_they_are() -> None:
    config = golden("gemma3")[0]
    plan = gemma3(Config("here", {**config, "query_pre_attn_scalar": 64}), CONTEXT)
    assert plan.query_scale == 1 / 8
    older = {**config, "layer_types": None, "sliding_window_pattern": 3, "rope_parameters": None}
    plan = gemma3(
        Config("here", {**older, "rope_theta": 9e5, "rope_local_base_freq": 8e3}), CONTEXT
    )
    options = plan.architecture.options
    assert options.local_layers == (0, 1, 3, 4)
    assert (plan.architecture.rope_base, options.local_rope_base) == (9e5, 8e3)


@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma3", "granite4"])
def test_a_network_without_its_options_is_another_one(tmp_path: Path, family: str) -> None:
    """Nothing of a family's own is left out without a word: the files hold it, or the numbers."""
    checkpoint = open_checkpoint(write_folder(tmp_path / "tiny", family, model_type="qwen2"))
    with pytest.raises(BuildError, match=r"has (no|a) tensor|lacks"):
        plan_of(checkpoint, CONTEXT)


@pytest.mark.parametrize(
    ("family", "changed", "sentence"),
    [
        ("llama", {"model_type": "falcon"}, "holds a 'falcon' network, which cannot be built"),
        ("llama", {"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ("llama", {"attention_bias": True}, "attention_bias is true"),
        ("llama", {"hidden_size": "wide"}, "hidden_size is not a number from 1"),
        ("llama", {"num_key_value_heads": 3}, "heads that cannot be shared out"),
        ("llama", {"num_hidden_layers": 4}, r"has no tensor model\.layers\.3\."),
        ("llama", {"num_hidden_layers": 2}, r"has a tensor model\.layers\.2\."),
        ("llama", {"intermediate_size": 64}, r"has shape \(\d+, \d+\), not "),
        ("llama", {"rope_parameters": {"rope_type": "yarn"}}, "is 'yarn', a way that is not known"),
        ("llama", {"rope_scaling": {"type": "dynamic"}}, "is 'dynamic', a way that is not known"),
        ("llama", {"partial_rotary_factor": 0.5}, "leaves a part of each head unrotated"),
        ("llama", {"quantization_config": {}}, "is quantized already"),
        (
            "llama",
            {"max_position_embeddings": 8},
            "max_position_embeddings is not a number from 16",
        ),
        ("gemma3", {"text_config": {}}, "reads more than texts; only models of text can be built"),
        ("qwen2", {"use_sliding_window": True}, "use_sliding_window is true"),
        ("granite4", {"layer_types": ["mamba"] * 3}, "state-space layers"),
        ("granite4", {"num_local_experts": 8}, "state-space layers or experts"),
        ("gemma3", {"final_logit_softcapping": 30.0}, "final_logit_softcapping is set"),
        ("gemma3", {"layer_types": ["full_attention"]}, "does not name the kind of each layer"),
    ],
)
def test_a_network_that_would_come_out_wrong_is_refused(
    tmp_path: Path, family: str, changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BuildError, match=sentence):
        plan_of(open_checkpoint(write_folder(tmp_path / "tiny", family, **changed)), CONTEXT)


def test_a_mistral_writes_no_further_than_its_window(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", "mistral", sliding_window=64)
    assert plan_of(open_checkpoint(folder), CONTEXT).architecture.context_length == 64


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_in_16_bits_and_in_shards_are_the_same(tmp_path: Path, dtype: str) -> None:
    found = []
    for name, stored, shards in (("a", "float32", 1), ("b", dtype, 3)):
        checkpoint = open_checkpoint(write_folder(tmp_path / name, "qwen3", stored, shards))
        found.append(dict(plain_weights(checkpoint, plan_of(checkpoint, CONTEXT))))
    for name, weight in found[0].items():
        # What is too small for float16 is near enough.
        np.testing.assert_allclose(found[1][name], weight, atol=1e-6, err_msg=name)
