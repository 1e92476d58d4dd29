"""An adapter: what tuning adds to the matrices of a network, as a safetensors file.

For each matrix it has two thin ones, whose product is added (LoRA, Hu et al. 2021), and it carries
hashes of the phrases that it was tuned on.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lyricist.arrays import FloatArray, NamedWeight
from lyricist.building.folders import new_file
from lyricist.errors import BuildError
from lyricist.language.learned_phrases import LearnedPhrases

#: The kinds of matrices that are adapted, one of each in every layer.
ADAPTED = ("query_key_value", "attention_output", "gate_up", "down")
#: (rank, in) and (out, rank): rows @ first.T @ second.T is added to rows @ matrix.T.
Factors = tuple[FloatArray, FloatArray]

FORMAT = "versequeue-adapter-1"
#: A file is read as a whole; one of rank 64 for a network of a billion parameters is smaller.
MOST_BYTES = 256 << 20
_ABOUT, _PHRASES, _FIRST, _SECOND = "about", "phrases", ".first", ".second"


@dataclass(frozen=True)
class Adapter:
    """What was learned, and of which model it is."""

    #: SHA-256 of the model file that was tuned, and the preset by which it was read.
    source_sha256: str
    preset: str
    #: Name of a matrix, as the network knows it -> what is added to it.
    factors: Mapping[str, Factors]
    phrases: LearnedPhrases
    #: SHA-256 of the adapter that the model had already when it was tuned; "" for none.
    below_sha256: str = ""
    #: Whether it was taught to be told given lines, see `PromptForm`.
    tells_given: bool = False

    def check_model(
        self, path: Path, model: Path, source_sha256: str, preset: str, below_sha256: str
    ) -> None:
        """BuildError unless this, read from `path`, was tuned on that model, in that state."""
        if (self.source_sha256, self.preset) != (source_sha256, preset):
            raise BuildError(f"{path} was tuned on another model than {model}.")
        if self.below_sha256 != below_sha256:
            raise BuildError(
                f"{path} was tuned on {model} {_state(self.below_sha256)}; "
                f"this is it {_state(below_sha256)}. Tune it again."
            )

    def merged(self, weights: Iterable[NamedWeight]) -> Iterator[NamedWeight]:
        """`weights`, unbalanced, with what is to be added. BuildError if they do not fit."""
        for name, weight in weights:
            if name not in self.factors:
                yield name, weight
                continue
            first, second = self.factors[name]
            if (second.shape[0], first.shape[1]) != weight.shape:
                raise BuildError(f"The adapter does not fit the model: {name} has another shape.")
            yield name, weight + second @ first

    def write(self, path: Path) -> None:
        """Makes `path` this adapter, whole or not at all. OSError as usual."""
        arrays: dict[str, Any] = {_PHRASES: np.array(self.phrases.hashes, np.uint64)}
        for name, (first, second) in self.factors.items():
            arrays |= {name + _FIRST: _half(first), name + _SECOND: _half(second)}
        # In one text, since several would be written in an order that changes.
        about = json.dumps(
            {
                "format": FORMAT,
                "source_sha256": self.source_sha256,
                "preset": self.preset,
                "below_sha256": self.below_sha256,
                "tells_given": self.tells_given,
            }
        )
        with new_file(path) as new:
            new.write_bytes(save(arrays, {_ABOUT: about}))


def with_adapters(
    weights: Iterator[NamedWeight], adapters: Sequence[Adapter]
) -> Iterator[NamedWeight]:
    """`weights`, unbalanced, with what each of `adapters` adds."""
    for adapter in adapters:
        weights = adapter.merged(weights)
    return weights


def read_adapter(path: Path) -> Adapter:
    """The adapter in `path`. Raises BuildError."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}.") from error
    if size > MOST_BYTES:
        raise BuildError(f"{path} is no adapter: it has more than {MOST_BYTES} bytes.")
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        raise BuildError(f"{path} is no adapter: {error}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise BuildError(f"{path} is no adapter that `python -m lyricist tune` has written.")
    try:
        hashes = arrays.pop(_PHRASES)
        names = sorted({name.rpartition(".")[0] for name in arrays})
        factors = {
            name: (_float(arrays[name + _FIRST]), _float(arrays[name + _SECOND])) for name in names
        }
        found = Adapter(
            str(about["source_sha256"]),
            str(about["preset"]),
            factors,
            LearnedPhrases(hashes.tolist()),
            str(about.get("below_sha256", "")),
            bool(about.get("tells_given", False)),
        )
    except KeyError as error:
        raise BuildError(f"{path} is no whole adapter: {error} is missing.") from error
    if hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise BuildError(f"{path} is no adapter: its phrases are no list of hashes.")
    if any(
        first.ndim != 2
        or second.ndim != 2
        or first.shape[0] != second.shape[1]
        or not (np.isfinite(first).all() and np.isfinite(second).all())
        for first, second in factors.values()
    ):
        raise BuildError(f"{path} is no adapter: its matrices cannot be multiplied.")
    return found


def _state(below_sha256: str) -> str:
    return f"with the adapter {below_sha256[:8]}" if below_sha256 else "as its makers left it"


def _half(matrix: FloatArray) -> np.typing.NDArray[np.float16]:
    return np.ascontiguousarray(matrix, np.float16)


def _float(matrix: np.typing.NDArray[np.float16]) -> FloatArray:
    return matrix.astype(np.float32)
