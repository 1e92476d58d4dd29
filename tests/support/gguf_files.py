"""Small GGUF files of random weights, as another tool would have written them."""

from pathlib import Path

import gguf
import numpy as np

from lyricist.arrays import FloatArray

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
