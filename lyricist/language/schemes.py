"""Which lines rhyme with which, and how a song's lines are divided among its sections."""

import re
from collections import Counter
from dataclasses import dataclass

#: The pattern of four lines, repeated with new letters; None asks for no rhyme at all.
PATTERNS: dict[str, str | None] = {
    **{pattern: pattern for pattern in ("AABB", "ABAB", "ABBA", "AAAA", "ABCB")},
    "none": None,
}
_UNIT = 4
#: The lines of a chorus, and how many the song must have for it; else a chorus has one line.
_CHORUSES = ((8, 40), (4, 16), (2, 8))
#: What a structure may name, and how such sections are called.
PART_NAMES = {
    "verse": "Verse",
    "chorus": "Chorus",
    "bridge": "Bridge",
    "pre-chorus": "Pre-Chorus",
    "intro": "Intro",
    "outro": "Outro",
}
#: A part as a structure has it: a name, lines, and perhaps a scheme of its own.
_PART = re.compile(r"\s*([a-z-]+)(?:\s+([1-9]\d?)(?:\s+([A-Za-z-]+))?)?\s*")


@dataclass(frozen=True)
class Part:
    """A section to write. A chorus is written where it first appears and repeated after that."""

    name: str
    lines: int
    #: A scheme of its own; empty: that of the song.
    scheme: str = ""


def rhyme_groups(scheme: str, lines: int) -> tuple[int | None, ...]:
    """For each line the number of its rhyme group; None for a line that rhymes with no other.

    The pattern repeats every four lines with new groups. What is left at the end rhymes with
    itself (two or three lines), or with the line before it (one line), so that no line of a
    rhyming pattern is left without a partner.

    A scheme that is none of the patterns has a letter for each line: equal ones rhyme, a dash and
    a letter that stands once do not.
    """
    if scheme not in PATTERNS:
        return _groups_of_letters(scheme, lines)
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
    """The sections in singing order; their lines, the repeated chorus included, sum to `lines`.

    A structure is "verse", "song", or parts such as "verse 4 ABAB, chorus 4, chorus", which have
    lines of their own. ValueError if it is none of them.
    """
    if structure == "verse":
        return (Part("Verse 1", lines),)
    if structure != "song":
        return _named_parts(structure)
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


def _groups_of_letters(letters: str, lines: int) -> tuple[int | None, ...]:
    if len(letters) != lines:
        raise ValueError(f"“{letters}” is no rhyme scheme of {lines} lines.")
    return tuple(
        letters.index(letter) if letter != "-" and letters.count(letter) > 1 else None
        for letter in letters
    )


def _named_parts(structure: str) -> tuple[Part, ...]:
    found: list[Part] = []
    names: list[str] = []
    for text in structure.split(","):
        match = _PART.fullmatch(text)
        if match is None or match[1] not in PART_NAMES:
            raise ValueError(f"“{text.strip()}” is no part of a song, such as “verse 4 ABAB”.")
        name, lines, scheme = match.groups()
        if name == "chorus" and name in names:
            found.append(found[names.index(name)])
        elif lines:
            found.append(Part(PART_NAMES[name], int(lines), scheme or ""))
            rhyme_groups(scheme or "none", int(lines))
        else:
            raise ValueError(f"“{text.strip()}” has no number of lines.")
        names.append(name)
    return _numbered(found)


def _numbered(found: list[Part]) -> tuple[Part, ...]:
    """The same with a number where several sections would have one name; verses always have one."""
    total, count = Counter(part.name for part in found), Counter[str]()
    numbered = []
    for part in found:
        count[part.name] += 1
        is_alone = total[part.name] == 1 and part.name != "Verse"
        is_same = part.name == PART_NAMES["chorus"]
        name = part.name if is_alone or is_same else f"{part.name} {count[part.name]}"
        numbered.append(Part(name, part.lines, part.scheme))
    return tuple(numbered)
