"""How a token is drawn, and how several texts share one engine without noticing each other."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.engine.sessions import Sampling, Session, draw, refill, run_together
from lyricist.errors import Abandoned, ContextFull, LyricistError

LOGITS = np.array([0.0, 3.0, 1.0, 3.0, -np.inf, 2.0], np.float32)


class CountingEngine:
    """An engine whose logits say how many positions the row has and what stood there last."""

    vocabulary_size = 8
    context_length = 6
    max_rows = 4

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


def drawn(sampling: Sampling, times: int = 400, recent: Sequence[int] = ()) -> set[int]:
    rng = np.random.default_rng(5)
    return {draw(LOGITS, sampling, rng, recent) for _ in range(times)}


def test_temperature_zero_takes_the_likeliest_and_the_first_of_equals() -> None:
    assert drawn(Sampling(temperature=0)) == {1}


def test_a_token_that_is_ruled_out_is_never_drawn() -> None:
    assert drawn(Sampling(temperature=1.5, top_p=1.0, min_p=0.0)) == {0, 1, 2, 3, 5}


def test_min_p_drops_what_is_much_less_likely_than_the_likeliest() -> None:
    assert drawn(Sampling(temperature=1.0, top_p=1.0, min_p=0.3)) == {1, 3, 5}


def test_top_p_keeps_the_fewest_that_hold_the_share() -> None:
    assert drawn(Sampling(temperature=1.0, top_p=0.5, min_p=0.0)) == {1, 3}
    assert drawn(Sampling(temperature=1.0, top_p=0.0, min_p=0.0)) == {1}


def test_what_was_said_lately_is_less_likely() -> None:
    assert drawn(Sampling(temperature=0, presence_penalty=2.0), recent=[1, 3]) == {5}
    assert drawn(Sampling(temperature=0, presence_penalty=2.0, recent=1), recent=[1, 5]) == {1}


def test_drawing_leaves_the_logits_as_they_were() -> None:
    before = LOGITS.copy()
    drawn(Sampling(presence_penalty=1.0), recent=[1])
    assert np.array_equal(before, LOGITS)


def test_each_draw_takes_one_number_whatever_the_logits() -> None:
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    draw(LOGITS, Sampling(temperature=0), rng)
    draw(LOGITS, Sampling(temperature=1.5), rng)
    other.random(2)
    assert rng.random() == other.random()


def test_shares_are_drawn_as_often_as_they_are_large() -> None:
    rng, logits = np.random.default_rng(1), np.log(np.array([0.7, 0.3], np.float32))
    ones = sum(draw(logits, Sampling(1.0, 1.0, 0.0), rng) for _ in range(4000))
    assert 0.27 < ones / 4000 < 0.33


def counting(row: int, steps: int) -> Session[list[float]]:
    """Says its own row back `steps` times; the lengths it saw."""
    lengths = []
    for _ in range(steps):
        answer = yield {row: row}
        lengths.append(float(answer[row][0]))
    return lengths


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
