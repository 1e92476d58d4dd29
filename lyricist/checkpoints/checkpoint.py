"""What every checkpoint offers, whatever its files are."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from lyricist.arrays import FloatArray
from lyricist.checkpoints.config import Config
from lyricist.errors import BuildError
from lyricist.tokenizing.tokenizer_source import TokenizerSource

Shape = tuple[int, ...]


class Checkpoint(Protocol):
    """A trained model. Names of numbers and tensors, and the order of rows, are Hugging Face's."""

    @property
    def path(self) -> Path: ...

    @property
    def kind(self) -> str:
        """What its makers call its family: config.json's `model_type`, GGUF's
        `general.architecture`."""

    @property
    def licence(self) -> str: ...

    @property
    def config(self) -> Config: ...

    def shapes(self) -> Mapping[str, Shape]:
        """Every tensor's, by its name; read from the files' heads."""

    def tensor(self, name: str) -> FloatArray:
        """A new array of float32, (out, in) or (width,). BuildError if it cannot be read or holds
        what is no number."""

    def rows(self, name: str, chosen: Sequence[int]) -> FloatArray:
        """Some rows of a matrix, without reading the others."""

    def tokenizer(self) -> TokenizerSource:
        """What its tokenizer is made of. Raises BuildError."""


def check_tensors(
    checkpoint: Checkpoint, wanted: Mapping[str, Shape], spare: Collection[str] = ()
) -> None:
    """BuildError unless the checkpoint has the wanted tensors, and no others but `spare` ones: a
    tensor that nothing is known of would have changed the result."""
    found = checkpoint.shapes()
    for name, shape in wanted.items():
        if name not in found:
            raise BuildError(f"{checkpoint.path} has no tensor {name}, which its network needs.")
        if found[name] != shape:
            raise BuildError(f"{checkpoint.path}: {name} has shape {found[name]}, not {shape}.")
    for name in found.keys() - wanted.keys() - set(spare):
        if not name.endswith("rotary_emb.inv_freq"):  # follows from the numbers
            raise BuildError(
                f"{checkpoint.path} has a tensor {name}, which its family has no use for."
            )
