"""How many lines of a song are written, and how many of those have to rhyme with an earlier one.

The writer's own shapes of a song, as far as its time depends on them; a test compares the two.
"""

from collections.abc import Mapping

from versequeue.rules.options import RhymeScheme, Structure

#: The lines of a chorus, and how many the song must have for it; else a chorus has one line.
CHORUSES = ((8, 40), (4, 16), (2, 8))
#: Of four lines, so many answer an earlier one; None where none ever has to.
ANSWERS: Mapping[RhymeScheme, int | None] = {
    "AABB": 2,
    "ABAB": 2,
    "ABBA": 2,
    "AAAA": 3,
    "ABCB": 1,
    "none": None,
}


def written_parts(structure: Structure, lines: int) -> tuple[int, ...]:
    """The lines of each part that is written; a chorus that is sung again was written once."""
    if structure == "verse":
        return (lines,)
    chorus = next((size for size, least in CHORUSES if lines >= least), 1)
    rest = lines - 2 * chorus
    first = (rest + 1) // 2
    if first % 2 and rest % 2 == 0 and rest > 2:
        first += 1
    return (first, chorus, rest - first)


def answering(scheme: RhymeScheme, part: int) -> int:
    """How many lines of a part of so many answer an earlier one of it."""
    of_four = ANSWERS[scheme]
    if of_four is None or part < 2:
        return 0
    fours, left = divmod(part, 4)
    return fours * of_four + (left - 1 if left > 1 else left)
