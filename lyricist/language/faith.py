"""Words of faith: a song has them only where it was asked for them.

Small models come to God by themselves, and speak in the first person of a faith that nobody has
asked them to have. Nothing here judges what a line means: the words are refused, and others found.
"""

from collections.abc import Collection
from functools import cache

from lyricist.language.words import split_words, word_list

_SAVES = frozenset({"save", "saves", "saved", "saving"})
_SOULS = frozenset({"soul", "souls"})


def unasked_words(*asked: str) -> frozenset[str]:
    """The words of faith that a song must not have: none where a text of `asked` is of faith."""
    known = _forms() | word_list("faith_topics")
    said = {
        part.removesuffix("'s").strip("'")
        for text in asked
        for word in split_words(text)
        for part in word.split("-")
    }
    is_asked = saves_a_soul(said) or not known.isdisjoint(said)
    return frozenset() if is_asked else _forms()


def saves_a_soul(words: Collection[str]) -> bool:
    """Whether a line with these words is of faith though none of them is."""
    return not (_SAVES.isdisjoint(words) or _SOULS.isdisjoint(words))


@cache
def _forms() -> frozenset[str]:
    """The words themselves, whose they are (God's), and as they are sung (prayin')."""
    words = word_list("faith")
    sung = {f"{word[:-1]}'" for word in words if word.endswith("ing")}
    return words | {f"{word}'s" for word in words} | sung
