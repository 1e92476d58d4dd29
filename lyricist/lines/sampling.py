"""How a token is drawn from logits by chance: temperature, min-p, top-p, presence penalty.

Free verse draws by it; rhymed verse weighs its candidates itself (see `choice`) and takes only the
last step from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import FloatArray

#: Keeps the set of candidates small at any temperature.
LEAST_MIN_P = 1e-4


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn."""

    #: 0 takes the likeliest.
    temperature: float = 0.8
    #: Only the likeliest tokens that together hold this share are drawn.
    top_p: float = 0.95
    #: Only tokens at least this share as likely as the likeliest are drawn.
    min_p: float = 0.05
    #: What a token's logit loses once it stands among the recent ones.
    presence_penalty: float = 0.0
    #: How many of the last tokens are recent.
    recent: int = 64


def draw(
    logits: FloatArray, sampling: Sampling, rng: np.random.Generator, recent: Sequence[int] = ()
) -> int:
    """The next token. `rng` is asked for exactly one number, whatever the logits.

    Min-p (Nguyen et al. 2024) comes first, then top-p over what it left. Among equals the lowest
    id counts as the likeliest.
    """
    chance = rng.random()
    if sampling.presence_penalty:
        logits = logits.copy()
        repeated = np.unique(np.asarray(recent[-sampling.recent :], np.intp))
        logits[repeated] -= np.float32(sampling.presence_penalty)
    if sampling.temperature == 0:
        return int(logits.argmax())
    floor = sampling.temperature * np.log(max(sampling.min_p, LEAST_MIN_P))
    candidates = np.flatnonzero(logits >= logits.max() + np.float32(floor))
    scaled = logits[candidates].astype(np.float64) / sampling.temperature
    weights = np.exp(scaled - scaled.max())
    order = np.argsort(-weights, kind="stable")
    return int(candidates[order[drawn_rank(weights[order], sampling.top_p, chance)]])


def drawn_rank(weights: FloatArray, top_p: float, chance: float) -> int:
    """The index in `weights`, which descend, that `chance` (0 to 1) draws.

    Only the first ones can be drawn, as few as together hold the share `top_p` of all (nucleus
    sampling, Holtzman et al. 2019).
    """
    sums = np.cumsum(weights)
    kept = int(np.searchsorted(sums, top_p * sums[-1])) + 1
    sums = sums[:kept]
    rank = int(np.searchsorted(sums, chance * sums[-1], side="right"))
    return min(rank, len(sums) - 1)
