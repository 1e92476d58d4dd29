"""A model as Hugging Face's `transformers` stores it: config.json and safetensors files.

Never a pickle: reading one runs whatever is in it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lyricist.arrays import FloatArray
from lyricist.checkpoints.checkpoint import Shape
from lyricist.checkpoints.config import Config
from lyricist.checkpoints.files import CONFIG, INDEX, PICKLES, README, WEIGHTS
from lyricist.checkpoints.hf_tokenizer import hf_tokenizer
from lyricist.checkpoints.safetensors_file import SafetensorsFile
from lyricist.errors import BuildError
from lyricist.tokenizing.tokenizer_source import TokenizerSource

MOST_JSON_BYTES = 64 << 20
MOST_SHARDS = 1000
#: How much of a README is looked through for the licence.
MOST_README_BYTES = 1 << 16


class HfFolder:
    """A `Checkpoint` in a folder."""

    def __init__(self, path: Path) -> None:
        """Raises BuildError if `path` is no such folder, or not a whole one."""
        self.path = path
        if not (path / CONFIG).is_file():
            raise BuildError(f"{path} is no model: it has no {CONFIG}.")
        values = read_json(path / CONFIG)
        if values.get("quantization_config") is not None:
            raise BuildError(f"{path} is quantized already; take the model that it was made of.")
        if isinstance(values.get("text_config"), Mapping):
            raise BuildError(f"{path} reads more than texts; only models of text can be built.")
        self.config = Config(str(path / CONFIG), values)
        self.kind = self.config.text("model_type", "")
        self.licence = _licence(path / README)
        self._file_of = self._found()

    def shapes(self) -> Mapping[str, Shape]:
        return {name: file.shapes[name] for name, file in self._file_of.items()}

    def tensor(self, name: str) -> FloatArray:
        return self._file_of[name].tensor(name)

    def rows(self, name: str, chosen: Sequence[int]) -> FloatArray:
        return self._file_of[name].rows(name, list(chosen))

    def tokenizer(self) -> TokenizerSource:
        return hf_tokenizer(self.path)

    def _found(self) -> dict[str, SafetensorsFile]:
        """Name of a tensor -> the file that it stands in."""
        files = [SafetensorsFile(path) for path in self._paths()]
        found: dict[str, SafetensorsFile] = {}
        for file in files:
            for name in file.shapes:
                if name in found:
                    raise BuildError(f"{self.path} has the tensor {name} twice.")
                found[name] = file
        return found

    def _paths(self) -> list[Path]:
        if (self.path / WEIGHTS).is_file():
            return [self.path / WEIGHTS]
        if not (self.path / INDEX).is_file():
            if any(next(self.path.glob(pattern), None) for pattern in PICKLES):
                raise BuildError(
                    f"{self.path} has its weights in pickles only, which are never read, since "
                    "that would run code from them: save the model with safetensors."
                )
            raise BuildError(f"{self.path} has no weights: neither {WEIGHTS} nor {INDEX}.")
        listed = read_json(self.path / INDEX).get("weight_map")
        if not isinstance(listed, Mapping) or not all(isinstance(x, str) for x in listed.values()):
            raise BuildError(f"{self.path / INDEX} does not say which file has which tensor.")
        names = sorted(set(listed.values()))
        if len(names) > MOST_SHARDS or any(Path(name).name != name for name in names):
            raise BuildError(f"{self.path / INDEX} names files that are not in its folder.")
        for name in names:
            if not (self.path / name).is_file():
                raise BuildError(f"{self.path} is not whole: {name} is missing.")
        return [self.path / name for name in names]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises BuildError."""
    try:
        if path.stat().st_size > MOST_JSON_BYTES:
            raise BuildError(f"{path} has more than {MOST_JSON_BYTES} bytes.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BuildError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise BuildError(f"{path} holds no numbers of a model.")
    return found


def _licence(readme: Path) -> str:
    """What a model card's first lines call its licence."""
    try:
        with readme.open("rb") as file:
            lines = file.read(MOST_README_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return "unknown"
    if not lines or lines[0].strip() != "---":
        return "unknown"
    for line in lines[1:]:
        if line.strip() == "---":
            break
        key, _, value = line.partition(":")
        if key == "license" and value.strip():
            return value.strip().strip("\"'")
    return "unknown"
