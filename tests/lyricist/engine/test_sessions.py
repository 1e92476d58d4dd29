"""Several texts share one engine without noticing each other."""

from collections.abc import Mapping, Sequence

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.sessions import Session, refill, run_together
from lyricist.errors import Abandoned, ContextFull, LyricistError


class CountingEngine:
    """An engine whose logits say how many positions the row has and what stood there last."""

    vocabulary_size = 8
    context_length = 6
    max_rows = 4
    wide_rows = 0

    def __init__(self) -> None:
        self.rows: dict[int, list[int]] = {row: [] for row in range(self.max_rows)}
        self.passes: list[dict[int, int]] = []

    def prefill(self, row: int, tokens: Sequence[int]) -> FloatArray:
        if len(self.rows[row]) + len(tokens) > self.context_length:
            raise ContextFull("full")
        self.rows[row] += tokens
        return self._logits(row)

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        self.passes.append(dict(tokens))
        return {row: self.prefill(row, [token]) for row, token in tokens.items()}

    def state(self, row: int) -> None:
        """It has none."""

    def length(self, row: int) -> int:
        return len(self.rows[row])

    def rewind(self, row: int, length: int) -> None:
        del self.rows[row][length:]

    def copy(self, source: int, target: int) -> None:
        self.rows[target] = list(self.rows[source])

    def _logits(self, row: int) -> FloatArray:
        logits = np.zeros(self.vocabulary_size, np.float32)
        logits[0], logits[1] = len(self.rows[row]), self.rows[row][-1]
        return logits


def counting(row: int, steps: int) -> Session[list[float]]:
    """Says its own row back `steps` times; the lengths it saw."""
    lengths = []
    for _ in range(steps):
        answer = yield {row: row}
        lengths.append(float(answer[row][0]))
    return lengths


class FullEngine(CountingEngine):
    """An engine whose second pass finds no room, though no row is full."""

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        if self.passes:
            raise ContextFull("no room")
        return super().step(tokens)


def test_a_pass_without_room_ends_its_songs_and_nothing_else() -> None:
    results = run_together(FullEngine(), [counting(0, 3), counting(1, 1)])
    assert isinstance(results[0], ContextFull)
    assert results[1] == [1.0]


def failing(error: Exception) -> Session[list[float]]:
    yield {3: 1}
    raise error


def test_texts_share_every_pass_and_leave_when_they_end() -> None:
    engine = CountingEngine()
    results = run_together(engine, [counting(0, 3), counting(1, 1), counting(2, 0)])
    assert results == [[1, 2, 3], [1], []]
    assert engine.passes == [{0: 0, 1: 1}, {0: 0}, {0: 0}]


def test_a_text_that_fails_takes_no_other_with_it() -> None:
    error = LyricistError("no")
    results = run_together(CountingEngine(), [counting(0, 3), failing(error)])
    assert results == [[1, 2, 3], error]


def test_stopping_abandons_all_at_the_next_token() -> None:
    engine = CountingEngine()
    results = run_together(
        engine, [counting(0, 5), counting(1, 5)], lambda: len(engine.passes) == 2
    )
    assert all(isinstance(result, Abandoned) for result in results)
    assert len(engine.passes) == 2


def test_a_full_row_ends_its_own_text_only() -> None:
    results = run_together(CountingEngine(), [counting(0, 9), counting(1, 4)])
    assert isinstance(results[0], ContextFull)
    assert results[1] == [1, 2, 3, 4]


def test_a_text_may_answer_a_full_row_with_something_else() -> None:
    engine = CountingEngine()

    def careful() -> Session[int]:
        for _ in range(9):
            try:
                yield {0: 5}
            except ContextFull:
                engine.rewind(0, 2)
                yield {0: 5}
        return engine.length(0)

    assert run_together(engine, [careful()]) == [5]


def test_a_text_that_insists_on_a_full_row_is_ended() -> None:
    def stubborn() -> Session[list[float]]:
        while True:
            try:
                yield {0: 5}
            except ContextFull:
                yield {0: 5}

    results = run_together(CountingEngine(), [stubborn(), counting(1, 6)])
    assert isinstance(results[0], ContextFull)
    assert results[1] == [1, 2, 3, 4, 5, 6]


def test_a_text_that_wants_nothing_of_the_engine_goes_on() -> None:
    def thinking() -> Session[str]:
        assert (yield {}) == {}
        return "done"

    assert run_together(CountingEngine(), [thinking()]) == ["done"]


def test_refilling_keeps_the_prompt_and_the_last_of_what_was_written() -> None:
    engine = CountingEngine()
    engine.prefill(0, [9, 9, 1, 2, 3, 4])
    refill(engine, 0, [9, 9], [1, 2, 3, 4])
    assert engine.rows[0] == [9, 9, 3, 4]
