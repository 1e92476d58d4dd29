"""Which words are not written: slurs never, profanity only where it was asked for.

Works on whole words, so that Scunthorpe, God and "kill the beat" pass, and finds words written with
digits for letters, with stars, drawn out or spelled out. The word lists are stored in ROT13, so
that nobody reads them by accident.
"""

import codecs
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache

from lyricist.language.words import word_list

_LEET = str.maketrans("013457$@!|+", "oieastsaiit")
_VOWEL_ENDINGS = ("ed", "er", "ers", "in", "ing", "y", "ier", "iest", "ass")
_ENDINGS = ("", "s", "es", "z", "ty", *_VOWEL_ENDINGS)
_TOKEN = re.compile(r"[\w*$@!|+'’-]+")
#: Letters without anything between them; three of one letter each may be a spelled-out word.
_SOLID = re.compile(r"(?:[^\W_]|')+")
#: What stands between the letters of a spelled-out word: "f u c k".
_BETWEEN = " .-_"
_CLOSE_UP = str.maketrans("", "", _BETWEEN)
#: Three or more of a letter; two are enough where English has no such pair.
_DRAWN_OUT = re.compile(r"([iu])\1+|(\w)\2\2+")
_POSSESSIVE = re.compile(r"['’]s?$")
#: Words whose tier is cached: lyrics repeat their words, but a visitor may type anything.
_MOST_CACHED = 4096


class Tier(StrEnum):
    """How bad a word is."""

    MILD = "mild"
    STRONG = "strong"
    #: Never written, whatever was asked for.
    SLUR = "slur"


@lru_cache(maxsize=_MOST_CACHED)
def tier(word: str) -> Tier | None:
    """The tier of one word in any spelling or regular form; None if the word is not banned."""
    letters = _POSSESSIVE.sub("", word.lower().replace("-", ""))
    if letters in word_list("innocent"):
        return None
    for spelling in (letters, *word.lower().split("-")):
        for variant in _spellings(spelling):
            if found := _tier_of_spelling(variant):
                return found
    return None


def is_allowed(word: str, explicit: bool) -> bool:
    """Whether `word` may stand in lyrics; `explicit` lets profanity through, but no slurs."""
    found = tier(word)
    return found is None or (explicit and found is not Tier.SLUR)


def offences(text: str, explicit: bool) -> list[str]:
    """Every part of `text` that may not be written, as it stands there."""
    return [text[start:end] for start, end in _offending_spans(text, explicit)]


def mask(text: str, explicit: bool) -> str:
    """`text` with a star for every letter but the first of each offending word; slurs all stars."""
    pieces, done = [], 0
    for start, end in _offending_spans(text, explicit):
        word = text[start:end]
        shown = 0 if tier(word.translate(_CLOSE_UP)) is Tier.SLUR else 1
        pieces += [text[done:start], word[:shown], re.sub(r"\w", "*", word[shown:])]
        done = end
    return "".join([*pieces, text[done:]])


def _offending_spans(text: str, explicit: bool) -> list[tuple[int, int]]:
    spans = [
        (start, end)
        for start, end in _spelled_out(text)
        if not is_allowed(text[start:end].translate(_CLOSE_UP), explicit)
    ]
    inside = {at for start, end in spans for at in range(start, end)}
    spans += [
        match.span()
        for match in _TOKEN.finditer(text)
        if match.start() not in inside and not is_allowed(match.group(), explicit)
    ]
    return sorted(spans)


def _spelled_out(text: str) -> Iterator[tuple[int, int]]:
    """Where three or more single letters follow each other, with only separators between them."""
    run: list[int] = []
    for start, end in (match.span() for match in _SOLID.finditer(text)):
        is_letter = end - start == 1 and text[start] != "'"
        if run and (not is_letter or text[run[-1] + 1 : start].strip(_BETWEEN)):
            if len(run) > 2:
                yield run[0], run[-1] + 1
            run = []
        if is_letter:
            run.append(start)
    if len(run) > 2:
        yield run[0], run[-1] + 1


def _spellings(letters: str) -> list[str]:
    """As written, with digits read as letters, and with drawn-out letters made one or two."""
    plain = letters.rstrip("!|+").translate(_LEET)
    once = _DRAWN_OUT.sub(lambda run: run.group()[0], plain)
    twice = _DRAWN_OUT.sub(lambda run: run.group()[:2], plain)
    return list(dict.fromkeys((letters, plain, once, twice)))


def _tier_of_spelling(spelling: str) -> Tier | None:
    """The tier of a word, which may have stars in it if at least two of its letters are left."""
    if "*" not in spelling:
        return banned_forms().get(spelling)
    if sum(map(str.isalpha, spelling)) < 2:
        return None
    return next((found for word, found in _tiers().items() if _fits(spelling, word)), None)


def _fits(starred: str, word: str) -> bool:
    """Whether `word`, or its plural, is `starred` with a letter for each star."""
    return any(
        len(starred) == len(form)
        and all(star in ("*", letter) for star, letter in zip(starred, form, strict=True))
        for form in (word, f"{word}s")
    )


@cache
def banned_forms() -> dict[str, Tier]:
    """Every banned word and its regular forms, plainly spelled."""
    forms = {
        stem + ending: level
        for word, level in _tiers().items()
        for stem in (word, word + word[-1], word.removesuffix("e"))
        for ending in (_ENDINGS if stem == word else _VOWEL_ENDINGS)
    }
    return {form: level for form, level in forms.items() if form not in word_list("innocent")}


@cache
def _tiers() -> dict[str, Tier]:
    return {
        codecs.decode(word, "rot13"): level
        for level in Tier
        for word in word_list(f"banned_{level}")
    }
