"""What is known of a song before it is written: its sections, and of each line its rhymes, its
length and its stresses, or the line itself where it is given."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lyricist.errors import LyricistError
from lyricist.language.meter import line_stresses, scheme_of
from lyricist.language.rhyme import sounds
from lyricist.language.schemes import Part, parts, rhyme_groups
from lyricist.language.syllables import syllables
from lyricist.language.words import split_words
from lyricist.songs import SongRequest

#: A line of a tune may be longer than any that is written.
_MOST_SYLLABLES = 20


@dataclass(frozen=True)
class PlannedLine:
    """What is known of a line."""

    #: The number of its rhyme group within its section; None if it rhymes with none.
    group: int | None = None
    #: The line itself, if it is given.
    given: str | None = None
    #: How many it is to have; 0: as the style has it.
    syllables: int = 0
    #: How they are stressed, by the signs of `meter`; empty: in any way.
    stress: str = ""

    @property
    def can_be_answered(self) -> bool:
        """Whether it is given and ends in a word of which it is known what rhymes with it."""
        words = split_words(self.given or "")
        return bool(words and sounds(words[-1]))


@dataclass(frozen=True)
class PlannedPart:
    """What is known of a section."""

    name: str
    #: A word of the schemes or a letter for each line.
    scheme: str
    lines: tuple[PlannedLine, ...]

    def answered(self, at: int) -> list[PlannedLine]:
        """The given lines that line `at` is to rhyme with, the nearest first."""
        group = self.lines[at].group
        found = [
            (abs(other - at), line)
            for other, line in enumerate(self.lines)
            if group is not None and line.group == group and line.can_be_answered
        ]
        return [line for _, line in sorted(found, key=lambda each: each[0])]

    @property
    def open_groups(self) -> tuple[int | None, ...]:
        """The group of each line that is written, where no given line decides how it sounds."""
        return tuple(
            None if line.given or self.answered(at) else line.group
            for at, line in enumerate(self.lines)
        )

    def is_given(self, at: int) -> bool:
        """Whether there is a line `at` and it is given."""
        return at < len(self.lines) and self.lines[at].given is not None

    def is_settled(self, at: int) -> bool:
        """Whether no line up to `at` has still to be answered by one that is written."""
        groups = self.open_groups
        return {*groups[: at + 1]}.isdisjoint({*groups[at + 1 :]} - {None})


def plan_song(request: SongRequest) -> tuple[PlannedPart, ...]:
    """The sections in singing order, a chorus as often as it is sung.

    LyricistError if the parts are none, or what is given is not as long as the song or all of it.
    """
    tune = [split_words(line) for line in request.tune.splitlines() if line.strip()]
    try:
        found: Sequence[Part] = parts(request.structure, request.lines)
        if tune:
            scheme = scheme_of([words[-1] if words else "" for words in tune])
            found = [Part("Verse 1", len(tune), scheme)]
        pattern = _pattern(request.syllables)
        planned = []
        for part in found:
            scheme = part.scheme or request.rhyme_scheme
            groups = rhyme_groups(scheme, part.lines)
            lines = [
                PlannedLine(group, None, pattern[at % len(pattern)] if pattern else 0)
                for at, group in enumerate(groups)
            ]
            if tune:
                lines = [_to_tune(*each) for each in zip(groups, tune, strict=True)]
            planned.append(PlannedPart(part.name, scheme, tuple(lines)))
    except ValueError as error:
        raise LyricistError(str(error)) from error
    return _with_given(planned, request.given) if any(request.given) else tuple(planned)


def _pattern(syllables: str) -> list[int]:
    words = syllables.split()
    if not all(re.fullmatch("[0-9]{1,3}", word) for word in words):
        raise ValueError(f"“{syllables}” is no pattern of syllables, such as “8 6 8 6”.")
    return [int(word) for word in words]


def _to_tune(group: int | None, words: Sequence[str]) -> PlannedLine:
    count = sum(map(syllables, words))
    return PlannedLine(group, None, min(max(2, count), _MOST_SYLLABLES), line_stresses(words))


def _with_given(
    planned: Sequence[PlannedPart], given: Sequence[str | None]
) -> tuple[PlannedPart, ...]:
    """The same with the given lines; what is given of a chorus holds wherever it is sung."""
    total = sum(len(part.lines) for part in planned)
    if len(given) != total:
        raise LyricistError(f"The song has {total} lines, and {len(given)} are given or null.")
    by_name: dict[str, list[str | None]] = {}
    start = 0
    for part in planned:
        own = given[start : start + len(part.lines)]
        before = by_name.get(part.name, own)
        by_name[part.name] = [one or other for one, other in zip(before, own, strict=True)]
        start += len(part.lines)
    if all(line for lines in by_name.values() for line in lines):
        raise LyricistError("Every line is given: there is nothing to write.")
    return tuple(
        PlannedPart(
            part.name,
            part.scheme,
            tuple(
                PlannedLine(line.group, text, line.syllables, line.stress)
                for line, text in zip(part.lines, by_name[part.name], strict=True)
            ),
        )
        for part in planned
    )
