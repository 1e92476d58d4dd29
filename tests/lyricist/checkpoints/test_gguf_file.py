"""Any Llama-architecture GGUF file can be built; others are refused by what is wrong with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.recipes import default_recipe
from lyricist.bundle.architecture import EMBEDDING_DIVISOR
from lyricist.bundle.manifest import read_bundle
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.engine.litert import LiteRtEngine
from lyricist.errors import BuildError
from tests.support.gguf_files import HEADS, KEY_HEADS, LAYERS, WIDTH, tensors, write_gguf


def weights_of(path: Path) -> dict[str, FloatArray]:
    return dict(default_recipe(GgufFile(path), None).weights())


def reference_logits(found: dict[str, FloatArray], tokens: list[int]) -> FloatArray:
    """Llama straight from its tensors, one position after the other, pairs rotated in place as
    llama.cpp does; the logits after the last token."""
    size, positions = WIDTH // HEADS, range(len(tokens))
    hidden = found["token_embd.weight"][tokens].astype(np.float64)
    angles = np.outer(positions, 10_000.0 ** (-2 * np.arange(size // 2) / size))
    turns = np.exp(1j * angles)[:, np.newaxis]

    def norm(rows: Any, gain: Any) -> Any:
        return rows / np.sqrt((rows**2).mean(axis=-1, keepdims=True) + 1e-5) * gain

    def rotate(rows: Any) -> Any:
        pairs = rows.reshape(len(tokens), -1, size // 2, 2)
        turned = (pairs[..., 0] + 1j * pairs[..., 1]) * turns
        return np.stack([turned.real, turned.imag], axis=-1).reshape(len(tokens), -1, size)

    for layer in range(LAYERS):
        part = {name: found[f"blk.{layer}.{name}.weight"] for name in PARTS}
        rows = norm(hidden, part["attn_norm"])
        query, key = rotate(rows @ part["attn_q"].T), rotate(rows @ part["attn_k"].T)
        value = (rows @ part["attn_v"].T).reshape(len(tokens), -1, size)
        mixed = np.zeros((len(tokens), HEADS, size))
        for at in positions:
            for head in range(HEADS):
                shared = head // (HEADS // KEY_HEADS)
                scores = key[: at + 1, shared] @ query[at, head] / np.sqrt(size)
                shares = np.exp(scores - scores.max())
                mixed[at, head] = shares / shares.sum() @ value[: at + 1, shared]
        hidden = hidden + mixed.reshape(len(tokens), -1) @ part["attn_output"].T
        rows = norm(hidden, part["ffn_norm"])
        gate = rows @ part["ffn_gate"].T
        hidden = (
            hidden + (gate / (1 + np.exp(-gate)) * (rows @ part["ffn_up"].T)) @ part["ffn_down"].T
        )
    output = found.get("output.weight", found["token_embd.weight"])
    logits: FloatArray = norm(hidden[-1], found["output_norm.weight"]) @ output.T
    return logits


PARTS = (
    "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output",
    "ffn_norm", "ffn_gate", "ffn_up", "ffn_down",
)  # fmt: skip


@pytest.mark.model
@pytest.mark.parametrize("tied", [True, False])
def test_another_model_is_built_and_computes_what_llama_computes(
    tmp_path: Path, tied: bool
) -> None:
    path = write_gguf(tmp_path / "another.gguf", tied=tied)
    assert (
        build_bundle(tmp_path / "another", BuildOptions(source=str(path), name="Another")) is True
    )
    bundle = read_bundle(tmp_path / "another")
    assert (bundle.name, bundle.licence) == ("Another", "mit")
    assert bundle.end_tokens == ("<|endoftext|>",)
    assert bundle.architecture.context_length == 256
    tokens = [int(token) for token in np.random.default_rng(3).integers(0, 256, 40)]
    wanted = reference_logits(tensors(tied), tokens)
    found = LiteRtEngine(bundle, max_rows=1, threads=1).prefill(0, tokens)
    assert np.corrcoef(wanted, found)[0, 1] > 0.995


def test_a_tied_embedding_is_told_apart_from_its_balanced_matrix(tmp_path: Path) -> None:
    tied = weights_of(write_gguf(tmp_path / "tied.gguf", tied=True))
    back = tied["output"] / tied[EMBEDDING_DIVISOR]
    np.testing.assert_allclose(back, tensors(True)["token_embd.weight"], rtol=1e-5)
    untied = weights_of(write_gguf(tmp_path / "untied.gguf", tied=False))
    assert (untied[EMBEDDING_DIVISOR] == 1).all()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"architecture": "falcon"}, "holds a 'falcon' network"),
        ({"tokenizer": "bert"}, "tokenizer is 'bert'"),
        ({"rope_scaling": "yarn"}, "is 'yarn', a way that is not known"),
        ({"without": "blk.1.ffn_up.weight"}, r"has no tensor model\.layers\.1\.mlp\.up_proj"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(
    tmp_path: Path, fault: dict[str, str], sentence: str
) -> None:
    path = write_gguf(tmp_path / "odd.gguf", **fault)  # type: ignore[arg-type]
    with pytest.raises(BuildError, match=sentence):
        weights_of(path)
