"""How words sound, and whether two of them rhyme: by a table, or by rules for words not in it."""

import gzip
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from importlib import resources

from lyricist.language.phones import CONSONANTS, encode_phones
from lyricist.language.words import REMEMBERED

#: Consonants that may stand for each other in a slant rhyme; all others must be equal.
_CLASSES = ("P T K", "B D G", "M N NG", "F TH S SH", "V DH Z ZH", "CH JH")
_CLASS_OF = str.maketrans(
    {phone: group[0] for group in map(encode_phones, _CLASSES) for phone in group}
)
#: A word that has one of these after its last phone still rhymes slantly with one that has not.
EXTRA_ENDINGS = encode_phones("S Z T D")
#: The same, as they stand in the slant part.
EXTRA_SLANTS = tuple(dict.fromkeys(EXTRA_ENDINGS.translate(_CLASS_OF)))
_HISSING = encode_phones("S Z SH ZH CH JH")
_VOICELESS = encode_phones("P T K F TH")
_STRESSED_END = re.compile("[A-Z][^A-Z]*$")
_VOWEL_END = re.compile("[a-z][^a-z]*$")
_NO_CONSONANTS = str.maketrans("", "", CONSONANTS)


class RhymeKind(StrEnum):
    """How the ends of two lines sound together."""

    #: Equal from the last stressed vowel on, but not homophones.
    PERFECT = "perfect"
    #: The same vowels, and consonants of the same class after them.
    SLANT = "slant"
    #: The same word or a homophone: never counts as a rhyme.
    IDENTITY = "identity"
    NONE = "none"
    #: One of the words has no known pronunciation.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Sound:
    """One pronunciation of a word, in the code of `phones`."""

    phones: str

    @cached_property
    def tail(self) -> str:
        """The rhyming part: everything from the last stressed vowel on, stress left out."""
        return _tail(self.phones)

    @cached_property
    def onset(self) -> str:
        """The consonants right before the rhyming part."""
        before = self.phones[: len(self.phones) - len(self.tail)]
        return before[len(before.rstrip(CONSONANTS)) :]

    @cached_property
    def slant(self) -> str:
        """The rhyming part with each consonant replaced by its class."""
        return class_of(self.tail)

    @cached_property
    def syllables(self) -> int:
        """How many vowels there are."""
        return len(self.phones.translate(_NO_CONSONANTS))


def is_known(word: str) -> bool:
    """Whether the table itself holds `word`, without any fallback."""
    return word.lower() in _table()


def words_by_slant() -> dict[str, list[str]]:
    """The words of the table, by the slant form of the rhyming part of each pronunciation."""
    found: dict[str, list[str]] = {}
    for word, codes in _table().items():
        for phones in codes.split(" "):
            words = found.setdefault(class_of(_tail(phones)), [])
            if not words or words[-1] is not word:
                words.append(word)
    return found


@lru_cache(REMEMBERED)
def sounds(word: str) -> tuple[Sound, ...]:
    """What `pronounced` says, remembered of the words that were asked for last."""
    return pronounced(word)


def pronounced(word: str) -> tuple[Sound, ...]:
    """All known pronunciations of `word`, the usual one first; empty if there is none."""
    word = word.lower().replace("’", "'")
    codes = _table().get(word) or _table().get(word.strip("'"))
    found = codes.split(" ") if codes else _by_suffix(word)
    return tuple(Sound(phones) for phones in found if phones.translate(_NO_CONSONANTS))


def relation(first: str, second: str) -> RhymeKind:
    """How two words sound together, by those of their pronunciations that rhyme best."""
    if first.lower() == second.lower():
        return RhymeKind.IDENTITY
    return relation_of_sounds(sounds(first), sounds(second))


def relation_of_sounds(first: Iterable[Sound], second: Sequence[Sound]) -> RhymeKind:
    """The same of two words' pronunciations."""
    pairs = [(one, other) for one in first for other in second]
    if not pairs:
        return RhymeKind.UNKNOWN
    if any(one.phones.lower() == other.phones.lower() for one, other in pairs):
        return RhymeKind.IDENTITY
    if any(one.tail == other.tail for one, other in pairs):
        return RhymeKind.PERFECT
    if any(rhyme_slantly(one, other) for one, other in pairs):
        return RhymeKind.SLANT
    return RhymeKind.NONE


def _tail(phones: str) -> str:
    found = _STRESSED_END.search(phones) or _VOWEL_END.search(phones)
    return found.group().lower() if found else phones


def class_of(phones: str) -> str:
    """`phones` with each consonant replaced by its class."""
    return phones.translate(_CLASS_OF)


def rhyme_slantly(one: Sound, other: Sound) -> bool:
    """Whether two sounds rhyme nearly, or perfectly."""
    return are_slant(one, other) or are_slant(other, one)


def are_slant(longer: Sound, shorter: Sound) -> bool:
    """Whether the tails have equal vowels and consonants of equal classes; `longer` may end in one
    more S, Z, T or D."""
    if longer.slant == shorter.slant:
        return True
    return longer.slant[:-1] == shorter.slant and longer.tail[-1] in EXTRA_ENDINGS


@cache
def _table() -> dict[str, str]:
    file = resources.files("lyricist.language").joinpath("data/pronunciations.txt.gz")
    rows = gzip.decompress(file.read_bytes()).decode("ascii").split("\n")
    return dict(zip(rows[::2], rows[1::2], strict=True))


def _by_suffix(word: str) -> list[str]:
    """Pronunciations of a regular form (runnin', houses', tweeted) of a word in the table."""
    for suffix, extend in _SUFFIXES.items():
        rest = word.removesuffix(suffix)
        if rest == word or len(rest) < 2:
            continue
        for stem in _stems(rest, suffix):
            if codes := _table().get(stem):
                return [extend(phones) for phones in codes.split(" ")]
    return []


def _stems(rest: str, suffix: str) -> list[str]:
    stems = [rest]
    if suffix[0] in "ei":
        stems.append(rest + "e")
        if rest[-1] == rest[-2]:
            stems.append(rest[:-1])
    if rest.endswith("i"):
        stems.append(rest[:-1] + "y")
    return stems


def _append(names: str) -> Callable[[str], str]:
    return lambda phones: phones + encode_phones(names)


def _plural(phones: str) -> str:
    if phones[-1] in _HISSING:
        return phones + encode_phones("IH0 Z")
    return phones + encode_phones("S" if phones[-1] in _VOICELESS else "Z")


def _past(phones: str) -> str:
    if phones[-1] in encode_phones("T D"):
        return phones + encode_phones("IH0 D")
    voiceless = phones[-1] in _VOICELESS + encode_phones("S SH CH")
    return phones + encode_phones("T" if voiceless else "D")


#: Longest first, so that "'s" is tried before "s".
_SUFFIXES: dict[str, Callable[[str], str]] = {
    "less": _append("L AH0 S"),
    "ness": _append("N AH0 S"),
    "ing": _append("IH0 NG"),
    "in'": _append("IH0 N"),
    "est": _append("IH0 S T"),
    "'s": _plural,
    "s'": _plural,
    "es": _plural,
    "ed": _past,
    "er": _append("ER0"),
    "ly": _append("L IY0"),
    "s": _plural,
}
