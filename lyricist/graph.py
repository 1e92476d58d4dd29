"""A bundle's graph in LiteRT's interpreter: named tensors, reshaped at will.

Owns the interpreter and its rule that no view outlives a call. Knows no rows and no caches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from lyricist.architecture import Architecture
from lyricist.engine import FloatArray

#: Gives a view of a tensor. The view must be dropped before the next `reshape` or `invoke`.
View = Callable[[], FloatArray]


@dataclass(frozen=True)
class PassShape:
    """How much one pass is about. Either one sequence, or as many as positions."""

    #: New tokens.
    positions: int
    #: Sequences whose caches are attended to.
    sequences: int
    #: Padded length of the caches.
    cached: int
    #: Positions whose logits are wanted.
    chosen: int


class Graph:
    """Runs passes of any shape. Not thread-safe."""

    def __init__(self, path: Path, architecture: Architecture, threads: int) -> None:
        """Raises ValueError or RuntimeError if LiteRT cannot load the file."""
        self._architecture = architecture
        self._interpreter = Interpreter(str(path), num_threads=threads)
        self._inputs = {
            str(detail["name"]): int(detail["index"])
            for detail in self._interpreter.get_input_details()
        }
        layers = range(architecture.layers)
        self._sizes: dict[str, tuple[int, ...]] = {}
        names = [f"{kind}_{layer}" for layer in layers for kind in ("key", "value")]
        #: Cached keys and values of layer after layer: (sequences, heads, cached, head_size).
        self.caches: list[View] = [
            _swapped(self.input(name)) if name.startswith("value") else self.input(name)
            for name in names
        ]
        outputs = {
            str(detail["name"]): int(detail["index"])
            for detail in self._interpreter.get_output_details()
        }
        #: New keys and values, likewise: (positions, heads, head_size).
        self.news: list[View] = [self._interpreter.tensor(outputs[f"new_{name}"]) for name in names]
        #: (chosen, vocabulary_size)
        self.logits: View = self._interpreter.tensor(outputs["logits"])
        self.reshape(PassShape(positions=1, sequences=1, cached=1, chosen=1))  # packs the weights

    def input(self, name: str) -> View:
        view: View = self._interpreter.tensor(self._inputs[name])
        return view

    def reshape(self, shape: PassShape) -> None:
        """Prepares for passes of `shape`. All inputs hold anything at all afterwards."""
        for name, size in self._input_sizes(shape).items():
            if self._sizes.get(name) != size:
                self._interpreter.resize_tensor_input(self._inputs[name], size)
                self._sizes[name] = size
        self._interpreter.allocate_tensors()

    def invoke(self) -> None:
        self._interpreter.invoke()

    def _input_sizes(self, shape: PassShape) -> dict[str, tuple[int, ...]]:
        heads, head_size = self._architecture.key_value_heads, self._architecture.head_size
        sizes: dict[str, tuple[int, ...]] = {
            "hidden": (shape.positions, self._architecture.width),
            "cosine": (shape.positions, 1, head_size),
            "sine": (shape.positions, 1, head_size),
            "cached_mask": (shape.positions, 1, 1, shape.cached),
            "new_mask": (shape.positions, 1, 1, shape.positions),
            "chosen": (shape.chosen, shape.positions),
        }
        for layer in range(self._architecture.layers):
            sizes[f"key_{layer}"] = (shape.sequences, heads, shape.cached, head_size)
            sizes[f"value_{layer}"] = (shape.sequences, heads, head_size, shape.cached)
        return sizes


def _swapped(view: View) -> View:
    """Values stand in the graph with their last two axes swapped."""
    return lambda: view().swapaxes(-1, -2)
