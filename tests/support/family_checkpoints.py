"""A tiny checkpoint of each family: the configuration that `transformers` writes, and weights that
follow from their names.

`make_family_goldens.py` beside this has let `transformers` compute logits with the same weights.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import TensorSpec, serialize_file

GOLDEN = Path(__file__).parents[1] / "lyricist" / "families" / "golden"
#: Tokens of the text that logits were computed on, and the columns of which they are kept.
POSITIONS, KEPT_COLUMNS = 300, 24
#: Byte-level BPE with a single merge: every byte is a token, and one piece of markup ends a text.
BYTES = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
TOKENS = [chr(byte) for byte in BYTES] + [chr(0x100 + i) for i in range(256 - len(BYTES))] + ["th"]
END = "<|endoftext|>"
VOCABULARY = len(TOKENS) + 1


def weights_of(
    config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, npt.NDArray[np.float32]]:
    """Random weights that follow from their names, exact in bfloat16."""
    left_out = 1.0 if config.get("model_type") == "gemma3_text" else 0.0  # of gains
    return {name: _weight(name, shape, left_out) for name, shape in shapes.items()}


def _weight(name: str, shape: tuple[int, ...], left_out: float) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("norm.weight"):
        values = rng.uniform(0.25, 1.75, shape) - left_out
    elif len(shape) == 1:
        values = rng.normal(0, 0.5, shape)
    elif "embed" in name or "lm_head" in name:
        values = rng.normal(0, 0.4, shape)
    else:
        values = rng.normal(0, 1.2 / np.sqrt(shape[-1]), shape)
    bits = values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def text_of(vocabulary: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(11).integers(0, vocabulary, POSITIONS)


def columns_of(vocabulary: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(12).permutation(vocabulary)[:KEPT_COLUMNS]


def golden(family: str) -> tuple[dict[str, Any], dict[str, tuple[int, ...]], Any]:
    """Its configuration, the shapes of its tensors, and the arrays `logits` and `likeliest`."""
    about = json.loads((GOLDEN / f"{family}.json").read_text())
    shapes = {name: tuple(shape) for name, shape in about["shapes"].items()}
    with np.load(GOLDEN / f"{family}.npz") as arrays:
        return about["config"], shapes, dict(arrays)


def write_folder(
    path: Path, family: str, dtype: str = "float32", shards: int = 1, **changed: Any
) -> Path:
    """A folder as `save_pretrained` writes it; `changed` replaces numbers of its configuration."""
    config, shapes, _ = golden(family)
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps({**config, **changed}))
    write_tokenizer(path)
    weights = weights_of(config, shapes)
    names = sorted(weights)
    if shards == 1:
        write_safetensors(path / "model.safetensors", weights, dtype)
        return path
    weight_map: dict[str, str] = {}
    for at in range(shards):
        file = f"model-{at + 1:05}-of-{shards:05}.safetensors"
        own = names[at::shards]
        write_safetensors(path / file, {name: weights[name] for name in own}, dtype)
        weight_map |= dict.fromkeys(own, file)
    index = {"metadata": {}, "weight_map": weight_map}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    return path


def write_adapter(path: Path, name: str, **changed: Any) -> Path:
    """A folder as `peft` writes it; `changed` replaces numbers of its configuration."""
    config, shapes, _ = golden(name)
    path.mkdir(parents=True, exist_ok=True)
    (path / "adapter_config.json").write_text(json.dumps({**config, **changed}))
    weights = weights_of(config, shapes)
    write_safetensors(path / "adapter_model.safetensors", weights)
    return path


def write_safetensors(
    path: Path, weights: Mapping[str, npt.NDArray[np.float32]], dtype: str = "float32"
) -> None:
    stored = {name: _stored(weight, dtype) for name, weight in weights.items()}
    entries = {
        name: TensorSpec(
            dtype=dtype,
            shape=weights[name].shape,
            data_ptr=array.ctypes.data,
            data_len=array.nbytes,
        )
        for name, array in stored.items()  # which must outlive the call
    }
    serialize_file(entries, path, {"format": "pt"})


def _stored(weight: npt.NDArray[np.float32], dtype: str) -> npt.NDArray[Any]:
    if dtype == "bfloat16":  # the upper half of a float32
        return (weight.view(np.uint32) >> 16).astype("<u2")
    return np.ascontiguousarray(weight.astype(dtype))


def write_tokenizer(path: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: at for at, token in enumerate([*TOKENS, END])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("t", "h")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(END, normalized=False, special=True)])
    tokenizer.save(str(path / "tokenizer.json"), pretty=False)
    config = {"eos_token": END, "tokenizer_class": "PreTrainedTokenizerFast"}
    (path / "tokenizer_config.json").write_text(json.dumps(config))


def write_gguf_of(path: Path, family: str) -> Path:
    """The same as llama.cpp's converter writes it: other names, some rows in another order, gains
    whole, and a tensor of rotary factors for Llama 3."""
    import gguf

    config, shapes, _ = golden(family)
    kind = {"mistral": "llama", "granitemoehybrid": "granite", "gemma3_text": "gemma3"}
    kind_name = kind.get(config["model_type"], config["model_type"])
    writer = gguf.GGUFWriter(path, kind_name)
    writer.add_name("Tiny")
    writer.add_license("mit")
    _add_numbers(writer, config)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*TOKENS, END])
    writer.add_token_types([1] * len(TOKENS) + [3])
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(len(TOKENS))
    kinds = {name: known for known, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(kinds[kind_name], config["num_hidden_layers"])
    for name, weight in weights_of(config, shapes).items():
        shape = weight.shape
        if kind_name == "gemma3" and name.endswith("norm.weight"):
            weight = weight + 1
        if kind_name in ("llama", "granite") and name.endswith(("q_proj.weight", "k_proj.weight")):
            key = "num_attention_heads" if "q_proj" in name else "num_key_value_heads"
            halves = weight.reshape(config[key], 2, -1, shape[1])
            weight = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(shape))
        for own, part in _apart(name, weight):
            known = names.get_name(own, try_suffixes=(".weight", ".bias"))
            assert known, own
            writer.add_tensor(known, part)
    if config.get("rope_parameters", {}).get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", _llama3_factors(config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_numbers(writer: Any, config: Mapping[str, Any]) -> None:
    layers = config["num_hidden_layers"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(layers)
    forward = config.get("shared_intermediate_size", config["intermediate_size"])
    writer.add_feed_forward_length(forward)
    writer.add_head_count(config["num_attention_heads"])
    is_hybrid = config["model_type"] == "granitemoehybrid"
    key_heads = config["num_key_value_heads"]
    writer.add_head_count_kv([key_heads] * layers if is_hybrid else key_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if config.get("head_dim"):
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    rope = config["rope_parameters"]
    writer.add_rope_freq_base(rope.get("full_attention", rope)["rope_theta"])
    if config["model_type"] == "gemma3_text":
        writer.add_sliding_window(config["sliding_window"])
    for key, add in (
        ("attention_multiplier", writer.add_attention_scale),
        ("embedding_multiplier", writer.add_embedding_scale),
        ("residual_multiplier", writer.add_residual_scale),
        ("logits_scaling", writer.add_logit_scale),
    ):
        if key in config:
            add(config[key])


def _apart(name: str, weight: npt.NDArray[np.float32]) -> list[tuple[str, Any]]:
    """Granite 4's feed-forward layers, which llama.cpp stores as everybody's."""
    if name.endswith("shared_mlp.input_linear.weight"):
        gate, up = np.split(weight, 2)
        name = name.replace("shared_mlp.input_linear", "mlp.{}_proj")
        return [(name.format("gate"), gate), (name.format("up"), up)]
    return [(name.replace("shared_mlp.output_linear", "mlp.down_proj"), weight)]


def _llama3_factors(config: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """As llama.cpp's converter works them out."""
    rope = config["rope_parameters"]
    size = config["hidden_size"] // config["num_attention_heads"]
    old, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = old / rope["low_freq_factor"], old / rope["high_freq_factor"]
    factors = []
    for frequency in 1 / rope["rope_theta"] ** (np.arange(0, size, 2) / size):
        wavelength = 2 * np.pi / frequency
        if wavelength < high:
            factors.append(1.0)
        elif wavelength > low:
            factors.append(factor)
        else:
            smooth = (old / wavelength - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"]
            )
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, np.float32)
