"""A song as it is asked for and as it is handed back."""

from dataclasses import dataclass
from enum import StrEnum

#: Most songs that one call of the writer takes, to be written together.
MOST_SONGS = 8


class Effort(StrEnum):
    """How much time each line is worth."""

    #: Few drafts.
    QUICK = "quick"
    #: Many, and more where a line is hard.
    NORMAL = "normal"
    #: As many as still make a difference.
    BEST = "best"


@dataclass(frozen=True)
class SongRequest:
    """What to write. The same request and the same bundle give the same song."""

    prompt: str
    #: All lines together, those of a repeated chorus too.
    lines: int = 16
    #: AABB, ABAB, ABBA, AAAA, ABCB or none.
    rhyme_scheme: str = "AABB"
    #: "verse", "song", or parts such as "verse 4 ABAB, chorus 4, verse 4, chorus".
    structure: str = "verse"
    #: Syllables of each line, repeated over the lines of a part, such as "8 6 8 6"; empty: as the
    #: style has it.
    syllables: str = ""
    #: Lines of a verse whose syllables, stresses and rhymes the song has; empty: of none.
    tune: str = ""
    #: What the song is called; empty: what the model calls it.
    title: str = ""
    style: str = "rap"
    mood: str = ""
    #: 0 always takes the likeliest token.
    temperature: float = 0.8
    top_p: float = 0.95
    seed: int = 0
    #: False keeps profanity out; slurs are never written.
    explicit: bool = False
    #: True starts the first line with the prompt itself.
    continue_prompt: bool = False
    effort: Effort = Effort.QUICK
    #: For each line, those of a repeated chorus too, the text that stays as it is, or None; empty:
    #: all are written.
    given: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Section:
    """A named part of a song, for example "Verse 1" or "Chorus"."""

    name: str
    lines: tuple[str, ...]
    #: One of the request's schemes, or a letter for each line.
    scheme: str = ""
    #: For each line other drafts that fit its place, the best first; empty: for no line.
    alternatives: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Song:
    """What was written."""

    title: str
    sections: tuple[Section, ...]
    #: Empty where the sections differ.
    rhyme_scheme: str
    #: Share of the scheme's pairs that rhyme, 0 to 1; None where the scheme asks for none.
    rhyme_score: float | None
    #: Tokens generated, the prompt not counted.
    tokens: int
    #: False where it was abandoned half way.
    finished: bool
    #: What it was written with: less than was asked for where the engine or the model has no use
    #: for more.
    effort: Effort = Effort.QUICK
    #: How good a person would find its lines on average, 0 to 9, by the judge; None if it judged
    #: none of them.
    readability: float | None = None
    #: Pairs of lines, counted from 1, that the scheme asks to rhyme: those that rhyme only nearly,
    #: and those that do not.
    slant: tuple[tuple[int, int], ...] = ()
    missed: tuple[tuple[int, int], ...] = ()
