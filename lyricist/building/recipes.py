"""What a bundle is made of: a checkpoint's model as it is, or the tiny one that tests use."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lyricist.arrays import FloatArray, NamedWeight
from lyricist.building.adapter import Adapter, with_adapters
from lyricist.building.balance import CALIBRATION_TEXT
from lyricist.building.source import name_of
from lyricist.building.weights import balanced_weights, seeded_weights
from lyricist.bundle.architecture import Architecture
from lyricist.bundle.manifest import DEFAULT_PRESET, TINY_PRESET
from lyricist.checkpoints.checkpoint import Checkpoint
from lyricist.errors import BuildError
from lyricist.families.table import plan_of
from lyricist.families.weights import own_embedding, plain_weights
from lyricist.tokenizing.byte_level import first_merges
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.tokenizing.tokenizer_source import GgufVocabulary, TokenizerSource

#: 64 lines of some 11 tokens and the longest prompt fit.
CONTEXT_POSITIONS = 1024
TINY_MERGES = 8192
TINY_SEED = 20
#: Scores by which the tiny network writes words, some line ends, and hardly anything else.
TINY_WORD, TINY_NEWLINE, TINY_OTHER = 8.0, 9.3, 7.0
#: A word of so few letters counts as anything else.
TINY_LETTERS = 2


@dataclass(frozen=True)
class Recipe:
    """What a bundle is made of. Nothing slow happens until its functions are called."""

    name: str
    licence: str
    #: The family of networks, as people call it.
    family: str
    architecture: Architecture
    tokenizer: TokenizerSource
    weights: Callable[[], Iterable[NamedWeight]]
    #: The same, unbalanced and without an adapter: as they are tuned.
    plain_weights: Callable[[], Iterable[NamedWeight]]
    #: The embedding where it is not the output matrix.
    embedding: Callable[[], FloatArray | None]


def default_recipe(
    source: Checkpoint, name: str | None, adapters: Sequence[Adapter] = ()
) -> Recipe:
    """The model in `source` as it is, or as it was tuned."""
    plan = plan_of(source, CONTEXT_POSITIONS)
    architecture = plan.architecture
    tokenizer = source.tokenizer()

    def weights() -> Iterable[NamedWeight]:
        made = model_tokenizer(tokenizer, architecture.vocabulary_size)
        sample: list[int] = made.tokenizer.encode(CALIBRATION_TEXT).ids
        sample = sample[: architecture.context_length]
        return balanced_weights(source, plan, sample, adapters)

    return Recipe(
        name=name or name_of(source.path),
        licence=source.licence,
        family=plan.family,
        architecture=architecture,
        tokenizer=tokenizer,
        weights=weights,
        plain_weights=lambda: plain_weights(source, plan),
        embedding=lambda: own_embedding(source, plan),
    )


def tiny_recipe(source: Checkpoint, name: str | None, adapters: Sequence[Adapter] = ()) -> Recipe:
    """A network of random weights over the commonest words of the vocabulary of `source`."""
    whole = default_recipe(source, name or TINY_PRESET)
    vocabulary = whole.tokenizer.vocabulary
    if not isinstance(vocabulary, GgufVocabulary):
        raise BuildError("The tiny model is made of byte-level BPE only.")
    vocabulary = first_merges(vocabulary, TINY_MERGES)
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

    def plain() -> Iterator[NamedWeight]:
        return seeded_weights(architecture, likelihood, TINY_SEED)

    return replace(
        whole,
        architecture=architecture,
        tokenizer=replace(whole.tokenizer, vocabulary=vocabulary),
        weights=lambda: with_adapters(plain(), adapters),
        plain_weights=plain,
        embedding=lambda: None,
    )


RECIPES: dict[str, Callable[[Checkpoint, str | None, Sequence[Adapter]], Recipe]] = {
    DEFAULT_PRESET: default_recipe,
    TINY_PRESET: tiny_recipe,
}


def _tiny_likelihood(vocabulary: GgufVocabulary) -> FloatArray:
    def liking(text: str) -> float:
        if text == "Ċ":  # how byte-level BPE spells a line's end
            return TINY_NEWLINE
        word = text.removeprefix("Ġ")  # and a space
        is_word = word != text and word.isascii() and word.isalpha() and len(word) > TINY_LETTERS
        return TINY_WORD if is_word and word.islower() else TINY_OTHER

    return np.array([liking(text) for text in vocabulary.tokens], np.float32)
