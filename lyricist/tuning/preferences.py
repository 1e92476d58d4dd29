"""Drafts of lines that a rater compared, and the loss by which the better ones become likelier.

The drafts of a place stand in one row behind the song so far, each seeing that and itself. Of two
drafts the better one's mean log-probability is to be the greater (a logistic loss of the
difference, as in SimPO, Meng et al. 2024), and good drafts are to be likely at all. Imports
TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import tensorflow as tf

from lyricist.arrays import FloatArray, IntArray
from lyricist.fitting.ratings import RatedPlace
from lyricist.songs import SongRequest
from lyricist.tuning.adapted_network import AdaptedNetwork
from lyricist.tuning.packing import Batch, batches_of
from lyricist.tuning.texts import Text
from lyricist.vocabulary.tokens import Encoder
from lyricist.writing.instructions import instructions
from lyricist.writing.title import title_tokens
from lyricist.writing.verse import section_head

#: Drafts whose ratings differ by so much are told apart; a difference of so much counts most.
_CLEARLY, _MOST = 1.5, 4.0
#: What a nat of mean log-probability is worth in the logistic loss.
_STEEPNESS = 2.0
#: Drafts of this rating are to be likely at all, which counts so much.
_GOOD, _GOODS_SHARE = 7, 0.2
_SECTION = "Verse 1"


@dataclass(frozen=True)
class RatedBatch:
    """Places that are passed together."""

    batch: Batch
    #: (targets,): the number of the draft that each target belongs to; padding has one of its own.
    draft_of: IntArray
    #: (drafts,): its tokens.
    lengths: FloatArray
    #: (pairs,): drafts of one place, and what telling them apart counts.
    better: IntArray
    worse: IntArray
    weights: FloatArray
    #: Numbers of the good ones.
    good: IntArray


def rated_batches(
    places: Sequence[RatedPlace], encoder: Encoder, rows: int, length: int
) -> list[RatedBatch]:
    """The places in their order, `rows` in each batch; one that is longer than a row is left out,
    one whose drafts were found equal, and one where the song so far was another one's, too, since
    the two would be packed into one row."""
    fitting: dict[tuple[int, ...], tuple[RatedPlace, list[Text]]] = {}
    for place in places:
        ratings = [rating for _, rating in place.drafts]
        texts = _texts(place, encoder)
        if max(ratings) - min(ratings) >= _CLEARLY and _positions(texts) <= length:
            fitting.setdefault(texts[0].prefix, (place, texts))
    groups = iter(fitting.values())
    batches = []
    while group := list(islice(groups, rows)):
        (batch,) = batches_of([text for _, texts in group for text in texts], rows, length)
        batches.append(_rated(batch, group))
    return batches


def preference_loss(network: AdaptedNetwork, rated: RatedBatch) -> tf.Tensor:
    """A scalar: how far the network is from preferring what the rater did."""
    count = len(rated.lengths)
    losses = network.token_losses(rated.batch)
    sums = tf.math.unsorted_segment_sum(losses, rated.draft_of, count + 1)[:count]
    means = sums / rated.lengths  # (drafts,), in nats a token
    apart = tf.gather(means, rated.worse) - tf.gather(means, rated.better)
    wrong = tf.nn.softplus(-_STEEPNESS * apart)
    loss = tf.reduce_sum(wrong * rated.weights) / rated.weights.sum()
    if len(rated.good):
        loss += _GOODS_SHARE * tf.reduce_mean(tf.gather(means, rated.good))
    return loss


def _texts(place: RatedPlace, encoder: Encoder) -> list[Text]:
    request = SongRequest(place.prompt, style=place.style)
    written = "".join(f"{line}\n" for line in place.before)
    *before, last = [
        *instructions(request, encoder),
        *title_tokens(place.title, encoder),
        *encoder.encode(section_head(_SECTION)),
        *encoder.encode(written),
    ]
    # The last token foretells the first of every draft, and so stands before each of them.
    found = [(last, *encoder.encode(f"{line}\n")) for line, _ in place.drafts]
    return [Text(tuple(before), tokens, (False, *[True] * (len(tokens) - 1))) for tokens in found]


def _positions(texts: Sequence[Text]) -> int:
    return len(texts[0].prefix) + sum(len(text.tokens) for text in texts)


def _rated(batch: Batch, group: Sequence[tuple[RatedPlace, Sequence[Text]]]) -> RatedBatch:
    lengths = [sum(text.learned) for _, texts in group for text in texts]
    padding = len(batch.targets) - sum(lengths)
    ratings = np.array([rating for place, _ in group for _, rating in place.drafts], np.float32)
    owner = np.repeat(np.arange(len(group)), [len(texts) for _, texts in group])
    differences = np.subtract.outer(ratings, ratings)
    better, worse = np.nonzero((owner[:, None] == owner) & (differences >= _CLEARLY))
    return RatedBatch(
        batch,
        np.repeat(np.arange(len(lengths) + 1), [*lengths, padding]),
        np.array(lengths, np.float32),
        better,
        worse,
        np.minimum(differences[better, worse] / _MOST, 1),
        np.flatnonzero(ratings >= _GOOD),
    )
