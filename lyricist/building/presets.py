"""What a bundle is made of: a GGUF file's model as it is, or the tiny one that tests use.

Owns the presets. Nothing slow happens until a plan's weights are asked for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.building.balance import CALIBRATION_TEXT, NamedWeight
from lyricist.building.gguf_file import GgufFile, VocabularyData
from lyricist.building.tokenizer import build_tokenizer, first_merges
from lyricist.building.weights import embedding_from_gguf, seeded_weights, weights_from_gguf
from lyricist.bundle.architecture import Architecture

#: 64 lines of some 11 tokens and the longest prompt fit.
CONTEXT_POSITIONS = 1024
TINY_MERGES = 8192
TINY_SEED = 20
#: What the tiny network likes to write: words, sometimes the end of a line, hardly anything else.
TINY_WORD, TINY_NEWLINE, TINY_OTHER = 8.0, 9.3, 7.0
TINY_LETTERS = 2


@dataclass(frozen=True)
class Plan:
    """What a bundle is made of, before anything slow has happened."""

    name: str
    licence: str
    architecture: Architecture
    vocabulary: VocabularyData
    chat_template: str
    weights: Callable[[], Iterable[NamedWeight]]
    #: The embedding where it is not the output matrix.
    embedding: Callable[[], FloatArray | None]


def default_plan(source: GgufFile, name: str | None) -> Plan:
    """Serve the model in `source` as it is."""
    architecture = source.architecture(CONTEXT_POSITIONS)
    vocabulary = source.vocabulary()

    def weights() -> Iterable[NamedWeight]:
        sample: list[int] = build_tokenizer(vocabulary).encode(CALIBRATION_TEXT).ids
        return weights_from_gguf(source, architecture, sample[: architecture.context_length])

    return Plan(
        name=name or source.path.stem,
        licence=str(source.field("general.license", "unknown")),
        architecture=architecture,
        vocabulary=vocabulary,
        chat_template=str(source.field("tokenizer.chat_template", "")),
        weights=weights,
        embedding=lambda: embedding_from_gguf(source),
    )


def tiny_plan(source: GgufFile, name: str | None) -> Plan:
    """A network of random weights over the commonest words of the vocabulary of `source`."""
    whole = default_plan(source, name or "tiny")
    vocabulary = first_merges(whole.vocabulary, TINY_MERGES)
    architecture = Architecture(
        vocabulary_size=len(vocabulary.tokens),
        context_length=CONTEXT_POSITIONS,
        layers=2,
        width=64,
        heads=4,
        key_value_heads=2,
        head_size=16,
        feed_forward=128,
        rope_base=10_000.0,
        norm_epsilon=1e-5,
    )
    likelihood = _tiny_likelihood(vocabulary)
    return replace(
        whole,
        architecture=architecture,
        vocabulary=vocabulary,
        weights=lambda: seeded_weights(architecture, likelihood, TINY_SEED),
        embedding=lambda: None,
    )


PRESETS: dict[str, Callable[[GgufFile, str | None], Plan]] = {
    "default": default_plan,
    "tiny": tiny_plan,
}


def _tiny_likelihood(vocabulary: VocabularyData) -> FloatArray:
    def liking(piece: str) -> float:
        if piece == "Ċ":  # how byte-level BPE spells a line's end
            return TINY_NEWLINE
        word = piece.removeprefix("Ġ")  # and a space
        is_word = word != piece and word.isascii() and word.isalpha() and len(word) > TINY_LETTERS
        return TINY_WORD if is_word and word.islower() else TINY_OTHER

    return np.array([liking(piece) for piece in vocabulary.tokens], np.float32)
