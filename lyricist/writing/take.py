"""A take: one of the ways in which a song may go on, while several of them are tried."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lyricist.arrays import FloatArray
from lyricist.language.safety import mask
from lyricist.lines.draft_writer import Line
from lyricist.lines.ends import Ends
from lyricist.lines.history import History
from lyricist.lines.topic import SongTopic
from lyricist.writing.song_plan import PlannedPart


@dataclass(frozen=True)
class Sung:
    """A line of a take, given or written."""

    words: tuple[str, ...]
    #: None if it was given.
    line: Line | None = None
    #: Other drafts of its place, the best first.
    others: Sequence[Line] = ()


@dataclass(frozen=True)
class Take:
    """A song up to the end of a line."""

    #: The engine's row that holds it, and what comes after that.
    row: int
    logits: FloatArray
    history: History
    topic: SongTopic
    ends: Ends
    #: All lines, as they are shown; and those of the section that is being written.
    lines: tuple[str, ...] = ()
    sung: tuple[Sung, ...] = ()
    #: What the next line begins with; the row holds it.
    given: str = ""
    #: Tokens of the song that were kept.
    tokens: int = 0
    #: What the lines are worth in which the takes differ.
    score: float = 0.0

    def rhyming(self, part: PlannedPart, at: int) -> list[Line]:
        """The lines of the section, as far as they are written, that line `at` is to rhyme with."""
        group = part.lines[at].group
        return [
            sung.line
            for sung, other in zip(self.sung, part.lines, strict=False)
            if sung.line and group is not None and other.group == group
        ]

    def with_line(self, line: Line, others: Sequence[Line], explicit: bool) -> "Take":
        """The take with one line more; of what was written so far nothing is changed."""
        history, topic, ends = self.history.copy(), self.topic.copy(), self.ends.copy()
        history.add(line.words)
        topic.add(line.words)
        ends.use_up(line, history)
        return replace(
            self,
            history=history,
            topic=topic,
            ends=ends,
            lines=(*self.lines, mask(line.text, explicit)),
            sung=(*self.sung, Sung(line.words, line, others)),
            tokens=self.tokens + len(line.tokens) + 1,
        )

    def with_given(
        self, text: str, words: Sequence[str], logits: FloatArray, worth: float = 0.0
    ) -> "Take":
        """The take with a given line more, after which its row says `logits`.

        What the line says was counted before the song was begun. `worth`: what it adds to the
        score.
        """
        lines, sung = (*self.lines, text), (*self.sung, Sung(tuple(words)))
        return replace(self, logits=logits, lines=lines, sung=sung, score=self.score + worth)
