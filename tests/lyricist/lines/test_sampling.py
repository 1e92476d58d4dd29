"""How a token is drawn."""

from collections.abc import Sequence

import numpy as np

from lyricist.lines.sampling import Sampling, draw

LOGITS = np.array([0.0, 3.0, 1.0, 3.0, -np.inf, 2.0], np.float32)


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
