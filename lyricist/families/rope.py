"""Rotary positions as checkpoints describe them: their base, and what scales their frequencies."""

import math
from typing import NamedTuple

from lyricist.checkpoints.config import MOST_POSITIONS, Config


class Rope(NamedTuple):
    """The base, and what the frequency of each pair of numbers is divided by; () for 1."""

    base: float
    factors: tuple[float, ...]


def read_rope(config: Config, head_size: int, default_base: float, layers: str = "") -> Rope:
    """Those of a checkpoint; `layers` names the kind of layers where there are several.

    Older files have `rope_theta` and `rope_scaling`, newer ones both in `rope_parameters`. Raises
    BuildError for a way of scaling that is not known.
    """
    part = config.part("rope_parameters")
    part = part.part(layers) if part.has(layers) else part
    base = part.real("rope_theta", config.real("rope_theta", default_base))
    scaling = config.part("rope_scaling") if config.has("rope_scaling") else part
    turning = part.real("partial_rotary_factor", config.real("partial_rotary_factor", 1.0))
    if turning != 1 or config.whole("rotary_dim", head_size, head_size) != head_size:
        raise config.fault("partial_rotary_factor", "leaves a part of each head unrotated")
    kind = scaling.text("rope_type", scaling.text("type", "default"))
    given = config.numbers("rope_factors")
    if given and len(given) != head_size // 2:
        raise config.fault("rope_factors", f"are {len(given)}, for heads of {head_size} numbers")
    match kind:
        case "default" | "none":
            return Rope(base, given)
        case "linear":
            return Rope(base, (scaling.real("factor"),) * (head_size // 2))
        case "llama3":
            return Rope(base, given or _llama3_factors(scaling, base, head_size))
        case _:
            raise config.fault("rope_scaling", f"is {kind!r}, a way that is not known")


def _llama3_factors(scaling: Config, base: float, head_size: int) -> tuple[float, ...]:
    """Low frequencies are divided by a factor, high ones not, those between by something between
    (Grattafiori et al. 2024, The Llama 3 Herd of Models, and its released code)."""
    factor = scaling.real("factor")
    low, high = scaling.real("low_freq_factor"), scaling.real("high_freq_factor")
    length = scaling.whole("original_max_position_embeddings", MOST_POSITIONS)
    if not low < high:
        raise scaling.fault("high_freq_factor", "is not above low_freq_factor")
    factors = []
    for pair in range(head_size // 2):
        wavelength = 2 * math.pi * base ** (2 * pair / head_size)
        share = min(1.0, max(0.0, (length / wavelength - low) / (high - low)))
        factors.append(1 / ((1 - share) / factor + share))
    return tuple(factors)
