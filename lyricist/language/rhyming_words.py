"""The words that rhyme with a word: the table of sounds turned around, the common words first.

Answers strangers: it remembers nothing that grows with what they ask.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from string import ascii_lowercase

from lyricist.language.rhyme import (
    EXTRA_ENDINGS,
    RhymeKind,
    Sound,
    class_of,
    is_known,
    pronounced,
    relation_of_sounds,
    words_by_slant,
)
from lyricist.language.safety import banned_forms
from lyricist.language.words import ranked_words

#: So many words of each kind are told.
MOST_WORDS = 100
#: So many words are told that are spelled nearly as one that is not known.
MOST_NEAREST = 3
#: No word of the table is longer, not with an ending that it is derived with.
LONGEST_WORD = 20
#: What makes other forms of a word. Not s: a surname has that, too.
_ENDINGS = ("ed", "ing", "er", "ers", "ly", "able", "ment", "ness", "ation", "ful", "less")
#: Answers that are kept: some 20 kB each.
_MOST_KEPT = 256
#: What two spellings must have in common, 0 to 1, for one to be meant by the other.
_LIKENESS = 0.75


@dataclass(frozen=True)
class Rhyming:
    """A word, and the syllables of its usual pronunciation."""

    word: str
    syllables: int


@dataclass(frozen=True)
class RhymingWords:
    """What rhymes with `word`, by `rhyme.relation`; at most MOST_WORDS of each kind."""

    word: str
    syllables: int
    perfect: tuple[Rhyming, ...]
    slant: tuple[Rhyming, ...]


@lru_cache(_MOST_KEPT)
def rhyming_words(word: str) -> RhymingWords | None:
    """What rhymes with `word`; None if it has no known pronunciation. Banned words are left out."""
    mine = pronounced(word) if len(word) <= LONGEST_WORD else ()
    if not mine:
        return None
    kinds: dict[RhymeKind, list[str]] = {RhymeKind.PERFECT: [], RhymeKind.SLANT: []}
    for other in _candidates(mine):
        kind = relation_of_sounds(mine, pronounced(other))
        if kind in kinds:
            kinds[kind].append(other)
    perfect, slant = (_told(found) for found in kinds.values())
    return RhymingWords(word, mine[0].syllables, perfect, slant)


def nearest_words(word: str) -> tuple[str, ...]:
    """Words of the table that are spelled nearly as `word`, the likeliest first."""
    if len(word) > LONGEST_WORD:
        return ()
    one_off = sorted({edit for edit in _edits(word) if is_known(edit)}, key=_rank)
    alike = difflib.get_close_matches(word, ranked_words("common_words"), MOST_NEAREST, _LIKENESS)
    found = dict.fromkeys(each for each in (*one_off, *alike) if each not in banned_forms())
    return tuple(found)[:MOST_NEAREST]


def _candidates(mine: tuple[Sound, ...]) -> set[str]:
    """Every word that may rhyme with one of these pronunciations."""
    found: set[str] = set()
    for sound in mine:
        ends = [sound.slant, *(sound.slant + class_of(extra) for extra in EXTRA_ENDINGS)]
        if sound.tail[-1] in EXTRA_ENDINGS:
            ends.append(sound.slant[:-1])
        found.update(*(_by_slant().get(end, ()) for end in ends))
    return {word for word in found if word.isalpha() and word not in banned_forms()}


def _told(words: list[str]) -> tuple[Rhyming, ...]:
    first = sorted(words, key=_rank)[:MOST_WORDS]
    return tuple(Rhyming(word, pronounced(word)[0].syllables) for word in first)


@cache
def _by_slant() -> dict[str, list[str]]:
    return words_by_slant()


def _rank(word: str) -> tuple[int, int, str]:
    """The commonest words first, then those with the most forms, then by the alphabet.

    The table has many names: they have no forms but a plural at most.
    """
    rank = _ranks().get(word)
    return (len(_ranks()), -_forms(word), word) if rank is None else (rank, 0, word)


def _forms(word: str) -> int:
    """How many regular forms of a word that is in no list the table has."""
    stem = word.removesuffix("e")
    return sum(is_known(start + ending) for start, ending in product({word, stem}, _ENDINGS))


@cache
def _ranks() -> dict[str, int]:
    # The little words that a line may end in ("me", "you") are commoner than all others.
    in_order = (*ranked_words("closing_words"), *ranked_words("common_words"))
    return {word: place for place, word in enumerate(dict.fromkeys(in_order))}


def _edits(word: str) -> Iterator[str]:
    """All that is one letter more, less or other than `word`, or has two letters changed over."""
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        for letter in ascii_lowercase:
            yield before + letter + after
            yield before + letter + after[1:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
