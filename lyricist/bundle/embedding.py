"""The embedding, tokens to vectors: it stands in the network's file as its output matrix does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import Architecture


@dataclass(frozen=True)
class EmbeddingPlace:
    """Where the embedding stands in the network's file, in bytes from its start: int8 rows, a
    float scale per row and a float divisor per column."""

    offset: int
    scales_offset: int
    divisor_offset: int


class EmbeddingTable:
    """Token ids to hidden vectors. The file is mapped: only rows that are asked for are read."""

    def __init__(self, path: Path, place: EmbeddingPlace, architecture: Architecture) -> None:
        rows, width = architecture.vocabulary_size, architecture.width
        self._values = np.memmap(path, np.int8, "r", place.offset, (rows, width))
        self._scales = np.memmap(path, np.float32, "r", place.scales_offset, (rows, 1))
        self._divisor = np.memmap(path, np.float32, "r", place.divisor_offset, (width,))

    def rows(self, tokens: npt.ArrayLike) -> FloatArray:
        """(tokens, width)."""
        chosen = np.asarray(tokens, np.intp)
        rows: FloatArray = self._values[chosen] * self._scales[chosen] / self._divisor
        return rows
