"""Packs texts into rows of one length, several in each behind the prefix that they have in common.

All batches have one shape, so that the network is traced once and hardly computes padding. A text
sees its prefix and itself, and its positions follow the prefix's: so it is read as if alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import BoolArray, FloatArray, IntArray
from lyricist.tuning.texts import Text

#: Targets are padded to a multiple of this, so that few counts of them occur.
TARGETS_STEP = 256
_PADDING, _PREFIX = -1, 0


@dataclass(frozen=True)
class Batch:
    """Rows that are passed together."""

    #: (rows, length) each: token ids, and their positions in their texts.
    tokens: IntArray
    positions: IntArray
    #: (rows, length, length): whether a position sees another one.
    visible: BoolArray
    #: (targets,): flat positions whose next tokens are to be learned, and those tokens.
    targets: IntArray
    next_tokens: IntArray
    #: (targets,): 1, or 0 for padding.
    weights: FloatArray
    #: How many positions are no padding.
    used: int


def batches_of(texts: Sequence[Text], rows: int, length: int) -> list[Batch]:
    """All texts, in rows of `length`, `rows` of them in each batch; the last may have empty ones.

    The order is that of the texts as far as packing lets it be.
    """
    packed = list(_packed(texts, length))
    packed += [[] for _ in range(-len(packed) % rows)]
    return [_batch(packed[at : at + rows], length) for at in range(0, len(packed), rows)]


def _packed(texts: Sequence[Text], length: int) -> Iterator[list[Text]]:
    """The texts of each row: the first row of the same prefix that has room takes a text."""
    rows: list[list[Text]] = []
    room: list[int] = []
    for text in texts:
        for at, row in enumerate(rows):
            if row[0].prefix == text.prefix and room[at] >= len(text.tokens):
                break
        else:
            at = len(rows)
            rows.append([])
            room.append(length - len(text.prefix))
        rows[at].append(text)
        room[at] -= len(text.tokens)
    yield from rows


def _batch(rows: Sequence[Sequence[Text]], length: int) -> Batch:
    shape = len(rows), length
    tokens, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    owner = np.full(shape, _PADDING)  # 0 for the prefix, then 1 for the first text, and so on
    targets: list[int] = []
    for at, texts in enumerate(rows):
        prefix = texts[0].prefix if texts else ()
        end = len(prefix)
        tokens[at, :end], positions[at, :end], owner[at, :end] = prefix, np.arange(end), _PREFIX
        for number, text in enumerate(texts, 1):
            start, end = end, end + len(text.tokens)
            tokens[at, start:end], owner[at, start:end] = text.tokens, number
            positions[at, start:end] = len(prefix) + np.arange(end - start)
            # The token before a learned one foretells it. The first of a text is never learned.
            targets += (at * length + start - 1 + np.flatnonzero(text.learned)).tolist()
    own = owner[:, :, np.newaxis] == owner[:, np.newaxis]
    of_prefix = (owner[:, np.newaxis] == _PREFIX) & (owner[:, :, np.newaxis] > _PREFIX)
    visible = (own | of_prefix) & np.tri(length, dtype=np.bool_)
    padding = [0] * (-len(targets) % TARGETS_STEP)
    flat = np.array([*targets, *padding], np.int64)
    return Batch(
        tokens=tokens,
        positions=positions,
        visible=visible,
        targets=flat,
        next_tokens=tokens.reshape(-1)[(flat + 1) % tokens.size],
        weights=np.array([1] * len(targets) + [0] * len(padding), np.float32),
        used=int((owner != _PADDING).sum()),
    )
