"""One safetensors file, mapped: of a tensor only the rows that are asked for are read.

The package `safetensors` checks the file's head; its numpy side knows no bfloat16, so the numbers
are widened here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from lyricist.arrays import FloatArray
from lyricist.errors import BuildError

Shape = tuple[int, ...]
#: The dtypes that are read, and how numpy reads their bytes.
_DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
#: The head's length stands before it, in so many bytes.
_LENGTH_BYTES = 8
#: Rows that are widened at once.
_ROWS_AT_ONCE = 4096


class SafetensorsFile:
    """A file of named tensors."""

    def __init__(self, path: Path) -> None:
        """Raises BuildError if `path` is no readable safetensors file."""
        self.path = path
        try:
            with safe_open(path, "numpy"):  # bounds the head, and finds what does not fit in it
                pass
            with path.open("rb") as file:
                length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
                head = json.loads(file.read(length))
        except (SafetensorError, OSError, ValueError, RecursionError) as error:
            raise BuildError(f"{path} is no readable safetensors file: {error}") from error
        head.pop("__metadata__", None)
        self._start = _LENGTH_BYTES + length
        self._head: Mapping[str, Mapping[str, Any]] = head
        self.shapes: Mapping[str, Shape] = {
            name: tuple(entry["shape"]) for name, entry in head.items()
        }

    def tensor(self, name: str) -> FloatArray:
        """A new array. BuildError if it is of a type that cannot be read, or holds no numbers."""
        stored = self._mapped(name)
        values = np.empty(stored.shape, np.float32)
        for start in range(0, max(1, len(stored)) if stored.ndim else 0, _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            values[part] = _widened(stored[part])
            if not np.isfinite(values[part]).all():
                raise BuildError(f"{self.path}: {name} holds what is no number.")
        return values

    def rows(self, name: str, chosen: list[int]) -> FloatArray:
        """Some rows of a matrix."""
        return _widened(self._mapped(name)[chosen])

    def _mapped(self, name: str) -> np.typing.NDArray[Any]:
        entry = self._head[name]
        dtype = _DTYPES.get(entry["dtype"])
        if dtype is None:
            raise BuildError(
                f"{self.path}: {name} is stored as {entry['dtype']}; "
                "only F32, F16 and BF16 are read."
            )
        shape = self.shapes[name]
        if 0 in shape:
            return np.empty(shape, dtype)
        offset = self._start + entry["data_offsets"][0]
        return np.memmap(self.path, dtype, "r", offset, shape)


def _widened(stored: np.typing.NDArray[Any]) -> FloatArray:
    """float32; a bfloat16 is the upper half of one."""
    if stored.dtype == np.uint16:
        wide: FloatArray = (stored.astype(np.uint32) << 16).view(np.float32)
        return wide
    return np.asarray(stored, np.float32)
