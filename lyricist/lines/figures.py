"""A line as the network read it, in figures: how likely each word was, what else could have come,
whether the line stops. They are what the judge weighs for any model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import DoubleArray
from lyricist.language.words import is_function_word


@dataclass(frozen=True)
class Place:
    """What the network expects at one place of a line; log-probabilities in nats."""

    #: Log-probability of the likeliest token.
    top: float
    #: Entropy of the next token, in nats.
    entropy: float
    #: Log-probability that the line stops here.
    stop: float


@dataclass(frozen=True)
class Reading:
    """A whole line as the network read it."""

    #: Before each token, and after the last.
    places: Sequence[Place]
    #: Of each token: its log-probability where it stands, and how many others were likelier.
    likelihoods: Sequence[float]
    ranks: Sequence[int]
    words: Sequence[str]
    #: How many syllables the line has more, or fewer, than it should.
    off_target: int
    #: Whether it has to rhyme with a line before it.
    is_answer: bool


#: The names of the figures, in their order. The end is the last token, the body what is between it
#: and the first; "low" is what lies below a threshold, "floored" what lies above one.
NAMES = (
    "mean likelihood",
    "mean likelihood before the end",
    "end",
    "stop",
    "least likely token",
    "least likely token of the body",
    "end below the likeliest",
    "mean below the likeliest",
    "mean entropy",
    "entropy before the end",
    "entropy after the end",
    "log rank of the end",
    "mean log rank",
    "highest log rank",
    "least likely token by what was expected",
    "tokens",
    "syllables off the target, negative",
    "ends in a function word",
    "stop before the end",
    "end, floored",
    "end and stop, floored",
    "end, low",
    "stop, low",
    "share of different words",
    "end of an answer",
)
_END_FLOOR, _END_AND_STOP_FLOOR, _LOW_END, _LOW_STOP = -8.0, -12.0, -5.0, -2.0


def figures_of(line: Reading) -> DoubleArray:
    """(len(NAMES),) float64: the line's figures."""
    likelihoods, ranks = np.array(line.likelihoods), np.log1p(line.ranks)
    top = np.array([place.top for place in line.places])
    entropy = np.array([place.entropy for place in line.places])
    count, words = len(likelihoods), line.words
    end, stop, before = float(likelihoods[-1]), line.places[-1].stop, likelihoods[:-1]
    gaps = likelihoods - top[:-1]
    body = before[1:] if count > 2 else likelihoods
    return np.array(
        [
            likelihoods.mean(),
            before.mean() if count > 1 else end,
            end,
            stop,
            likelihoods.min(),
            body.min(),
            gaps[-1],
            gaps.mean(),
            entropy[:-1].mean(),
            entropy[-2],
            entropy[-1],
            ranks[-1],
            ranks.mean(),
            ranks.max(),
            (likelihoods + entropy[:-1]).min(),
            count,
            -abs(line.off_target),
            is_function_word(words[-1]),
            line.places[-2].stop,
            max(_END_FLOOR, end),
            max(_END_AND_STOP_FLOOR, end + stop),
            min(0.0, end - _LOW_END),
            min(0.0, stop - _LOW_STOP),
            len(set(words)) / len(words),
            end * line.is_answer,
        ],
        dtype=np.float64,
    )
