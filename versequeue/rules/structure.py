"""A song's structure as text: a preset, or its parts, such as `verse 4 ABAB, chorus 4, chorus`.

Says what such a text means and what is wrong with it, and knows no other option.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

RhymeScheme = Literal["AABB", "ABAB", "ABBA", "AAAA", "ABCB", "none"]
Preset = Literal["verse", "song"]
PartName = Literal["verse", "chorus", "bridge", "pre-chorus", "intro", "outro"]

PRESETS: tuple[str, ...] = get_args(Preset)
PART_NAMES: tuple[str, ...] = get_args(PartName)
SCHEMES: tuple[str, ...] = get_args(RhymeScheme)
MAX_STRUCTURE_CHARACTERS = 1000
#: A letter for each line of a part: equal letters rhyme, a dash rhymes with nothing.
LETTERS = re.compile("[A-Za-z-]+")
#: Numbers of more digits than this are no number of lines.
_MOST_DIGITS = 4
#: Structures that were understood and are kept in mind: strangers may send any number of them.
_MOST_KEPT = 256


@dataclass(frozen=True)
class AskedPart:
    """A part as it is asked for."""

    name: str
    lines: int
    #: a word of RhymeScheme or a letter for each line; empty: the scheme of the song
    rhyme_scheme: str = ""
    #: a chorus that was named before: it is sung again
    again: bool = False

    def __str__(self) -> str:
        """The part as a text has it."""
        return self.name if self.again else f"{self.name} {self.lines} {self.rhyme_scheme}".strip()


@lru_cache(_MOST_KEPT)
def asked_parts(structure: str) -> tuple[AskedPart, ...]:
    """The parts that a text names; none for a preset. ValueError says what is wrong with it."""
    if structure in PRESETS:
        return ()
    if len(structure) > MAX_STRUCTURE_CHARACTERS:
        raise ValueError(f"a structure has at most {MAX_STRUCTURE_CHARACTERS} characters")
    parts: list[AskedPart] = []
    for text in structure.split(","):
        parts.append(_part(text.split(), parts))
    return tuple(parts)


def structure_text(structure: str) -> str:
    """The same structure as it is stored and shown. ValueError as by `asked_parts`."""
    structure = ", ".join(" ".join(part.split()) for part in structure.split(","))
    return ", ".join(map(str, asked_parts(structure))) or structure


def _part(words: list[str], before: list[AskedPart]) -> AskedPart:
    name, *rest = words or [""]
    name = name.lower()
    if name not in PART_NAMES:
        raise ValueError(_unknown(name, alone=not before and not rest))
    lines = _lines(name, rest.pop(0)) if rest else None
    scheme = _scheme(rest.pop(0)) if rest else ""
    if rest:
        raise ValueError(f"“{rest[0]}” is too much: a part is a name, its lines and a rhyme scheme")
    first = next((part for part in before if part.name == name == "chorus"), None)
    if first:
        asked = (lines or first.lines, scheme or first.rhyme_scheme)
        if asked != (first.lines, first.rhyme_scheme):
            raise ValueError("a chorus that is named again has the lines and rhymes of the first")
        return AskedPart(name, *asked, again=True)
    if lines is None:
        raise ValueError(f"say how many lines the {name} has")
    if scheme and scheme not in SCHEMES and len(scheme) != lines:
        raise ValueError(
            f"“{scheme}” is no rhyme scheme of {lines} lines: that is {', '.join(SCHEMES)}, or a "
            "letter for each line"
        )
    return AskedPart(name, lines, scheme)


def _unknown(name: str, *, alone: bool) -> str:
    if alone:
        return "this is to be verse, song or parts such as “verse 4 ABAB, chorus 4, chorus”"
    named = f"“{name:.20}” is no part of a song" if name else "a part has no name"
    *others, last = PART_NAMES
    return f"{named}; the parts are {', '.join(others)} and {last}"


def _lines(name: str, text: str) -> int:
    if not re.fullmatch("[0-9]+", text) or len(text) > _MOST_DIGITS or int(text) < 1:
        raise ValueError(f"“{text:.20}” is no number of lines for a {name}")
    return int(text)


def _scheme(text: str) -> str:
    named = next((each for each in SCHEMES if each.lower() == text.lower()), text)
    if not LETTERS.fullmatch(named):
        raise ValueError(f"“{text:.20}” is no rhyme scheme: that is letters, such as ABAB")
    return named
