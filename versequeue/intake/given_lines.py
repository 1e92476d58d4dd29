"""Lines of a song that are given: they stay as they are, and the others are written around them."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from versequeue.errors import FieldError, ValidationFailed
from versequeue.intake.texts import GivenLine, is_latin
from versequeue.intake.validation import FAULTY, Misfit, Strict, as_sentence, validate
from versequeue.rules.options import LINES, MAX_ALL_GIVEN_CHARACTERS, ResolvedOptions
from versequeue.rules.written import SungPart, answering, sung_parts

Lines = tuple[str | None, ...]


class GivenLines(Strict):
    """The lines of a song that are given."""

    given: Annotated[list[GivenLine | None], Field(max_length=int(LINES.most))] = Field(
        default_factory=list,
        description="For each line of the song, a repeated chorus too, the text that stays as it "
        "is or null for one that is written. Empty: all are written.",
    )


def read_given(value: Any, options: ResolvedOptions) -> Lines:
    """`value` as the given lines of a song with these options. Raises ValidationFailed."""
    given = validate(GivenLines, {"given": value}).given
    try:
        return fitted(given, options)
    except Misfit as error:
        fault = FieldError(error.pointer, as_sentence(str(error)))
        raise ValidationFailed(FAULTY, errors=[fault]) from error


def fitted(given: Sequence[str | None], options: ResolvedOptions) -> Lines:
    """The given lines in all their places: what is given of a chorus stands wherever it is sung.

    None at all if every line is to be written. Raises Misfit, with pointers that begin at `/given`.
    """
    if not any(given):
        return ()
    if len(given) != options.lines:
        raise Misfit("/given", f"the song has {options.lines} lines and this has {len(given)}")
    parts = sung_parts(options.structure, options.lines, options.rhyme_scheme)
    lines = list(given)
    for part in parts:
        _join_repeats(lines, part)
    for part in parts:
        for at in range(part.start, part.start + part.lines):
            line = lines[at] = lines[at if part.first_start is None else _first(part, at)]
            rhymes = options.tune or answering(part.scheme, part.lines)
            if line and rhymes and not is_latin(line):
                raise Misfit(f"/given/{at}", "the lines rhyme: this is to be in Latin letters")
    if sum(map(len, filter(None, lines))) > MAX_ALL_GIVEN_CHARACTERS:
        most = MAX_ALL_GIVEN_CHARACTERS
        raise Misfit("/given", f"all lines together have at most {most:,} characters")
    if all(lines):
        raise Misfit("/given", "every line is given: leave at least one null to be written")
    return tuple(lines)


def _join_repeats(lines: list[str | None], part: SungPart) -> None:
    """Notes what is given of a part that is sung again where it is sung first."""
    if part.first_start is None:
        return
    for at in range(part.start, part.start + part.lines):
        first = _first(part, at)
        if lines[at] and lines[first] and lines[at] != lines[first]:
            raise Misfit(f"/given/{at}", f"here line {first + 1} is sung again, which differs")
        lines[first] = lines[first] or lines[at]


def _first(part: SungPart, at: int) -> int:
    """Where line `at` of a part that is sung again was sung first."""
    return at - part.start + (part.first_start or 0)
