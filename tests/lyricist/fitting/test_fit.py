"""The fit finds weights that are known before; the stored judge belongs to the stored ratings."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyricist.bundle.manifest import read_bundle
from lyricist.errors import LyricistError
from lyricist.fitting.fit import (
    fields_of_any,
    fields_with_head,
    fit,
    held_out,
    pairs_right,
    write_judge,
)
from lyricist.fitting.judge_fit import fit_judge, reader_of
from lyricist.fitting.ratings import HEAD_RATINGS, RATINGS, digest_of, read_ratings
from lyricist.fitting.reading import ReadDrafts
from lyricist.lines.figures import NAMES
from lyricist.lines.judge import WEIGHTS, Judge

PLACES, DRAFTS_A_PLACE, PROMPTS, STATES = 60, 8, 6, 12


def drafts() -> ReadDrafts:
    """Made up ones, which differ by the second figure and the third state; places differ, too."""
    rng = np.random.default_rng(3)
    count = PLACES * DRAFTS_A_PLACE
    places = np.repeat(np.arange(PLACES), DRAFTS_A_PLACE)
    figures = rng.normal(size=(count, len(NAMES)))
    states = rng.normal(size=(count, STATES))
    ratings = 5 + figures[:, 1] + 2 * states[:, 2] + 3 * rng.normal(size=PLACES)[places]
    return ReadDrafts(figures, states, ratings, places, places % PROMPTS)


def test_the_fit_finds_what_the_drafts_of_a_place_differ_in() -> None:
    found = fit(drafts(), figures_share=1.0, states_share=0.0)
    assert int(np.argmax(np.abs(found.figures))) == 1
    assert found.figures[1] == pytest.approx(1.0, abs=0.3)
    head = fit(drafts(), figures_share=0.0, states_share=1.0).head
    assert int(np.argmax(np.abs(head))) == 2


def test_its_mean_judgement_is_the_mean_rating() -> None:
    given = drafts()
    found = fit(given, figures_share=0.3, states_share=0.9)
    judged = found.bias + given.figures @ found.figures + given.states @ found.head
    assert judged.mean() == pytest.approx(given.ratings.mean())


def test_pairs_are_told_apart_within_a_place_only() -> None:
    given = drafts()
    assert pairs_right(given.ratings, given) == 1.0
    assert pairs_right(-given.ratings, given) == 0.0
    assert pairs_right(np.zeros(len(given.ratings)), given) == 0.5
    moved = given.ratings - 100.0 * given.places
    assert pairs_right(moved, given) == 1.0


def test_what_is_held_out_is_judged_by_the_other_prompts() -> None:
    given = drafts()
    assert held_out(given)["figures and states"] > 0.75
    # A figure that says the rating of one prompt and its opposite for all others is of no use.
    only = np.where(given.prompts == 0, -1, 1) * given.ratings
    alike = np.tile(only[:, np.newaxis], (1, len(NAMES)))
    misled = replace(given, figures=alike, states=np.zeros_like(given.states))
    of_first = np.flatnonzero(given.prompts == 0)
    first = ReadDrafts(*(column[of_first] for column in vars(misled).values()))
    assert held_out(misled)["figures"] < 1
    assert pairs_right(first.figures[:, 0], first) == 0


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    fields = {
        "without_head": fields_of_any(drafts(), "a" * 64),
        "with_head": fields_with_head(drafts(), "b" * 64, "c" * 64, (1,)),
    }
    write_judge(fields, tmp_path / "judge.json")
    assert json.loads((tmp_path / "judge.json").read_text()) == fields


def test_a_model_without_states_is_refused_in_one_sentence(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(LyricistError, match="no hidden states"):
        fit_judge(tiny_bundle, RATINGS, tmp_path / "judge.json", lambda _stage, _share: None)


@pytest.mark.parametrize(
    ("part", "ratings"), [("with_head", HEAD_RATINGS), ("without_head", RATINGS)]
)
def test_the_stored_judge_was_fitted_to_the_stored_ratings(part: str, ratings: Path) -> None:
    stored = json.loads(WEIGHTS.read_text())[part]
    again = "python -m lyricist fit-judge"
    assert stored["ratings_sha256"] == digest_of(ratings), f"the ratings have changed: {again}"
    assert stored["held_out"]["figures"] > stored["held_out"]["likelihoods"]
    assert stored["held_out"]["figures and states"] > stored["held_out"]["figures"]


@pytest.mark.model
def test_the_stored_judge_tells_stored_drafts_apart(default_bundle: Path) -> None:
    bundle = read_bundle(default_bundle)
    judge = Judge.for_model(bundle.source_sha256, bundle.state_layers)
    assert judge.head is not None
    read = reader_of(default_bundle).read(read_ratings(HEAD_RATINGS)[::20])
    of_state = read.states @ judge.head
    judged = judge.bias + read.figures @ judge.figures + of_state
    assert pairs_right(judged, read) > 0.85
    assert pairs_right(of_state, read) > 0.8
    assert np.corrcoef(judged, read.ratings)[0, 1] > 0.5
