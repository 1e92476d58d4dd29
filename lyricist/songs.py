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
    #: "verse" or "song".
    structure: str = "verse"
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


@dataclass(frozen=True)
class Section:
    """A named part of a song, for example "Verse 1" or "Chorus"."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Song:
    """What was written."""

    title: str
    sections: tuple[Section, ...]
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
