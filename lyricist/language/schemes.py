"""Which lines rhyme with which, and how a song's lines are divided among its sections."""

from dataclasses import dataclass

#: The pattern of four lines, repeated with new letters; None asks for no rhyme at all.
PATTERNS: dict[str, str | None] = {
    **{pattern: pattern for pattern in ("AABB", "ABAB", "ABBA", "AAAA", "ABCB")},
    "none": None,
}
_UNIT = 4
#: The lines of a chorus, and how many the song must have for it; else a chorus has one line.
_CHORUSES = ((8, 40), (4, 16), (2, 8))


@dataclass(frozen=True)
class Part:
    """A section to write. A chorus is written where it first appears and repeated after that."""

    name: str
    lines: int


def rhyme_groups(scheme: str, lines: int) -> tuple[int | None, ...]:
    """For each line the number of its rhyme group; None for a line that rhymes with no other.

    The pattern repeats every four lines with new groups. What is left at the end rhymes with
    itself (two or three lines), or with the line before it (one line), so that no line of a
    rhyming pattern is left without a partner.
    """
    pattern = PATTERNS[scheme]
    if pattern is None or lines < 2:
        return (None,) * lines
    groups = []
    for line in range(lines):
        unit, place = divmod(line, _UNIT)
        left = lines - unit * _UNIT
        if left >= _UNIT:
            groups.append(unit * _UNIT + pattern.index(pattern[place]))
        else:
            groups.append(unit * _UNIT if left > 1 else groups[-1])
    return tuple(group if groups.count(group) > 1 else None for group in groups)


def rhyme_pairs(scheme: str, lines: int) -> tuple[tuple[int, int], ...]:
    """Every line that has an earlier line of its group, paired with the nearest such line."""
    groups = rhyme_groups(scheme, lines)
    last: dict[int, int] = {}
    pairs = []
    for line, group in enumerate(groups):
        if group is not None:
            if group in last:
                pairs.append((last[group], line))
            last[group] = line
    return tuple(pairs)


def parts(structure: str, lines: int) -> tuple[Part, ...]:
    """The sections in singing order; their lines, the repeated chorus included, sum to `lines`."""
    if structure != "song":
        return (Part("Verse 1", lines),)
    chorus = next((size for size, least in _CHORUSES if lines >= least), 1)
    rest = lines - 2 * chorus
    first = (rest + 1) // 2
    if first % 2 and rest % 2 == 0 and rest > 2:
        first += 1
    return (
        Part("Verse 1", first),
        Part("Chorus", chorus),
        Part("Verse 2", rest - first),
        Part("Chorus", chorus),
    )
