"""How a line is stressed, syllable by syllable, and which lines of a verse rhyme."""

from collections.abc import Sequence
from functools import lru_cache

from lyricist.language.phones import is_vowel
from lyricist.language.rhyme import RhymeKind, Sound, pronounced, relation, sounds
from lyricist.language.syllables import syllables_as_spelled
from lyricist.language.words import REMEMBERED, is_function_word, written_words

#: A syllable that is stressed, one that is not, and one that may be either.
STRESSED, UNSTRESSED, OPEN = "/", "x", "?"
#: How many lines lie between two that rhyme, at most.
_REACH = 4
_SAME_SOUND = (RhymeKind.PERFECT, RhymeKind.IDENTITY)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@lru_cache(REMEMBERED)
def stresses(word: str) -> str:
    """A sign for each syllable of `word`; a function word of one syllable is sung either way."""
    return _stresses(word, sounds(word))


def _stresses(word: str, known: Sequence[Sound]) -> str:
    if not known:
        return OPEN * syllables_as_spelled(word)
    vowels = [phone for phone in known[0].phones if is_vowel(phone)]
    if len(vowels) == 1:
        return OPEN if is_function_word(word) else STRESSED
    return "".join(STRESSED if vowel.isupper() else UNSTRESSED for vowel in vowels)


def scanned(line: str) -> tuple[tuple[str, str], ...]:
    """Each word of `line` as it stands there, with its stresses. Remembers nothing of it."""
    return tuple((word, _stresses(word, pronounced(word))) for word in written_words(line))


def line_stresses(words: Sequence[str]) -> str:
    """A sign for each syllable of a line."""
    return "".join(map(stresses, words))


def misfits(wanted: str, found: str) -> int:
    """How many signs of `found` are not as `wanted` has them in their place, from the start on."""
    pairs = zip(wanted, found, strict=False)
    return sum(one != other and OPEN not in (one, other) for one, other in pairs)


def scheme_of(end_words: Sequence[str]) -> str:
    """The rhymes of a verse whose lines end in these words: a letter for each line, a dash for one
    that rhymes with none. Near rhymes count where a line has no other."""
    groups: list[int | None] = [None] * len(end_words)
    for kinds in (_SAME_SOUND, (RhymeKind.SLANT,)):
        for at, word in enumerate(end_words):
            earlier = range(at - 1, max(-1, at - 1 - _REACH), -1)
            if groups[at] is not None:
                continue
            for before in earlier:
                is_free = groups[before] is None or kinds == _SAME_SOUND
                if is_free and relation(end_words[before], word) in kinds:
                    found = groups[before]
                    groups[before] = groups[at] = before if found is None else found
                    break
    order = list(dict.fromkeys(group for group in groups if group is not None))
    return "".join("-" if group is None else _LETTERS[order.index(group)] for group in groups)
