"""The parts of a song as they are sung, how many of its lines are written, and how many of those
have to rhyme with an earlier one.

The writer's own shapes of a song, as far as its time and its given lines depend on them; a test
compares the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from versequeue.rules.structure import AskedPart, asked_parts

#: The lines of a chorus, and how many the song must have for it; else a chorus has one line.
CHORUSES = ((8, 40), (4, 16), (2, 8))
#: Of four lines, so many answer an earlier one; None where none ever has to.
ANSWERS: Mapping[str, int | None] = {
    "AABB": 2,
    "ABAB": 2,
    "ABBA": 2,
    "AAAA": 3,
    "ABCB": 1,
    "none": None,
}


@dataclass(frozen=True)
class SungPart:
    """One part of a song, where it is sung."""

    #: its first line, counted from 0, and how many it has
    start: int
    lines: int
    #: a word of RhymeScheme, or a letter for each line
    scheme: str
    #: where it was sung before, if it is sung again: the first line there
    first_start: int | None = None


def sung_parts(structure: str, lines: int, scheme: str) -> tuple[SungPart, ...]:
    """The parts of a song in singing order; `scheme` is that of parts which have none of their own.

    ValueError where the structure is none.
    """
    found: list[SungPart] = []
    start, chorus = 0, None
    for part in _asked(structure, lines):
        found.append(
            SungPart(start, part.lines, part.rhyme_scheme or scheme, chorus if part.again else None)
        )
        if part.name == "chorus" and not part.again:
            chorus = start
        start += part.lines
    return tuple(found)


def written_parts(structure: str, lines: int, scheme: str) -> tuple[SungPart, ...]:
    """Those of them that are written; a chorus that is sung again was written once."""
    parts = sung_parts(structure, lines, scheme)
    return tuple(part for part in parts if part.first_start is None)


def answering(scheme: str, lines: int) -> int:
    """How many lines of a part of so many answer an earlier one of it."""
    if scheme not in ANSWERS:
        letters = scheme.replace("-", "")
        return len(letters) - len({*letters})
    of_four = ANSWERS[scheme]
    if of_four is None or lines < 2:
        return 0
    fours, left = divmod(lines, 4)
    return fours * of_four + (left - 1 if left > 1 else left)


def _asked(structure: str, lines: int) -> Sequence[AskedPart]:
    if structure != "song":
        return asked_parts(structure) or (AskedPart("verse", lines),)
    chorus = next((size for size, least in CHORUSES if lines >= least), 1)
    rest = lines - 2 * chorus
    first = (rest + 1) // 2
    if first % 2 and rest % 2 == 0 and rest > 2:
        first += 1
    again = AskedPart("chorus", chorus, again=True)
    return (
        AskedPart("verse", first),
        AskedPart("chorus", chorus),
        AskedPart("verse", rest - first),
        again,
    )
