"""Writes verses as the model likes, line after line: no rhyme, no metre.

It serves models whose vocabulary cannot rhyme, and is what rhymed verse is measured against.
"""

import re
from collections.abc import Sequence

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.sessions import Session, refill
from lyricist.errors import ContextFull
from lyricist.language.safety import mask
from lyricist.lines.sampling import Sampling, draw
from lyricist.songs import Section, Song, SongRequest
from lyricist.writing.instructions import MOST_GIVEN_TOKENS, instructions, one_line
from lyricist.writing.share import EngineShare
from lyricist.writing.song_plan import plan_song

#: A line is cut here if the model does not end it.
MOST_WORDS = 20
MOST_TOKENS = 40
#: How often a line that is chatter or a repetition is taken back before it is left as it is.
MOST_RETRIES = 4
PRESENCE_PENALTY = 0.9
MIN_P = 0.05
_NEVER = np.float32(-np.inf)
#: A given line is read up to this share of the room that there is.
_SMALLEST_SHARE = 5

_MARKS = re.compile(r"^(?:[-*•–—>#\s]|\(?\d{1,2}[.):]\s)+")
_QUOTES = '"“”*_`# '
_HEADING = re.compile(
    r"^[\[(*]*(?:verse|chorus|bridge|hook|intro|outro|pre-chorus|refrain|title)\b[^a-z]*$", re.I
)
_CHATTER = re.compile(
    r"^(?:sure|okay|certainly|of course|title|here(?:'s| is| are))\b.*[:!]$", re.I
)


def clean_line(text: str) -> str:
    """The line as it is sung; "" if it is no line of a song."""
    line = _MARKS.sub("", " ".join(text.split()))
    line = line.replace("**", "").replace("__", "").strip(_QUOTES)
    is_song = any(map(str.isalnum, line)) and not _HEADING.match(line) and not _CHATTER.match(line)
    return line if is_song else ""


def write_freely(request: SongRequest, share: EngineShare) -> Session[Song]:
    """A song of one section, in which only the number of lines and the given ones are as asked."""
    return (yield from FreeVerse(request, share).write())


class FreeVerse:
    """One verse while it is written."""

    def __init__(self, request: SongRequest, share: EngineShare) -> None:
        self._lines: list[str] = []
        #: Tokens generated, those that were taken back too.
        self._tokens = 0
        self._request, self._share = request, share
        self._row, self._vocabulary = share.rows[0], share.vocabulary
        self._rng = np.random.default_rng(request.seed)
        self._sampling = Sampling(request.temperature, request.top_p, MIN_P, PRESENCE_PENALTY)
        self._instructions = instructions(request, share.vocabulary)
        #: Every token that follows the instructions.
        self._written: list[int] = []
        self._logits: FloatArray = np.zeros(0, np.float32)

    def write(self) -> Session[Song]:
        """Writes all lines; each is shown as it is done."""
        planned = [line.given for part in plan_song(self._request) for line in part.lines]
        is_begun = self._request.continue_prompt and planned[0] is None
        given = one_line(self._request) if is_begun else ""
        self._written += self._vocabulary.encode(given)[-MOST_GIVEN_TOKENS:]
        self._share.engine.rewind(self._row, 0)
        self._logits = self._share.engine.prefill(self._row, [*self._instructions, *self._written])
        for text in planned:
            if text is None:
                line = yield from self._write_line(given)
                self._lines.append(mask(line, self._request.explicit))
                given = ""
            else:
                self._lines.append(text)
                self._read_given(text)
            self._share.show(self._lines)
        sections = (Section("Verse", tuple(self._lines)),)
        title = self._request.title or self._lines[0]
        return Song(title, sections, "none", None, self._tokens, finished=True)

    def _read_given(self, text: str) -> None:
        """Goes on behind a line that is given: all of it is read at once."""
        engine = self._share.engine
        most = min(MOST_GIVEN_TOKENS, engine.context_length // _SMALLEST_SHARE)
        tokens = [*self._vocabulary.encode(text)[-most:], self._vocabulary.newline]
        self._written += tokens
        try:
            self._logits = engine.prefill(self._row, tokens)
        except ContextFull:
            self._logits = refill(engine, self._row, self._instructions, self._written)

    def _write_line(self, given: str) -> Session[str]:
        """The next line, which starts with `given`, a text that the row holds already."""
        before = self._logits
        refused: list[int] = []
        for retries_left in range(MOST_RETRIES, -1, -1):
            drawn = yield from self._draw_line(given, refused)
            text = given + self._vocabulary.decode(drawn)
            line = clean_line(text)
            if (line and line not in self._lines) or not retries_left:
                break
            refused += drawn[:1]
            engine = self._share.engine
            engine.rewind(self._row, engine.length(self._row) - len(drawn))
            del self._written[len(self._written) - len(drawn) :]
            self._logits = before
        yield from self._append(self._vocabulary.newline)
        self._tokens += 1
        return line or " ".join(text.split())

    def _draw_line(self, given: str, refused: Sequence[int]) -> Session[list[int]]:
        """Draws tokens up to the line's end, which is not appended."""
        drawn: list[int] = []
        while len(drawn) < MOST_TOKENS:
            words = given + self._vocabulary.decode(drawn)
            if len(words.split()) >= MOST_WORDS:
                break
            may_end = bool(words.strip())
            logits = self._allowed(self._logits, may_end, () if drawn else refused)
            token = draw(logits, self._sampling, self._rng, self._written)
            if token == self._vocabulary.newline:
                break
            yield from self._append(token)
            self._tokens += 1
            drawn.append(token)
        return drawn

    def _allowed(self, logits: FloatArray, may_end: bool, refused: Sequence[int]) -> FloatArray:
        """`logits` of plain text only; one newline stands for every token that ends a line."""
        vocabulary = self._vocabulary
        allowed = np.where(vocabulary.writable if may_end else vocabulary.lettered, logits, _NEVER)
        if may_end:
            ways = [logits[vocabulary.line_ends].max(), *(logits[end] for end in vocabulary.ends)]
            allowed[vocabulary.newline] = max(ways)
        allowed[list(refused)] = _NEVER
        return allowed

    def _append(self, token: int) -> Session[None]:
        wish = {self._row: token}
        try:
            answer = yield wish
        except ContextFull:
            self._logits = refill(self._share.engine, self._row, self._instructions, self._written)
            answer = yield wish
        self._written.append(token)
        self._logits = answer[self._row]
