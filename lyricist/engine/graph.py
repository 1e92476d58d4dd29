"""A bundle's graph in LiteRT's interpreter: its inputs and outputs as arrays of any size."""

import ctypes
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import LOCAL, Architecture
from lyricist.native_notes import without_native_notes


@dataclass(frozen=True)
class PassShape:
    """The sizes of one pass, which is about a stretch of one row or about several families."""

    #: New tokens: those of the row, or one for each row of each family.
    positions: int
    #: Caches that are attended to: 1, or one for each family.
    caches: int
    #: Padded length of the caches.
    cached: int
    #: Positions whose logits are wanted.
    chosen: int


class Graph:
    """Runs passes of any shape. `branches` are the rows of a family. Not thread-safe."""

    def __init__(self, path: Path, architecture: Architecture, branches: int, threads: int) -> None:
        """Raises ValueError or RuntimeError if LiteRT cannot load the file."""
        self._architecture, self._branches = architecture, branches
        self._interpreter = Interpreter(str(path), num_threads=threads)
        self.invoke = self._interpreter.invoke
        self._inputs = _index_by_name(self._interpreter.get_input_details())
        self._outputs = _index_by_name(self._interpreter.get_output_details())
        self._sizes: dict[str, tuple[int, ...]] = {}
        #: What a pass is fed, by name, without the caches.
        self.inputs: dict[str, FloatArray] = {}
        #: Cached keys and values of layer after layer: (caches, heads, cached, head_size).
        self.caches: list[FloatArray] = []
        #: New keys and values, likewise: (positions, heads, head_size).
        self.new_entries: list[FloatArray] = []
        #: (chosen, vocabulary_size)
        self.logits: FloatArray = np.zeros((0, 0), np.float32)
        #: (chosen, layers * width): hidden states, if the graph gives them.
        self.states: FloatArray | None = None
        #: What the graph was last reshaped for.
        self.shape = PassShape(branches, caches=1, cached=1, chosen=1)
        with without_native_notes(notes_only=True):
            self.reshape(self.shape)  # packs the weights

    def reshape(self, shape: PassShape) -> None:
        """Prepares for passes of `shape`. Makes new arrays, whose contents are not defined; the old
        ones point to memory that is no longer theirs."""
        for name, size in self._input_sizes(shape).items():
            if self._sizes.get(name) != size:
                self._interpreter.resize_tensor_input(self._inputs[name], size)
                self._sizes[name] = size
        self._interpreter.allocate_tensors()
        self.shape = shape
        layers = range(self._architecture.layers)
        cache_names = [f"{kind}_{layer}" for layer in layers for kind in ("key", "value")]
        arrays = {name: self._array(index) for name, index in self._inputs.items()}
        self.caches = [
            # Values stand in the graph with their last two axes swapped.
            arrays[name].swapaxes(-1, -2) if name.startswith("value") else arrays[name]
            for name in cache_names
        ]
        self.inputs = {name: arrays[name] for name in arrays.keys() - set(cache_names)}
        self.new_entries = [self._array(self._outputs[f"new_{name}"]) for name in cache_names]
        self.logits = self._array(self._outputs["logits"])
        if "state" in self._outputs:
            self.states = self._array(self._outputs["state"])

    def _array(self, index: int) -> FloatArray:
        """The tensor's own memory as an array, which stays where it is until the next reshape.

        The interpreter has such views too, but it refuses to run while one of them exists, and
        making a hundred anew for every pass would take longer than a small pass itself.
        """
        view = self._interpreter.tensor(index)()
        memory = (ctypes.c_float * math.prod(view.shape)).from_address(view.ctypes.data)
        return np.frombuffer(memory, np.float32).reshape(view.shape)

    def _input_sizes(self, shape: PassShape) -> dict[str, tuple[int, ...]]:
        heads, head_size = self._architecture.key_value_heads, self._architecture.head_size
        families = shape.positions // self._branches
        queries = self._branches * self._architecture.group
        sizes: dict[str, tuple[int, ...]] = {
            "hidden": (shape.positions, self._architecture.width),
            "cosine": (shape.positions, 1, head_size),
            "sine": (shape.positions, 1, head_size),
            "cached_mask": (families, 1, queries, shape.cached),
            "new_mask": (families, 1, queries, shape.positions),
            "chosen": (shape.chosen, shape.positions),
        }
        sizes |= {name + LOCAL: sizes[name] for name in self._architecture.local_inputs}
        for layer in range(self._architecture.layers):
            sizes[f"key_{layer}"] = (shape.caches, heads, shape.cached, head_size)
            sizes[f"value_{layer}"] = (shape.caches, heads, head_size, shape.cached)
        return sizes


def _index_by_name(details: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return {str(detail["name"]): int(detail["index"]) for detail in details}
