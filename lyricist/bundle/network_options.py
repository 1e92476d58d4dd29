"""What one family's network does otherwise than another's. With none of it, it is a Llama."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: No number among the options is larger.
MOST_OF_ANYTHING = 1 << 32
MOST_ITEMS = 4096
#: GELU with tanh: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))), or, with these,
#: x * sigmoid(GELU_SLOPE * (x + GELU_CUBE * x ** 3)).
GELU_SLOPE, GELU_CUBE = 2 * math.sqrt(2 / math.pi), 0.044715


class Activation(StrEnum):
    """What is applied to the gate of a feed-forward layer."""

    SILU = "silu"
    #: With tanh in place of the error function (Hendrycks and Gimpel 2016).
    GELU = "gelu"


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Each is off by default, as in Llama 2 and SmolLM2."""

    #: Queries, keys and values have a bias (Qwen 2).
    attention_bias: bool = False
    #: Each head's query and key is normalized, before it is rotated (Qwen 3, Gemma 3).
    head_norms: bool = False
    #: What a layer adds to the hidden vector is normalized first (Gemma 3).
    post_norms: bool = False
    activation: Activation = Activation.SILU
    #: What the frequency of each pair of a head's numbers is divided by; () for 1 (Llama 3.1).
    rope_factors: tuple[float, ...] = ()
    #: Layers, counted from 0, that see no more than the last `window` positions, and whose rotary
    #: positions have a base of their own, if it is not 0 (Gemma 3).
    local_layers: tuple[int, ...] = ()
    window: int = 0
    local_rope_base: float = 0.0

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "NetworkOptions":
        """Reads a manifest's; an option that it does not name is off. ValueError for nonsense."""
        found = cls()
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields}
        for name, value in known.items():
            default = getattr(found, name)
            if isinstance(default, tuple):
                if not isinstance(value, list | tuple) or len(value) > MOST_ITEMS:
                    raise ValueError(f"{name} is no list that a network has")
                known[name] = tuple(_number(name, each) for each in value)
            elif isinstance(default, bool):
                known[name] = _flag(name, value)
            elif isinstance(default, Activation):
                known[name] = Activation(value)
            else:
                known[name] = type(default)(_number(name, value))
        return cls(**known)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false")  # noqa: TRY004 (nonsense in a file)
    return value


def _number(name: str, value: Any) -> Any:
    if type(value) not in (int, float) or not 0 <= value <= MOST_OF_ANYTHING:
        raise ValueError(f"{name} is not a number that a network has")
    return value
