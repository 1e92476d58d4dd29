"""The judge of lines: how good a person would find a line where it stands, 0 to 9.

A weighted sum, fitted to ratings (`lyricist.fitting`), whose weights are data/judge.json. For any
model it weighs the line's figures. For a model that has a head it also weighs the hidden state
after the line's last word, which tells sense from nonsense better than likelihoods do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lyricist.arrays import DoubleArray, FloatArray
from lyricist.lines.figures import NAMES, Reading, figures_of

#: The weights, of any model and of the one that has a head; `fit-judge` writes them.
WEIGHTS = Path(__file__).parent / "data" / "judge.json"


@dataclass(frozen=True)
class Judge:
    """Weights of one model's judge."""

    bias: float
    #: (len(NAMES),)
    figures: DoubleArray
    #: (layers * width,): of the hidden state that an engine's `state` gives; None without a head.
    head: FloatArray | None = None

    @classmethod
    def for_model(cls, source_sha256: str, state_layers: tuple[int, ...]) -> "Judge":
        """The one for the model of that file, whose bundle gives the states of those layers."""
        if not state_layers or state_layers != head_layers(source_sha256):
            return cls.without_head()
        found = _stored()["with_head"]
        return cls(*_bias_and_figures(found), np.array(found["head"], np.float32))

    @classmethod
    def without_head(cls) -> "Judge":
        """The one for any model."""
        return cls(*_bias_and_figures(_stored()["without_head"]))

    def of_state(self, state: FloatArray | None) -> float:
        """The head's part of the judgement of a line that ends where `state` was taken."""
        if self.head is None or state is None:
            return 0.0
        return float((self.head * state).sum())

    def judgement(self, line: Reading, of_state: float) -> float:
        """How good the line is, as one would rate it from 0 to 9; it may lie outside of that."""
        return self.bias + float(self.figures @ figures_of(line)) + of_state


def head_layers(source_sha256: str) -> tuple[int, ...]:
    """The layers, counted from 0, whose states the judge reads of the model of that file."""
    found = _stored()["with_head"]
    return tuple(found["layers"]) if found["model_sha256"] == source_sha256 else ()


@cache
def _stored() -> Mapping[str, Any]:
    stored: Mapping[str, Any] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return stored


def _bias_and_figures(fields: Mapping[str, Any]) -> tuple[float, DoubleArray]:
    return float(fields["bias"]), np.array([fields["figures"][name] for name in NAMES])
