"""A line in figures, and what the judge makes of them with and without a head."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lyricist.lines.figures import NAMES, Place, Reading, figures_of
from lyricist.lines.judge import WEIGHTS, Judge, head_layers
from lyricist.lines.likelihoods import Likelihoods, rank_of

LINE = Reading(
    places=[
        Place(-1.0, 2.0, -9.0),
        Place(-0.5, 1.0, -8.0),
        Place(-0.2, 0.5, -7.0),
        Place(-0.1, 0.3, -0.5),
    ],
    likelihoods=[-3.0, -0.5, -6.0],
    ranks=[4, 0, 9],
    words=("rain", "falls", "down"),
    off_target=-2,
    is_answer=True,
)
STORED = json.loads(WEIGHTS.read_text())["with_head"]


def test_each_figure_is_what_its_name_says() -> None:
    found = dict(zip(NAMES, figures_of(LINE).tolist(), strict=True))
    assert found["mean likelihood"] == pytest.approx(-9.5 / 3)
    assert found["end"] == found["end of an answer"] == found["least likely token"] == -6.0
    assert found["least likely token of the body"] == -0.5
    assert found["stop"] == -0.5
    assert found["stop before the end"] == -7.0
    assert found["end below the likeliest"] == pytest.approx(-5.8)
    assert found["entropy before the end"] == 0.5
    assert found["entropy after the end"] == 0.3
    assert found["log rank of the end"] == pytest.approx(np.log(10))
    assert found["least likely token by what was expected"] == -5.5
    assert found["end, low"] == -1.0
    assert found["stop, low"] == 0.0
    assert found["ends in a function word"] == 1.0
    assert found["syllables off the target, negative"] == -2.0
    assert figures_of(replace(LINE, is_answer=False))[NAMES.index("end of an answer")] == 0


def test_a_line_of_one_token_has_figures() -> None:
    short = replace(LINE, places=LINE.places[:2], likelihoods=[-1.0], ranks=[0], words=("rain",))
    assert np.isfinite(figures_of(short)).all()


def test_a_place_is_read_from_its_logits() -> None:
    logits = np.log(np.array([0.5, 0.25, 0.25], np.float32)) + 7
    place = Likelihoods.of_logits(logits).place(np.array([1, 2]))
    assert place.top == pytest.approx(np.log(0.5), abs=1e-6)
    assert place.entropy == pytest.approx(1.5 * np.log(2), abs=1e-6)
    assert place.stop == pytest.approx(np.log(0.5), abs=1e-6)
    assert [rank_of(token, logits) for token in range(3)] == [0, 1, 1]
    logits[2] = -np.inf
    assert np.isfinite(Likelihoods.of_logits(logits).place(np.array([1])).entropy)


def test_the_head_is_read_for_its_own_model_and_no_other() -> None:
    model, layers = STORED["model_sha256"], tuple(STORED["layers"])
    assert head_layers(model) == layers
    assert head_layers("another") == ()
    assert Judge.for_model(model, layers).head is not None
    for other in (Judge.for_model("another", layers), Judge.for_model(model, ())):
        assert other.head is None
        assert other.of_state(np.ones(3, np.float32)) == 0.0


def test_a_likelier_line_and_a_better_state_are_judged_better() -> None:
    judge = Judge.for_model(STORED["model_sha256"], tuple(STORED["layers"]))
    likelier = replace(LINE, likelihoods=[-1.0, -0.5, -1.0], ranks=[1, 0, 1])
    for each in (judge, Judge.without_head()):
        assert each.judgement(likelier, 0.0) > each.judgement(LINE, 0.0)
    assert judge.head is not None
    assert judge.of_state(judge.head) > 0 > judge.of_state(-judge.head)
    assert judge.judgement(LINE, 1.0) == pytest.approx(judge.judgement(LINE, 0.0) + 1.0)
