"""A LoRA adapter as the package `peft` stores it, and a checkpoint with adapters added to it.

Each adapted matrix gets the product of two thin ones, scaled (LoRA, Hu et al. 2021).
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lyricist.arrays import FloatArray
from lyricist.checkpoints.checkpoint import Checkpoint, Shape
from lyricist.checkpoints.config import MOST_WIDTH, Config
from lyricist.checkpoints.files import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from lyricist.checkpoints.hf_folder import read_json
from lyricist.checkpoints.safetensors_file import SafetensorsFile
from lyricist.errors import BuildError
from lyricist.tokenizing.tokenizer_source import TokenizerSource

_PREFIX, _FIRST, _SECOND = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
#: What changes how an adapter is applied, and must be absent, false or empty.
_UNKNOWN_WAYS = ("use_dora", "fan_in_fan_out", "lora_bias", "alpha_pattern", "modules_to_save")
#: Ways to begin a training that leave the model's own matrices as they are. The others (pissa,
#: olora, corda, loftq) take something out of them first, which the adapter puts back.
_HARMLESS_STARTS = (None, True, False, "gaussian", "orthogonal", "eva")


class LoraFolder:
    """One adapter. Its matrices are read as they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises BuildError if `path` is no adapter, or one that is applied in an unknown way."""
        self.path = path
        if not (path / ADAPTER_CONFIG).is_file():
            raise BuildError(f"{path} is no adapter: it has no {ADAPTER_CONFIG}.")
        values = read_json(path / ADAPTER_CONFIG)
        config = Config(str(path / ADAPTER_CONFIG), values)
        if config.text("peft_type", "") != "LORA" or config.text("bias", "none") != "none":
            raise BuildError(f"{path} is no LoRA adapter without biases, the kind that is known.")
        for key in _UNKNOWN_WAYS:
            if values.get(key):
                raise config.fault(key, "is set, a way that is not known")
        if values.get("init_lora_weights") not in _HARMLESS_STARTS:
            raise config.fault("init_lora_weights", "is a way that changes the model, too")
        self._alpha, self._is_stable = config.real("lora_alpha"), config.flag("use_rslora")
        config.whole("r", MOST_WIDTH)
        if not (path / ADAPTER_WEIGHTS).is_file():
            raise BuildError(f"{path} has no {ADAPTER_WEIGHTS}; pickles are never read.")
        self._file = SafetensorsFile(path / ADAPTER_WEIGHTS)
        self._pairs = self._found()

    def check_fits(self, shapes: Mapping[str, Shape]) -> None:
        """BuildError unless there is a matrix of the right shape for each pair."""
        for name, pair in self._pairs.items():
            first, second = (self._file.shapes[each] for each in pair)
            product = (second[0], first[-1])
            if len(first) != 2 or len(second) != 2 or first[0] != second[1] or not first[0]:
                raise BuildError(f"{self.path}: its matrices for {name} cannot be multiplied.")
            if shapes.get(name) != product:
                raise BuildError(
                    f"{self.path} does not fit the model: it adapts {name} of shape {product}, "
                    f"which is {shapes.get(name, 'not there')}."
                )

    def add_to(self, name: str, matrix: FloatArray) -> None:
        """Adds to the matrix of that name what was learned, if anything was."""
        if name in self._pairs:
            first, second = (self._file.tensor(each) for each in self._pairs[name])
            rank = len(first)
            scale = self._alpha / (math.sqrt(rank) if self._is_stable else rank)
            matrix += second @ (first * scale).astype("float32")

    def _found(self) -> dict[str, "_Pair"]:
        """Name of a matrix -> the names of the two that are multiplied for it."""
        found = {}
        for name in self._file.shapes:
            base = name.removesuffix(_FIRST).removesuffix(_SECOND)
            pair = _Pair(base + _FIRST, base + _SECOND)
            is_known = name.startswith(_PREFIX) and name in pair and "embed_tokens" not in name
            if not is_known:
                raise BuildError(f"{self.path} has a tensor {name}, which is of no known use.")
            if not set(pair) <= self._file.shapes.keys():
                raise BuildError(
                    f"{self.path} is not whole: one of {base}'s two matrices is missing."
                )
            found[base.removeprefix(_PREFIX) + ".weight"] = pair
        if not found:
            raise BuildError(f"{self.path} adapts nothing.")
        return found


class _Pair(NamedTuple):
    first: str
    second: str


class LoraCheckpoint:
    """A `Checkpoint` with adapters added, one after the other."""

    def __init__(self, base: Checkpoint, adapters: Sequence[LoraFolder]) -> None:
        """Raises BuildError if one does not fit."""
        for adapter in adapters:
            adapter.check_fits(base.shapes())
        self._base, self._adapters = base, adapters
        self.path, self.kind, self.config = base.path, base.kind, base.config
        self.licence = base.licence

    def shapes(self) -> Mapping[str, Shape]:
        return self._base.shapes()

    def tensor(self, name: str) -> FloatArray:
        matrix = self._base.tensor(name)
        for adapter in self._adapters:
            adapter.add_to(name, matrix)
        return matrix

    def rows(self, name: str, chosen: Sequence[int]) -> FloatArray:
        return self._base.rows(name, chosen)

    def tokenizer(self) -> TokenizerSource:
        return self._base.tokenizer()
