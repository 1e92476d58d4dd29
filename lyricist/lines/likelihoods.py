"""How likely each token is at one place of a text, and which are the likeliest.

This is done for every token of every draft, so the number of times that it goes through the
vocabulary matters.
"""

from dataclasses import dataclass

import numpy as np

from lyricist.arrays import BoolArray, FloatArray, IntArray
from lyricist.lines.figures import Place

#: `likeliest` first compares the maxima of blocks of so many values: large blocks leave few maxima,
#: but there must be more of them than values are asked for.
_BLOCK = 64
_LOWEST = np.finfo(np.float32).min
#: A token this much less likely than the likeliest one adds nothing to the entropy.
_IMPOSSIBLE = np.float32(-100)


@dataclass(frozen=True)
class Likelihoods:
    """Log-probabilities over the vocabulary, worked out for the tokens that are asked for."""

    #: Logits minus the largest one: log-probabilities plus `log_total`.
    relative: FloatArray
    #: What to subtract from each.
    log_total: np.float32
    #: Likelihoods but for one factor.
    shares: FloatArray

    @classmethod
    def of_logits(cls, logits: FloatArray) -> "Likelihoods":
        """Those of the softmax of `logits`."""
        relative = logits - logits.max()
        shares = np.exp(relative)
        return cls(relative, np.log(shares.sum()), shares)

    def of(self, tokens: IntArray) -> FloatArray:
        """Log-probabilities of `tokens`."""
        values: FloatArray = self.relative.take(tokens) - self.log_total
        return values

    def plain(self, tokens: IntArray) -> FloatArray:
        """Likelihoods of `tokens`, 0 to 1."""
        values: FloatArray = self.shares.take(tokens) * np.exp(-self.log_total)
        return values

    def of_token(self, token: int) -> float:
        """Log-probability of one token."""
        return float(self.relative[token] - self.log_total)

    def place(self, line_ends: IntArray) -> Place:
        """What is expected here, where a line stops if one of `line_ends` comes."""
        # Not by `@`: its sums depend on how many threads BLAS finds free.
        weighted = self.shares * np.maximum(self.relative, _IMPOSSIBLE)
        mean = float(weighted.sum() / self.shares.sum())
        stop = float(np.logaddexp.reduce(self.of(line_ends)))
        return Place(-float(self.log_total), float(self.log_total) - mean, stop)


def rank_of(token: int, logits: FloatArray) -> int:
    """How many tokens are likelier than `token`."""
    return int(np.count_nonzero(logits > logits[token]))


def penalties(mask: BoolArray) -> FloatArray:
    """What to add to the values of tokens so that none outside of `mask` is left: 0 or -inf.

    Adding an array takes a twentieth of the time that `np.where` takes for such a mask.
    """
    return np.array([-np.inf, 0.0], dtype=np.float32)[mask.astype(np.intp)]


def likeliest(values: FloatArray, count: int) -> IntArray:
    """Indices of the `count` largest of the finite `values`, in ascending order; all if fewer.

    Among equals the lowest index comes first. Faster than `np.argpartition` by far: the blocks'
    maxima are values themselves, so the `count`-th largest of them is a floor below which none of
    the `count` largest values lies, and hardly any others lie above it.
    """
    floor = _LOWEST
    blocks = values.size // _BLOCK
    if blocks >= count:
        # A block is a column, so that the maxima are taken of whole rows at a time. The few values
        # after the last row are in no block; the floor holds for them as well.
        maxima = values[: blocks * _BLOCK].reshape(_BLOCK, blocks).max(axis=0)
        floor = max(floor, np.partition(maxima, blocks - count)[blocks - count])
    found = np.flatnonzero(values >= floor)
    if found.size > count:
        descending = np.argsort(-values[found], kind="stable")
        found = np.sort(found[descending[:count]])
    return found
