"""Any Llama-architecture GGUF file can be built; others are refused by what is wrong with them."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.building.gguf_file import GgufFile
from lyricist.building.pipeline import build_bundle
from lyricist.building.recipes import default_recipe
from lyricist.bundle.architecture import EMBEDDING_DIVISOR
from lyricist.bundle.manifest import read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.errors import BuildError

LAYERS, WIDTH, HEADS, KEY_HEADS, FORWARD = 2, 32, 4, 2, 48
#: Byte-level BPE with a single merge: every byte is a token, and one piece of markup ends a text.
BYTES = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
TOKENS = [chr(byte) for byte in BYTES] + [chr(0x100 + i) for i in range(256 - len(BYTES))] + ["th"]


def write_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    tokenizer: str = "gpt2",
    rope_scaling: str = "none",
    without: str = "",
    tied: bool = False,
) -> Path:
    """A model of random weights, as another tool would have written it."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Another")
    writer.add_license("mit")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_scaling_type(gguf.RopeScalingType(rope_scaling))
    writer.add_tokenizer_model(tokenizer)
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*TOKENS, "<|endoftext|>"])
    writer.add_token_types([1] * len(TOKENS) + [3])
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(len(TOKENS))
    for name, values in tensors(tied).items():
        if name != without:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tensors(tied: bool) -> dict[str, FloatArray]:
    rng = np.random.default_rng(7)

    def matrix(*shape: int) -> FloatArray:
        return rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[-1]))

    def gain() -> FloatArray:
        return rng.uniform(0.5, 2.0, WIDTH).astype(np.float32)

    size = WIDTH // HEADS
    found = {"token_embd.weight": matrix(len(TOKENS) + 1, WIDTH), "output_norm.weight": gain()}
    if not tied:
        found["output.weight"] = matrix(len(TOKENS) + 1, WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        found |= {
            f"{block}attn_norm.weight": gain(),
            f"{block}attn_q.weight": matrix(WIDTH, WIDTH),
            f"{block}attn_k.weight": matrix(KEY_HEADS * size, WIDTH),
            f"{block}attn_v.weight": matrix(KEY_HEADS * size, WIDTH),
            f"{block}attn_output.weight": matrix(WIDTH, WIDTH),
            f"{block}ffn_norm.weight": gain(),
            f"{block}ffn_gate.weight": matrix(FORWARD, WIDTH),
            f"{block}ffn_up.weight": matrix(FORWARD, WIDTH),
            f"{block}ffn_down.weight": matrix(WIDTH, FORWARD),
        }
    return found


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
    assert build_bundle(tmp_path / "another", gguf_path=path, name="Another") is True
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
        ({"architecture": "qwen2"}, "holds a 'qwen2' network"),
        ({"tokenizer": "llama"}, "has a 'llama' tokenizer"),
        ({"rope_scaling": "yarn"}, "scales its rotary positions"),
        ({"without": "blk.1.ffn_up.weight"}, r"has no tensor blk\.1\.ffn_up\.weight"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(
    tmp_path: Path, fault: dict[str, str], sentence: str
) -> None:
    path = write_gguf(tmp_path / "odd.gguf", **fault)  # type: ignore[arg-type]
    with pytest.raises(BuildError, match=sentence):
        weights_of(path)
