"""Writes one song that rhymes, section by section and line by line.

Owns the order of the work, what happens if no line fits, and what the engine's rows hold of the
song. Knows no single tokens of a line: `line` writes it, `ends` says how it may end.
"""

from collections.abc import Sequence

import numpy as np

from lyricist.arrays import FloatArray, IntArray
from lyricist.engine.sessions import Session
from lyricist.errors import LyricistError
from lyricist.language.metrics import rhyme_score, scheme_relations
from lyricist.language.safety import mask
from lyricist.language.schemes import Part, parts, rhyme_groups
from lyricist.language.words import split_words
from lyricist.songs import Section, Song, SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.writing.choice import Voice
from lyricist.writing.draft import count_syllables
from lyricist.writing.effort import search_for
from lyricist.writing.ends import Ends
from lyricist.writing.free_verse import write_freely
from lyricist.writing.history import History
from lyricist.writing.instructions import MOST_GIVEN_TOKENS, instructions, one_line
from lyricist.writing.line import DraftWriter, Line
from lyricist.writing.line_plan import LinePlan
from lyricist.writing.search import Found, LineSearch
from lyricist.writing.share import EngineShare
from lyricist.writing.styles import style_of
from lyricist.writing.title import write_title
from lyricist.writing.topic import SongTopic

#: A row holds at most so many positions: 32 rows of them fit into a small worker's memory.
_MOST_POSITIONS = 320
#: A model that can hold less than this is left to write freely.
_SMALLEST_CONTEXT = 256
#: Positions kept free for the next line.
_POSITIONS_A_LINE = 40
#: Lines that are read again when the context is full and the song starts over in it.
_LINES_KEPT = 8
#: A given beginning may make a line longer than usual by so many syllables.
_GIVEN_EXTRA = 5


def write_verse(lexicon: Lexicon, request: SongRequest, share: EngineShare) -> Session[Song]:
    """A song of the asked shape, with exactly `request.lines` lines."""
    if share.engine.context_length < _SMALLEST_CONTEXT:
        return (yield from write_freely(request, share))
    verse = VerseWriter(lexicon, request, share)
    sections = yield from verse.write()
    relations = [
        found
        for section in sections
        for found in scheme_relations(request.rhyme_scheme, section.lines)
    ]
    return Song(
        title=verse.title,
        sections=tuple(sections),
        rhyme_scheme=request.rhyme_scheme,
        rhyme_score=rhyme_score(relations),
        tokens=verse.tokens,
        finished=True,
    )


