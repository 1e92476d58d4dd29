"""Writes one song, line by line and section by section, in a few rows of an engine.

Owns which word each line may end in, what happens if none fits, and the song's shape. Drawing the
words is `line`'s, what rhymes is `lexicon`'s and `rhyme`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.engine import Engine, FloatArray
from lyricist.lexicon import IntArray, Lexicon
from lyricist.line import Line, LinePlan, LineWriter, Steps, Voice
from lyricist.memory import MOST_USES, Memory
from lyricist.schemes import parts, rhyme_groups
from lyricist.songs import Section, SongRequest
from lyricist.syllables import syllables
from lyricist.topic import Topic

#: Positions kept free for the next line.
_ROOM = 48
#: Lines that are read again when the context is full and the song starts over in it.
_LINES_KEPT = 8
#: Rhymes that must be left for each line that has still to answer.
_SPARE_RHYMES = 4
#: Log-probability that a slant rhyme costs, and that an unpromising rhyme class costs at most.
_SLANT_COST = 3.0
_CLASS_WEIGHT, _CLASS_COST = 0.4, 3.0


@dataclass(frozen=True)
class Measure:
    """How long lines are, in syllables."""

    fewest: int
    usual: int
    most: int


class VerseWriter:
    """Writes the song of one request."""

    def __init__(
        self,
        engine: Engine,
        lexicon: Lexicon,
        rows: Sequence[int],
        request: SongRequest,
        prompt: Sequence[int],
        measure: Measure,
    ) -> None:
        self._engine, self._lexicon, self._rows = engine, lexicon, list(rows)
        self._request, self._prompt, self._measure = request, list(prompt), measure
        voice = Voice(request.temperature, request.top_p, request.explicit)
        self._liner = LineWriter(engine, lexicon, rows, voice)
        self._memory = Memory()
        self._topic = Topic(request.prompt, lexicon, request.explicit)
        self._available = np.zeros(len(lexicon.texts), dtype=np.bool_)
        self._available[lexicon.end_words] = True
        if not request.explicit:
            self._available[lexicon.profane] = False
        self._logits: FloatArray = np.zeros(0, dtype=np.float32)
        self._written = 0
        #: Every line so far, as sung.
        self.lines: list[str] = []
        #: Tokens of the song that were kept.
        self.tokens = 0

    def write(self) -> Steps[list[Section]]:
        """The sections of the song."""
        self._read(self._prompt)
        sections: list[Section] = []
        for part in parts(self._request.structure, self._request.lines):
            sung = next((s.lines for s in sections if s.name == part.name), None)
            if sung is None:
                if sections:
                    self._read_more(f"\n[{part.name}]\n")
                before = len(self.lines)
                yield from self._write_part(part.lines)
                sung = tuple(self.lines[before:])
            else:
                self.lines.extend(sung)
            sections.append(Section(part.name, sung))
        return sections

    def _write_part(self, lines: int) -> Steps[None]:
        groups = rhyme_groups(self._request.rhyme_scheme, lines)
        written: list[Line] = []
        for at, group in enumerate(groups):
            before = [written[i] for i in range(at) if group is not None and groups[i] == group]
            to_come = groups[at + 1 :].count(group) if group is not None else 0
            self._make_room()
            line = yield from self._write_line(before, to_come)
            written.append(line)
            yield from self._take(line)

    def _write_line(self, before: list[Line], to_come: int) -> Steps[Line]:
        if before:
            ends, costs = self._answers(before)
            target = sum(map(syllables, before[-1].words))
        else:
            ends, costs = self._anchors(to_come)
            target = self._measure.usual
        line = yield from self._try(ends, costs, target)
        if line is None:
            ends, costs = self._anchors(0)
            line = yield from self._try(ends, costs, target)
        if line is None:
            raise ValueError("The lexicon has no word that fits")
        return line

    def _try(self, ends: IntArray, costs: FloatArray, target: int) -> Steps[Line | None]:
        plan = LinePlan(self._measure.fewest, self._measure.most, target, ends, costs)
        seed = [self._request.seed, self._written]
        return (yield from self._liner.write(plan, self._memory, self._topic, self._logits, seed))

    def _answers(self, before: list[Line]) -> tuple[IntArray, FloatArray]:
        """End words that rhyme with the lines before, slant ones at a cost."""
        anchor = before[0].end
        perfect = self._lexicon.rhymes_of(anchor)
        slant = self._lexicon.slants_of(anchor)
        ends = np.concatenate([perfect, slant])
        costs = np.concatenate([np.zeros(len(perfect)), np.full(len(slant), -_SLANT_COST)])
        spoken = {self._lexicon.sound_of(line.end).phones.lower() for line in before}
        keep = self._available[ends] & np.array(
            [self._lexicon.sound_of(int(e)).phones.lower() not in spoken for e in ends], bool
        )
        return ends[keep], costs[keep].astype(np.float32)

    def _anchors(self, to_come: int) -> tuple[IntArray, FloatArray]:
        """End words with rhymes enough for the lines to come, the promising ones preferred."""
        ends = self._lexicon.end_words
        open_ = self._available[ends]
        if not to_come:
            return ends[open_], np.zeros(int(open_.sum()), dtype=np.float32)
        classes = self._lexicon.rhyme_class
        left = np.bincount(classes, weights=open_)[classes] - 1
        heard = np.bincount(classes, weights=self._liner.heard * open_)[classes]
        hope = np.log(heard - self._liner.heard * open_ + 1e-6)
        hope -= np.quantile(hope, 0.95)
        costs = _CLASS_WEIGHT * np.clip(hope, -_CLASS_COST / _CLASS_WEIGHT, 0.0)
        keep = open_ & (left >= to_come + _SPARE_RHYMES)
        return ends[keep], costs[keep].astype(np.float32)

    def _take(self, line: Line) -> Steps[None]:
        """Make `line` the song's next one, in every row."""
        for same in self._lexicon.tokens_of(line.words[-1]):
            self._available[same] = False
        self._memory.add(line.words)
        self._topic.add(line.words)
        for word in set(line.words):
            if self._memory.uses[word] >= MOST_USES:
                self._available[self._lexicon.tokens_of(word)] = False
        self.lines.append(line.text)
        self.tokens += line.tokens
        self._written += 1
        logits = yield {line.row: self._lexicon.newline}
        self._logits = logits[line.row]
        self._spread(line.row)

    def _make_room(self) -> None:
        """Start over with the prompt and the last lines where the context is nearly full."""
        if self._engine.length(self._rows[0]) + _ROOM <= self._engine.context_length:
            return
        kept = "".join(f"{line}\n" for line in self.lines[-_LINES_KEPT:])
        self._engine.rewind(self._rows[0], 0)
        self._read([*self._prompt, *self._lexicon.encode(kept)])

    def _read_more(self, text: str) -> None:
        self._logits = self._engine.prefill(self._rows[0], self._lexicon.encode(text))
        self._spread(self._rows[0])

    def _read(self, tokens: Sequence[int]) -> None:
        self._engine.rewind(self._rows[0], 0)
        self._logits = self._engine.prefill(self._rows[0], tokens)
        self._spread(self._rows[0])

    def _spread(self, row: int) -> None:
        for other in self._rows:
            if other != row:
                self._engine.copy(row, other)
