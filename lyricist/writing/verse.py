"""Writes one song that rhymes, section by section and line by line."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lyricist.engine.sessions import Session
from lyricist.errors import LyricistError
from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.language.safety import mask
from lyricist.language.words import split_words
from lyricist.lines.draft_writer import DraftWriter, Line
from lyricist.lines.effort import SEARCHES, effort_within
from lyricist.lines.ends import Ends
from lyricist.lines.history import History
from lyricist.lines.judge import Judge
from lyricist.lines.line_plan import LinePlan
from lyricist.lines.next_token import Voice
from lyricist.lines.search import Beginning, Found, LineSearch
from lyricist.lines.topic import SongTopic
from lyricist.songs import Song, SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.writing.finished_song import SungPart, finished_song
from lyricist.writing.free_verse import write_freely
from lyricist.writing.given_lines import sing_given, tokens_of
from lyricist.writing.instructions import (
    MOST_GIVEN_TOKENS,
    instructions,
    one_line,
    unasked_in,
)
from lyricist.writing.line_plans import LinePlanner
from lyricist.writing.share import EngineShare
from lyricist.writing.song_plan import PlannedPart, plan_song
from lyricist.writing.styles import style_of
from lyricist.writing.take import Take
from lyricist.writing.title import write_title

#: A row holds at most so many positions: 32 rows of them fit into a small worker's memory.
_MOST_POSITIONS = 320
#: A model that can hold less than this is left to write freely.
_SMALLEST_CONTEXT = 256
#: Positions kept free for the next line.
_POSITIONS_A_LINE = 40
#: Lines that are read again when the context is full and the song starts over in it.
_LINES_KEPT = 8


def write_verse(
    lexicon: Lexicon,
    judge: Judge,
    learned: LearnedPhrases,
    request: SongRequest,
    share: EngineShare,
) -> Session[Song]:
    """A song of the asked shape, with exactly `request.lines` lines, without a learned phrase."""
    if share.engine.context_length < _SMALLEST_CONTEXT:
        return (yield from write_freely(request, share))
    return (yield from VerseWriter(lexicon, judge, learned, request, share).write())


def section_head(name: str) -> str:
    """What stands before the first line of a section."""
    return f"\n[{name}]\n"


class VerseWriter:
    """One song while it is written."""

    def __init__(
        self,
        lexicon: Lexicon,
        judge: Judge,
        learned: LearnedPhrases,
        request: SongRequest,
        share: EngineShare,
    ) -> None:
        self._lexicon, self._request, self._share = lexicon, request, share
        self._engine = share.engine
        self._effort = effort_within(request.effort, len(share.rows))
        self._search = SEARCHES[self._effort]
        self._rows = share.rows[: self._search.all_rows]
        style = style_of(request)
        self._planner = LinePlanner(lexicon, style.syllables)
        unasked = unasked_in(request)
        history = History(learned, unasked)
        for example in style.example:
            history.add_example(split_words(example))
        topic = SongTopic(request.prompt, lexicon, request.explicit)
        voice = Voice(request.temperature, request.top_p, request.explicit)
        self._drafts = DraftWriter(share.engine, lexicon, judge, voice, history, topic)
        self._context = instructions(request, share.vocabulary)[-share.engine.context_length // 2 :]
        #: Tokens that come next and that no row holds yet.
        self._unread: list[int] = []
        ends = Ends(lexicon, request.explicit, unasked)
        #: The sections that are sung, and the lines of those that are done, by name: a chorus once.
        self._parts = plan_song(request)
        self._sung: dict[str, SungPart] = {}
        lines = [
            line
            for part in {part.name: part for part in self._parts}.values()
            for line in part.lines
        ]
        #: Lines that are still to be written.
        self._to_write = sum(line.given is None for line in lines)
        for words in (split_words(line.given) for line in lines if line.given):
            history.add(words)
            topic.add(words)
            ends.use_up_words(words, history)
        nothing = np.zeros(0, dtype=np.float32)
        #: Ways in which the song may go on, the best first: one, but while a rhyme is to come.
        self._takes = [Take(self._rows[0], nothing, history, topic, ends)]

    def write(self) -> Session[Song]:
        """The song, of which the title is written first."""
        title, title_tokens = yield from write_title(
            self._request, self._share, self._lexicon, self._takes[0].topic, self._context
        )
        self._context += title_tokens
        self._unread = title_tokens
        for part in self._parts:
            if part.name in self._sung:
                (take,) = self._takes
                self._takes = [replace(take, lines=(*take.lines, *self._sung[part.name].lines))]
                self._share.show(self._takes[0].lines)
            else:
                yield from self._write_part(part)
        sections = [self._sung[part.name] for part in self._parts]
        explicit = self._request.explicit
        tokens = self._takes[0].tokens
        return finished_song(title, sections, tokens, self._effort, explicit=explicit)

    def _write_part(self, part: PlannedPart) -> Session[None]:
        (take,) = self._takes
        head = self._lexicon.encode(section_head(part.name))
        logits = self._engine.prefill(take.row, [*self._unread, *head])
        self._unread, self._takes = [], [replace(take, sung=(), logits=logits)]
        for at, line in enumerate(part.lines):
            if line.given:
                yield from self._sing(part, at, line.given)
            else:
                yield from self._write_line(part, at)
            if len(self._takes) == 1:
                self._share.show(self._takes[0].lines)
        (take,) = self._takes
        self._sung[part.name] = SungPart(part, take.lines[-len(part.lines) :], take.sung)

    def _sing(self, part: PlannedPart, at: int, given: str) -> Session[None]:
        """Goes on with line `at` of a section, a given one, in each take."""
        tokens = tokens_of(given, self._engine, self._lexicon)
        self._make_room(len(tokens))
        self._takes = yield from sing_given(self._takes, given, tokens, self._engine)
        if part.is_settled(at):
            self._settle()

    def _settle(self) -> None:
        """Goes on with the best take alone."""
        best = max(self._takes, key=lambda take: take.score)
        self._takes = [replace(best, score=0.0)]
        self._free_rows()

    def _free_rows(self) -> None:
        """Empties the rows that hold no take."""
        held = {take.row for take in self._takes}
        for row in self._rows:
            if row not in held:
                self._engine.rewind(row, 0)

    def _write_line(self, part: PlannedPart, at: int) -> Session[None]:
        """Writes line `at` of a section in each take, and keeps the best takes that come of it."""
        self._make_room(_POSITIONS_A_LINE)
        self._takes = [self._begun(take) for take in self._takes]
        # A given line that comes next says which of several lines leads to it.
        leads_on = part.is_given(at + 1)
        is_settled = part.is_settled(at) and not leads_on
        found: list[Found] = []
        attempts = self._planner.plans(self._takes, part, at, self._drafts.expected_ends)
        for attempt, plans in enumerate(attempts):
            # Other drafts each time: two plans may be the same.
            seed = [self._request.seed, len(self._takes[0].lines), *([attempt] if attempt else ())]
            found = yield from self._best_of(plans, is_settled, seed, leads_on)
            if found:
                break
        if not found:
            raise LyricistError("The model's vocabulary has no word that could end this line.")
        self._to_write -= 1
        self._takes = [self._taken(each) for each in found]
        if is_settled:
            self._settle()
        self._free_rows()

    def _best_of(
        self, plans: Sequence[LinePlan], is_settled: bool, seed: Sequence[int], leads_on: bool
    ) -> Session[list[Found]]:
        """The best lines that go on from the takes by these plans; none if nothing fits."""
        beginnings = []
        for at, (take, plan) in enumerate(zip(self._takes, plans, strict=True)):
            if len(plan.ends):
                writer = self._drafts.for_line(take.history, take.topic, plan)
                beginnings.append(Beginning(at, take.row, take.logits, take.score, writer))
        if not beginnings:
            return []
        is_answer = plans[0].is_answer

        def kind_of(take: int, line: Line) -> tuple[int, ...]:
            """Anchors of one take must differ in their rhymes to be worth keeping."""
            if leads_on:
                return (take, line.end)
            return (take,) if is_answer else (take, int(self._lexicon.class_of[line.end]))

        search = LineSearch(
            self._engine,
            beginnings,
            self._rows,
            self._search,
            self._search.answer if is_answer else self._search.anchor,
            seed,
            1 if is_settled else self._search.takes,
            kind_of,
        )
        return (yield from search.run())

    def _taken(self, found: Found) -> Take:
        """The take that a line makes of the one that it goes on from."""
        if found.logits is None:
            raise LyricistError("A line was found and not read to its end.")
        take = self._takes[found.take]
        take = take.with_line(found.line, found.others, self._request.explicit)
        return replace(take, row=found.row, logits=found.logits, score=found.score, given="")

    def _begun(self, take: Take) -> Take:
        """The take with what its next line has to begin with; mostly as it is."""
        given = ""
        if not take.lines and self._request.continue_prompt:
            given = mask(one_line(self._request), self._request.explicit)
        elif self._to_write == 1 and not take.topic.is_covered:
            given = take.topic.line_start()
        if not given:
            return take
        most = min(MOST_GIVEN_TOKENS, self._engine.context_length // 5)
        tokens = self._lexicon.encode(given)[-most:]
        return replace(take, given=given, logits=self._engine.prefill(take.row, tokens))

    def _make_room(self, positions: int) -> None:
        """Start over with the prompt and the last lines where the context has less room left."""
        limit = min(self._engine.context_length, _MOST_POSITIONS)
        for at, take in enumerate(self._takes):
            if self._engine.length(take.row) + positions > limit:
                kept = "".join(f"{line}\n" for line in take.lines[-_LINES_KEPT:])
                read_again = self._lexicon.encode(kept)[-limit // 3 :]
                self._engine.rewind(take.row, 0)
                logits = self._engine.prefill(take.row, [*self._context, *read_again])
                self._takes[at] = replace(take, logits=logits)