class VerseWriter:
    """One song while it is written."""

    def __init__(self, lexicon: Lexicon, request: SongRequest, share: EngineShare) -> None:
        self._lexicon, self._request, self._share = lexicon, request, share
        self._engine, self._rows = share.engine, list(share.rows)
        self._style = style_of(request)
        self._history = History()
        for example in self._style.example:
            self._history.add_example(split_words(example))
        self._topic = SongTopic(request.prompt, lexicon, request.explicit)
        voice = Voice(request.temperature, request.top_p, request.explicit)
        self._drafts = DraftWriter(share.engine, lexicon, voice, self._history, self._topic)
        self._search = search_for(request.effort, len(share.rows))
        del self._rows[self._search.rows :]
        self._ends = Ends(lexicon, request.explicit)
        self._context = instructions(request, share.vocabulary)[-share.engine.context_length // 2 :]
        self._logits: FloatArray = np.zeros(0, dtype=np.float32)
        #: Tokens that come next and that no row holds yet.
        self._unread: list[int] = []
        self._lines: list[str] = []
        self._parts = parts(request.structure, request.lines)
        names = {part.name: part.lines for part in self._parts}
        #: Lines that are still to be written, those of a repeated chorus not counted again.
        self._to_write = sum(names.values())
        self.title = ""
        #: Tokens of the song that were kept.
        self.tokens = 0

    def write(self) -> Session[list[Section]]:
        """The sections of the song, the title before them."""
        self.title, title_tokens = yield from write_title(
            self._request, self._share, self._lexicon, self._topic, self._context
        )
        self._context += title_tokens
        self._unread = title_tokens
        sections: list[Section] = []
        for part in self._parts:
            repeated = next((s.lines for s in sections if s.name == part.name), None)
            if repeated is None:
                sections.append((yield from self._write_part(part)))
            else:
                self._lines.extend(repeated)
                sections.append(Section(part.name, repeated))
                self._share.show(self._lines)
        return sections

    def _write_part(self, part: Part) -> Session[Section]:
        groups = rhyme_groups(self._request.rhyme_scheme, part.lines)
        self._read(self._lexicon.encode(f"\n[{part.name}]\n"))
        written: list[Line] = []
        for at, group in enumerate(groups):
            same = [line for line, other in zip(written, groups, strict=False) if other == group]
            to_come = 0 if group is None else groups[at + 1 :].count(group)
            line = yield from self._write_line(same if group is not None else [], to_come)
            written.append(line)
            self._share.show(self._lines)
        return Section(part.name, tuple(self._lines[-part.lines :]))

    def _write_line(self, before: list[Line], to_come: int) -> Session[Line]:
        """Writes the next line, which rhymes with those `before` and with `to_come` more."""
        self._make_room()
        given = self._given()
        if before:
            ends, costs = self._ends.answers(before)
            target = count_syllables(before[-1].words)
        else:
            ends, costs = self._ends.anchors(to_come, self._drafts.expected_ends)
            target = self._style.usual
        found = yield from self._best_of(self._line_plan(ends, costs, target, given))
        if found is None:
            ends, costs = self._ends.anchors(0, self._drafts.expected_ends)
            found = yield from self._best_of(self._line_plan(ends, costs, target, given))
        if found is None:
            raise LyricistError("The model's vocabulary has no word that could end this line.")
        self._accept(found)
        return found.line

    def _line_plan(self, ends: IntArray, costs: FloatArray, target: int, given: str) -> LinePlan:
        fewest, most = self._style.fewest, self._style.most
        if given:
            so_far = count_syllables(given.split())
            fewest, most = max(fewest, so_far + 1), max(most, so_far + _GIVEN_EXTRA)
            target = max(target, so_far + 2)
        return LinePlan(fewest, most, target, ends, costs, given)

    def _best_of(self, plan: LinePlan) -> Session[Found | None]:
        """The best line that was found; None if there is none."""
        if not len(plan.ends):
            return None
        self._drafts.begin(plan)
        seed = [self._request.seed, len(self._lines)]
        search = LineSearch(
            self._engine, self._drafts, self._rows, self._search, self._logits, seed, plan.given
        )
        return (yield from search.run())

    def _given(self) -> str:
        """The text that the next line has to begin with, which the rows read; mostly ""."""
        given = ""
        if not self._lines and self._request.continue_prompt:
            given = mask(one_line(self._request), self._request.explicit)
        elif self._to_write == 1 and not self._topic.is_covered:
            given = self._topic.line_start()
        if given:
            most = min(MOST_GIVEN_TOKENS, self._engine.context_length // 5)
            self._read(self._lexicon.encode(given)[-most:])
        return given

    def _accept(self, found: Found) -> None:
        """Make the line that was found the song's next one, in every row."""
        line = found.line
        self._history.add(line.words)
        self._topic.add(line.words)
        self._ends.use_up(line, self._history)
        self._lines.append(mask(line.text, self._request.explicit))
        self.tokens += len(line.tokens) + 1
        self._to_write -= 1
        self._logits = found.logits
        self._spread(line.row)

    def _make_room(self) -> None:
        """Start over with the prompt and the last lines where the context is nearly full."""
        limit = min(self._engine.context_length, _MOST_POSITIONS)
        if self._engine.length(self._rows[0]) + _POSITIONS_A_LINE > limit:
            kept = "".join(f"{line}\n" for line in self._lines[-_LINES_KEPT:])
            read_again = self._lexicon.encode(kept)[-limit // 3 :]
            self._start_over([*self._context, *read_again])

    def _start_over(self, tokens: Sequence[int]) -> None:
        self._engine.rewind(self._rows[0], 0)
        self._unread = []
        self._read(tokens)

    def _read(self, tokens: Sequence[int]) -> None:
        self._logits = self._engine.prefill(self._rows[0], [*self._unread, *tokens])
        self._unread = []
        self._spread(self._rows[0])

    def _spread(self, row: int) -> None:
        for other in self._rows:
            if other != row:
                self._engine.copy(row, other)
