"""A take: one of the ways in which a song may go on, while several of them are tried."""

from dataclasses import dataclass, replace

from lyricist.arrays import FloatArray
from lyricist.language.safety import mask
from lyricist.lines.draft_writer import Line
from lyricist.lines.ends import Ends
from lyricist.lines.history import History
from lyricist.lines.topic import SongTopic


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
    written: tuple[Line, ...] = ()
    #: What the next line begins with; the row holds it.
    given: str = ""
    #: Tokens of the song that were kept.
    tokens: int = 0
    #: What the lines are worth in which the takes differ.
    score: float = 0.0

    def with_line(self, line: Line, explicit: bool) -> "Take":
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
            written=(*self.written, line),
            tokens=self.tokens + len(line.tokens) + 1,
        )
