"""Writes tests/lyricist/families/golden: for each family a tiny configuration as `transformers`
writes it, the shapes of its tensors, and the logits that it computes with the weights of
`family_checkpoints.weights_of`.

Run from the root of the repository, where torch (CPU), transformers and peft are installed:

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install torch transformers peft
    PYTHONPATH=. /tmp/goldens/bin/python tests/support/make_family_goldens.py
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers
from safetensors import safe_open

from tests.support.family_checkpoints import GOLDEN, VOCABULARY, columns_of, text_of, weights_of

TINY: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": VOCABULARY - 1,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
    "rope_theta": 1000.0,
}
#: Name of the golden -> its configuration's class in transformers, and what it has of its own.
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", {"tie_word_embeddings": False}),
    "llama3": ("LlamaConfig", {"tie_word_embeddings": True, "rope_parameters": LLAMA3}),
    "mistral": ("MistralConfig", {"sliding_window": None, "head_dim": 16}),
    "qwen2": ("Qwen2Config", {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3Config", {"tie_word_embeddings": True, "head_dim": 16}),
    "granite": (
        "GraniteConfig",
        {
            "tie_word_embeddings": True,
            "attention_multiplier": 0.25,
            "embedding_multiplier": 6.0,
            "residual_multiplier": 0.3,
            "logits_scaling": 4.0,
        },
    ),
    "granite4": (
        "GraniteMoeHybridConfig",
        {
            "tie_word_embeddings": True,
            "attention_multiplier": 0.25,
            "embedding_multiplier": 6.0,
            "residual_multiplier": 0.3,
            "logits_scaling": 4.0,
            "layer_types": ["attention"] * 3,
            "num_local_experts": 0,
            "num_experts_per_tok": 0,
            "shared_intermediate_size": 48,
            "position_embedding_type": "rope",
            "mamba_n_heads": 8,
        },
    ),
    "gemma3": (
        "Gemma3TextConfig",
        {
            "num_hidden_layers": 6,
            "head_dim": 16,
            "query_pre_attn_scalar": 16,
            "sliding_window": 64,
        },
    ),
    "gemma3_one_key_head": (
        "Gemma3TextConfig",
        {
            "num_hidden_layers": 6,
            "head_dim": 16,
            "query_pre_attn_scalar": 16,
            "sliding_window": 64,
            "num_key_value_heads": 1,
        },
    ),
}


#: Name of the golden of an adapter -> the family that it is for, and how `peft` is told of it.
ADAPTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": (
        "llama",
        {"r": 4, "lora_alpha": 6, "target_modules": ["q_proj", "k_proj", "down_proj"]},
    ),
    "lora_stable": (
        "llama",
        {"r": 3, "lora_alpha": 2, "use_rslora": True, "target_modules": "all-linear"},
    ),
}


def make_adapter(golden_name: str) -> None:
    family, own = ADAPTERS[golden_name]
    model = model_of(family)[0]
    adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **own))
    with tempfile.TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        written, shapes = read(folder, "adapter_config.json", "adapter_model.safetensors")
    written = {
        key: sorted(value) if isinstance(value, list) else value for key, value in written.items()
    }
    state = state_of(written, shapes)
    found = peft.set_peft_model_state_dict(adapted, state)
    assert not found.unexpected_keys, found.unexpected_keys
    write(golden_name, written, shapes, adapted)


def make(family: str) -> None:
    model, config, shapes = model_of(family)
    write(family, config, shapes, model)


def model_of(family: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """A family's model with the weights of `weights_of`, its configuration and tensors' shapes."""
    name, own = FAMILIES[family]
    config = getattr(transformers, name)(**{**TINY, **own})
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        written, shapes = read(folder, "config.json", "model.safetensors")
    state = state_of(written, shapes)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= {"lm_head.weight"}, missing
    model.tie_weights()
    return model, written, shapes


def state_of(config: dict[str, Any], shapes: dict[str, Any]) -> dict[str, torch.Tensor]:
    sized = {each: tuple(shape) for each, shape in shapes.items()}
    return {each: torch.from_numpy(weight) for each, weight in weights_of(config, sized).items()}


def read(folder: str, config: str, weights: str) -> tuple[dict[str, Any], dict[str, Any]]:
    with safe_open(Path(folder) / weights, "pt") as file:
        shapes = {each: file.get_slice(each).get_shape() for each in sorted(file.keys())}
    return json.loads((Path(folder) / config).read_text()), shapes


def write(family: str, written: dict[str, Any], shapes: dict[str, Any], model: Any) -> None:
    model.eval()
    with torch.no_grad():
        logits = model(torch.from_numpy(text_of(VOCABULARY))[None]).logits[0].double().numpy()
    GOLDEN.mkdir(exist_ok=True)
    about = {"transformers": transformers.__version__, "config": written, "shapes": shapes}
    (GOLDEN / f"{family}.json").write_text(json.dumps(about, indent=1) + "\n")
    np.savez_compressed(
        GOLDEN / f"{family}.npz",
        logits=logits[:, columns_of(VOCABULARY)].astype(np.float32),
        likeliest=logits.argmax(axis=1).astype(np.int32),
    )
    print(family, f"logits from {logits.min():.2f} to {logits.max():.2f}")


if __name__ == "__main__":
    for each in sys.argv[1:] or [*FAMILIES, *ADAPTERS]:
        make_adapter(each) if each in ADAPTERS else make(each)
