"""An unfinished training in a file beside the adapter, from which it goes on after any end."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lyricist.arrays import FloatArray
from lyricist.building.folders import new_file


class Resumable(Protocol):
    """A training, as far as a file has to know it."""

    def state(self) -> tuple[dict[str, Any], dict[str, FloatArray]]:
        """All that it goes on from."""

    def go_on_from(self, numbers: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> None:
        """Takes up such a state. KeyError, TypeError or ValueError if it is none."""


class Checkpoint:
    """The file of one training."""

    def __init__(
        self, path: Path, made_by: str, every_s: float, clock: Callable[[], float]
    ) -> None:
        """`made_by`: all that the training follows from; the file of another one is no use."""
        self._path, self._every_s, self._clock = path, every_s, clock
        self._made_by = hashlib.sha256(made_by.encode()).hexdigest()
        self._saved_at = clock()

    def restore(self, training: Resumable) -> bool:
        """Lets `training` go on where it was; False if there is nothing to go on from."""
        try:
            with safe_open(self._path, "numpy") as file:
                about = file.metadata() or {}
                if about.get("made_by") != self._made_by:
                    return False
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            training.go_on_from(json.loads(about["numbers"]), arrays)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError):
            return False
        return True

    def save(self, training: Resumable) -> None:
        """Saves `training`, unless that was done a moment ago. OSError as usual."""
        if self._clock() - self._saved_at < self._every_s:
            return
        numbers, arrays = training.state()
        about = {"made_by": self._made_by, "numbers": json.dumps(numbers)}
        with new_file(self._path) as new:
            new.write_bytes(save(arrays, about))
        self._saved_at = self._clock()

    def remove(self) -> None:
        """To be called once the adapter is written."""
        self._path.unlink(missing_ok=True)
