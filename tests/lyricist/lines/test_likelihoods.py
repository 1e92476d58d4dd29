"""The quick ways over the whole vocabulary give what the plain ones give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyricist.arrays import FloatArray
from lyricist.lines.likelihoods import Likelihoods, likeliest, penalties


def plainly_likeliest(values: FloatArray, count: int) -> list[int]:
    order = np.argsort(-values, kind="stable")[:count]
    return sorted(int(at) for at in order if np.isfinite(values[at]))


@given(
    size=st.integers(0, 5000),
    count=st.integers(1, 40),
    levels=st.sampled_from([1, 3, 50, 10**6]),
    left_out=st.sampled_from([0.0, 0.3, 0.99, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_likeliest_are_those_of_a_full_sort_and_the_first_of_equals(
    size: int, count: int, levels: int, left_out: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-levels, 0, size).astype(np.float32)
    values[rng.random(size) < left_out] = -np.inf
    assert likeliest(values, count).tolist() == plainly_likeliest(values, count)


@pytest.mark.parametrize("place", [0, 63, 49_151, 49_999])
def test_the_likeliest_are_found_wherever_they_stand(place: int) -> None:
    values = np.zeros(50_000, np.float32)
    values[place] = 1
    values[49_998] = 0.5
    assert likeliest(values, 2).tolist() == sorted([place, 49_998])


def test_likelihoods_are_those_of_the_softmax() -> None:
    logits = np.random.default_rng(1).normal(0, 5, 3000).astype(np.float32)
    likelihoods = Likelihoods.of_logits(logits)
    expected = logits - np.log(np.exp(logits.astype(np.float64)).sum())
    tokens = np.array([7, 2999, 0, 7])
    assert likelihoods.of(tokens) == pytest.approx(expected[tokens], abs=1e-5)
    assert likelihoods.of_token(12) == pytest.approx(expected[12], abs=1e-5)


def test_penalties_leave_the_masks_tokens_as_they_are_and_no_others() -> None:
    mask = np.array([True, False, True])
    values = np.array([1.5, 9.0, -2.0], np.float32) + penalties(mask)
    assert values.tolist() == [1.5, -np.inf, -2.0]
