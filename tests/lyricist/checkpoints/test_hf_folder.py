"""Folders of Hugging Face and adapters of `peft`: whole, or refused in a sentence."""

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.source import open_checkpoint
from lyricist.checkpoints.hf_folder import HfFolder
from lyricist.checkpoints.lora import LoraFolder
from lyricist.errors import BuildError
from lyricist.families.table import plan_of
from lyricist.families.weights import plain_weights
from tests.support.family_checkpoints import (
    golden,
    weights_of,
    write_adapter,
    write_folder,
    write_safetensors,
)


class Trap:
    """Whoever unpickles one finds out."""

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return sprung, ()


def sprung() -> object:
    raise AssertionError("a pickle was read")


def only_pickles(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def holding(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: void((folder / name).write_bytes(content))


def void(_written: int) -> None:
    pass


def not_a_number(folder: Path) -> None:
    config, shapes, _ = golden("llama")
    weights = weights_of(config, shapes)
    weights["model.layers.1.mlp.up_proj.weight"][3, 4] = np.nan
    write_safetensors(folder / "model.safetensors", weights)


def whole_numbers(folder: Path) -> None:
    shapes = golden("llama")[1]
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    write_safetensors(folder / "model.safetensors", weights, "int8")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (without("config.json"), "it has no config.json"),
        (holding("config.json", b"{"), r"config\.json cannot be read"),
        (holding("config.json", b"[1]"), "holds no numbers of a model"),
        (holding("config.json", b"[" * 100_000), r"config\.json cannot be read"),
        (without("model.safetensors"), "has no weights"),
        (holding("model.safetensors", b""), "is no readable safetensors file"),
        (holding("model.safetensors", struct.pack("<Q", 1 << 60)), "is no readable safetensors"),
        (without("tokenizer.json"), "has neither a tokenizer.json"),
        (only_pickles, "in pickles only, which are never read"),
        (not_a_number, r"model\.layers\.1\.mlp\.up_proj\.weight holds what is no number"),
        (whole_numbers, "is stored as I8; only F32, F16 and BF16 are read"),
    ],
)
def test_a_folder_that_is_no_whole_model_is_refused_in_a_sentence(
    tmp_path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    folder = write_folder(tmp_path / "tiny", "llama")
    damage(folder)
    with pytest.raises(BuildError, match=sentence):
        build_bundle(tmp_path / "out" / "bundle", BuildOptions(source=str(folder)))
    assert not list((tmp_path / "out").glob("bundle*"))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", "llama", shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(BuildError, match=r"not whole: model-00002-of-00003\.safetensors is mis"):
        HfFolder(folder)


@pytest.mark.parametrize("file", ["../other.safetensors", "/etc/passwd", 7, None])
def test_a_shard_outside_of_its_folder_is_not_opened(tmp_path: Path, file: object) -> None:
    folder = write_folder(tmp_path / "tiny", "llama", shards=2)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"model.norm.weight": file}}))
    with pytest.raises(BuildError, match=r"not in its folder|which file has which tensor"):
        HfFolder(folder)


def test_the_licence_is_the_one_that_the_model_card_names(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", "llama")
    assert HfFolder(folder).licence == "unknown"
    (folder / "README.md").write_text(
        "---\nlanguage: en\nlicense: apache-2.0\n---\nlicense: none\n"
    )
    assert HfFolder(folder).licence == "apache-2.0"


def test_adapters_are_added_one_after_the_other(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", "llama")
    paths = [write_adapter(tmp_path / name, name) for name in ("lora", "lora_stable")]

    def downs(*adapters: Path) -> np.typing.NDArray[np.float32]:
        checkpoint = open_checkpoint(folder, adapters)
        return dict(plain_weights(checkpoint, plan_of(checkpoint, 512)))["down_1"]

    plain = downs()
    both = downs(*paths)
    each = [downs(path) - plain for path in paths]
    assert all(np.abs(added).max() > 0.1 for added in each)
    np.testing.assert_allclose(both, plain + each[0] + each[1], atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"use_dora": True}, "use_dora is set, a way that is not known"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save is set"),
        (
            {"init_lora_weights": "pissa_niter_16"},
            "init_lora_weights is a way that changes the model",
        ),
        ({"bias": "all"}, "is no LoRA adapter without biases"),
        ({"peft_type": "IA3"}, "is no LoRA adapter"),
        ({"lora_alpha": "much"}, "lora_alpha is not a number above 0"),
    ],
)
def test_an_adapter_that_is_applied_in_another_way_is_refused(
    tmp_path: Path, changed: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BuildError, match=sentence):
        LoraFolder(write_adapter(tmp_path / "lora", "lora", **changed))


def test_an_adapter_of_another_model_is_refused_with_the_matrix_that_does_not_fit(
    tmp_path: Path,
) -> None:
    adapter = write_adapter(tmp_path / "lora", "lora")
    other = write_folder(tmp_path / "other", "mistral")
    with pytest.raises(BuildError, match=r"does not fit the model: it adapts .*_proj\.weight"):
        open_checkpoint(other, [adapter])


def test_an_adapter_with_a_tensor_of_no_known_use_is_refused(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "lora", "lora")
    write_safetensors(
        adapter / "adapter_model.safetensors",
        {"base_model.model.model.embed_tokens.lora_embedding_A": np.zeros((2, 2), np.float32)},
    )
    with pytest.raises(BuildError, match=r"has a tensor .* of no known use"):
        LoraFolder(adapter)
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(BuildError, match="pickles are never read"):
        LoraFolder(adapter)


def test_a_model_is_quantized_already_only_where_its_numbers_say_how(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", "llama", quantization_config=None)
    assert HfFolder(folder).kind == "llama"
    with pytest.raises(BuildError, match=r"is quantized already"):
        HfFolder(write_folder(tmp_path / "other", "llama", quantization_config={"bits": 4}))
