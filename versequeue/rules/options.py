"""The options of a song: their names, the words and bounds that are allowed, their defaults.

Whoever takes or passes on options has a line for each of them, with bounds and defaults from here.
A new one is added, and tests fail where it is forgotten,

- here, to `ResolvedOptions` and to `SongOptions`;
- in `intake/options_body.py`, to `OptionsBody`, and to `FormOptions` if text does not read as its
  type;
- in `cli/options.py`, to `SONG_OPTIONS`;
- in `lyricist/songs.py`, to the `SongRequest` of the model, which knows nothing of this module
  (but for `model`, which says whom to ask);
- in `web/form.js`, to `USUAL`, in `web/index.html` as a field and in `web/en.js`, `de.js` and
  `es.js` with its words, if the page is to offer it;
- in `docs/api.md`, to the table of options.
"""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict

from versequeue.rules.structure import RhymeScheme, asked_parts

Style = Literal["rap", "pop", "country", "rock", "folk", "soul"]
#: How widely each line is searched for: better lines take longer.
Effort = Literal["quick", "normal", "best"]


class Bounds(NamedTuple):
    """The least and the most that may be asked for."""

    least: float
    most: float


LINES = Bounds(4, 64)
TEMPERATURE = Bounds(0, 1.5)
TOP_P = Bounds(0, 1)
SEED = Bounds(0, 2**32 - 1)
#: Of a line.
SYLLABLES = Bounds(3, 16)
MAX_MOOD_CHARACTERS = 40
MAX_LINE_CHARACTERS = 200
#: Of a given line, and of all of them: one that was written on from a prompt has all of that in it.
MAX_GIVEN_CHARACTERS, MAX_ALL_GIVEN_CHARACTERS = 800, 12_800
MAX_TUNE_CHARACTERS = 4000
#: As many as of a line: a song without rhymes is called after its first.
MAX_TITLE_CHARACTERS = MAX_LINE_CHARACTERS


@dataclass(frozen=True)
class ResolvedOptions:
    """How the song is to be written, as resolved: every default filled in."""

    seed: int
    lines: int = 16
    rhyme_scheme: RhymeScheme = "AABB"
    #: a preset or parts, as `versequeue.rules.structure` reads them
    structure: str = "verse"
    #: of each line, repeated over a part's lines, such as `8 6 8 6`; empty: as the style has it
    syllables: str = ""
    #: lines of a verse whose syllables, stresses and rhymes the song has; empty: of none
    tune: str = ""
    #: what the song is called; empty: what the model calls it
    title: str = ""
    style: Style = "rap"
    mood: str = ""
    temperature: float = 0.8
    top_p: float = 0.95
    explicit: bool = False
    continue_prompt: bool = False
    effort: Effort = "quick"
    #: the name of one of several models of the server; empty: the one that it has, or its first
    model: str = ""

    def __post_init__(self) -> None:
        """ValueError where the structure, the syllables or the lines do not go together."""
        parts = asked_parts(self.structure)
        if parts and sum(part.lines for part in parts) != self.lines:
            raise ValueError(f"{self.structure} has not {self.lines} lines")
        syllable_pattern(self.syllables)


def syllable_pattern(text: str) -> tuple[int, ...]:
    """The numbers of a text such as `8 6 8 6`. ValueError says what is wrong with it."""
    words = text.split()
    if len(words) > LINES.most:
        raise ValueError(f"this has at most {LINES.most} numbers, one for each line")
    for word in words:
        is_number = re.fullmatch("[0-9]{1,4}", word) is not None
        if not is_number or not SYLLABLES.least <= int(word) <= SYLLABLES.most:
            least, most = SYLLABLES
            raise ValueError(
                f"a line has {least} to {most} syllables; say numbers, as in “8 6 8 6”"
            )
    return tuple(map(int, words))


class AskedPartOption(TypedDict, total=False):
    """A part of a song in the option `structure`."""

    name: str
    lines: int
    rhyme_scheme: str


class SongOptions(TypedDict, total=False):
    """How a song is to be written, as asked for; what is left out is up to the server."""

    lines: int
    rhyme_scheme: str
    structure: str | list[AskedPartOption]
    syllables: int | str
    tune: str
    title: str
    style: str
    mood: str
    temperature: float
    top_p: float
    seed: int
    explicit: bool
    continue_prompt: bool
    effort: str
    model: str


OPTION_NAMES = tuple(SongOptions.__annotations__)
