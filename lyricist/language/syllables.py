"""How many syllables a word has: by its pronunciation where that is known, else by its spelling."""

import re
from functools import lru_cache

from lyricist.language.rhyme import sounds
from lyricist.language.words import REMEMBERED

_VOWEL_GROUP = re.compile(r"[aeiouy]+")
#: A final e is silent, except after a consonant and l ("table").
_SILENT_END = re.compile(r"(?<![aeiouy])(?<![^aeiouy]l)e$|(?<![aeiouytd])ed$|(?<![aeiouyszxc])es$")


@lru_cache(REMEMBERED)
def syllables(word: str) -> int:
    """How many syllables `word` has; at least one, except for a word without letters."""
    if known := sounds(word):
        return known[0].syllables
    return syllables_as_spelled(word)


def syllables_as_spelled(word: str) -> int:
    """The same by the spelling alone."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    if not letters:
        return 0
    return max(1, len(_VOWEL_GROUP.findall(_SILENT_END.sub("", letters))))
