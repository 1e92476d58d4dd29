"""Which drafts of a line are begun, dropped and kept, with drafts whose worth is known before."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import cast

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.port import Engine
from lyricist.lines.draft import Draft, Ending, Seen
from lyricist.lines.draft_writer import DraftWriter, Line
from lyricist.lines.effort import Drafts, Search
from lyricist.lines.figures import Place
from lyricist.lines.line_plan import NO_PLAN
from lyricist.lines.search import Beginning, Found, LineSearch

NEWLINE, END, SONG = 1, 2, 9
TWELVE = Drafts(12, 12)
NOTHING: FloatArray = np.zeros(1, np.float32)


class Rows:
    """An engine that keeps tokens and knows no network."""

    vocabulary_size, context_length, max_rows, wide_rows = 1, 999, 99, 0

    def __init__(self, rows: Sequence[int]) -> None:
        self.of = {row: [SONG] for row in rows}
        #: How many rows each pass was about.
        self.passes: list[int] = []

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        self.of[row] += tokens
        return NOTHING

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        self.passes.append(len(tokens))
        for row, token in tokens.items():
            self.of[row].append(token)
        return dict.fromkeys(tokens, NOTHING)

    def length(self, row: int) -> int:
        return len(self.of[row])

    def rewind(self, row: int, length: int) -> None:
        del self.of[row][length:]

    def copy(self, source: int, target: int) -> None:
        self.of[target] = list(self.of[source])


class Script:
    """Grows draft n to `lengths[n]` tokens of likelihood `worths[n]`, which is its score."""

    def __init__(
        self,
        worths: Sequence[float],
        lengths: Sequence[int] = (6,),
        gain: float = 0.0,
        end: tuple[int, ...] = (END,),
    ) -> None:
        """`gain`: how much better a line is for each token by which it is cut. `end`: the tokens of
        the word that all lines end in."""
        self._worths, self._lengths, self._gain, self._end = worths, lengths, gain, end
        #: The endings that were tried, as it was known then how likely they are.
        self.tried: list[Ending] = []
        self.lexicon = SimpleNamespace(newline=NEWLINE)
        self.plan, self.lacks_topic = NO_PLAN, False
        self.drafts: list[Draft] = []

    def grow(self, draft: Draft, _start: int, _logits: FloatArray) -> int | None:
        if not draft.tokens:
            self.drafts.append(draft)
        if len(draft.tokens) == self._lengths[draft.number % len(self._lengths)]:
            return None
        draft.tokens.append(100 + draft.number)
        draft.likelihoods.append(self._worths[draft.number % len(self._worths)])
        return draft.tokens[-1]

    def best_endings(self, draft: Draft, most: int) -> list[Ending]:
        rest = -5.0 if len(self._end) > 1 else 0.0
        return [
            Ending(len(draft.tokens) - at, END, self._end, rest - 1, rest, 8) for at in range(most)
        ]

    def see(self, _draft: Draft, logits: FloatArray) -> Seen:
        return Seen(logits, Place(-1.0, 1.0, -1.0))

    def line(self, draft: Draft, ending: Ending, _after: Seen) -> Line:
        self.tried.append(ending)
        worth = self._worths[draft.number % len(self._worths)]
        worth += self._gain * (len(draft.tokens) - ending.kept)
        text = f"{draft.number}"
        return Line(
            text,
            (text,),
            draft.number % 3,
            (*draft.tokens[: ending.kept], *ending.tokens),
            worth,
            worth,
            worth,
        )


def search(
    script: Script,
    rows: int = 4,
    drafts: Drafts = TWELVE,
    keep: int = 1,
    dropped: float = 0.0,
    takes: Sequence[float] = (0.0,),
    endings: int = 1,
) -> tuple[list[Found], Rows]:
    """The lines that are found, and the rows; takes of those scores stand in the last rows."""
    spare = 0 if keep == 1 and len(takes) == 1 else 2 * keep + len(takes)
    engine = Rows(range(rows + spare))
    first = rows + spare - len(takes) if spare else 0
    beginnings = [
        Beginning(at, first + at, NOTHING, score, cast(DraftWriter, script))
        for at, score in enumerate(takes)
    ]
    settings = Search(rows, keep, drafts, drafts, good=-1.5, dropped=dropped, endings=endings)
    session = LineSearch(
        cast(Engine, engine), beginnings, range(rows + spare), settings, drafts, [0], keep,
        lambda take, line: (take, line.end),
    ).run()  # fmt: skip
    try:
        tokens = next(session)
        while True:
            tokens = session.send(engine.step(tokens))
    except StopIteration as end:
        return list(end.value), engine


def test_the_best_of_all_drafts_is_found_with_its_line_break_in_its_row() -> None:
    found, engine = search(Script([-3.0, -2.0, -5.0, -1.0, -4.0]))
    assert [each.line.text for each in found] == ["3"]
    assert engine.of[found[0].row] == [SONG, *[103] * 6, END, NEWLINE]
    assert found[0].logits is not None


def test_a_row_whose_draft_has_ended_takes_the_next_one() -> None:
    lengths = [3, 9, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    script = Script([-2.0], lengths)
    _, engine = search(script, keep=2)
    assert len(script.drafts) == 12
    assert len(engine.passes) < 3 * 10, "three waves would wait for the longest of each"
    assert all(count == 4 for count in engine.passes[:8]), "no row idles while there is work"


def test_no_more_than_the_fewest_are_begun_once_a_line_is_good() -> None:
    good, bad = Script([-1.0]), Script([-2.0])
    search(good, drafts=Drafts(5, 20))
    search(bad, drafts=Drafts(5, 20))
    assert (len(good.drafts), len(bad.drafts)) == (5, 20)


def test_unlikely_beginnings_are_dropped_and_others_begun() -> None:
    worths = [-1.0, -9.0, -2.0, -2.0, -9.0, -2.0]
    script = Script(worths)
    found, _ = search(script, rows=6, drafts=Drafts(18, 18), dropped=0.5)
    unlikely = [draft for draft in script.drafts if worths[draft.number % 6] == -9.0]
    assert len(unlikely) == 6
    assert all(len(draft.tokens) <= 3 for draft in unlikely)
    assert found[0].line.score == -1.0


def test_the_best_of_each_kind_is_kept_best_first_apart_from_where_drafts_go_on() -> None:
    script = Script([-3.0, -2.0, -4.0, -2.5, -6.0, -5.0, -1.9, -7.0, -8.0, -9.0, -9.0, -9.0])
    found, engine = search(script, keep=3)
    assert [each.line.text for each in found] == ["6", "1", "2"]
    for each in found:
        number = 100 + int(each.line.text)
        assert each.row >= 4
        assert engine.of[each.row] == [SONG, *[number] * 6, END, NEWLINE]
        assert each.logits is not None


def test_a_draft_is_ended_in_several_ways_and_the_best_of_them_is_kept() -> None:
    for gain, kept in [(0.5, 4), (-0.5, 6)]:
        found, engine = search(Script([-3.0], gain=gain), keep=2, endings=3)
        assert engine.of[found[0].row] == [SONG, *[100] * kept, END, NEWLINE]


def test_an_end_word_of_several_tokens_is_said_whole_before_it_is_judged() -> None:
    script = Script([-2.0, -1.0], end=(END, 0, 0), gain=0.1)
    found, engine = search(script, keep=2, endings=3)
    best = found[0]
    assert engine.of[best.row] == [SONG, *[101] * 4, END, 0, 0, NEWLINE]
    assert len(script.tried) == 3 * len(script.drafts)
    assert {ending.rest for ending in script.tried} == {0.0}, "the network was sure of the rest"
    assert {ending.likelihood for ending in script.tried} == {-1.0}, "it was expected at -6"


def test_drafts_go_on_from_each_take_and_then_from_the_best() -> None:
    script = Script([-3.0])
    found, engine = search(script, drafts=Drafts(40, 40), keep=2, takes=(0.0, -1.0, -5.0, -9.0))
    assert len(script.drafts) == 40
    assert {each.take for each in found} == {0}
    assert found[0].score == -3.0
    assert sum(engine.passes) < 40 * 9


def test_a_line_that_no_draft_becomes_is_not_found() -> None:
    class Dumb(Script):
        def grow(self, draft: Draft, _start: int, _logits: FloatArray) -> None:
            self.drafts.append(draft)

        def best_endings(self, _draft: Draft, _most: int) -> list[Ending]:
            return []

    dumb = Dumb([0.0])
    found, engine = search(dumb)
    assert found == []
    assert engine.passes == []
    assert len(dumb.drafts) == 4 * 12


def test_other_lines_of_the_place_are_kept_best_first_and_each_once() -> None:
    found, _ = search(Script([-3.0, -2.0, -5.0, -1.0, -4.0]), drafts=Drafts(5, 5), endings=2)
    assert found[0].line.text == "3"
    assert [line.text for line in found[0].others] == ["1", "0", "4", "2"]


def test_a_take_is_offered_no_lines_of_another() -> None:
    found, _ = search(Script([-3.0]), drafts=Drafts(8, 8), keep=2, takes=(0.0, -0.5))
    others = {each.take: {int(line.text) for line in each.others} for each in found}
    assert all(number % 2 == take for take, numbers in others.items() for number in numbers)


def test_a_search_that_finds_nothing_leaves_the_take_as_it_was() -> None:
    class Refused(Script):
        def line(self, _draft: Draft, _ending: Ending, _after: Seen) -> None:  # type: ignore[override]
            return None

    found, engine = search(Refused([-1.0]))
    assert found == []
    assert engine.of[0] == [SONG]
