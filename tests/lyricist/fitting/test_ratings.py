"""Files of rated drafts: the stored one is sound, and what is none is named by its line."""

import json
from pathlib import Path

import pytest

from lyricist.errors import LyricistError
from lyricist.fitting.ratings import HEAD_RATINGS, PREFERENCES, RATINGS, read_ratings
from lyricist.tuning.training_song import frozen_prompt_near

PLACE = {
    "prompt": "rain", "title": "Rain", "before": [], "is_answer": False, "target_syllables": 10,
    "drafts": [["The rain is on the road", 7]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "fewest"), [(RATINGS, 1631), (HEAD_RATINGS, 4000), (PREFERENCES, 5000)]
)
def test_the_stored_ratings_are_of_other_prompts_than_the_frozen_ones(
    path: Path, fewest: int
) -> None:
    places = read_ratings(path)
    prompts = {place.prompt for place in places}
    assert len(prompts) >= 26
    assert [prompt for prompt in prompts if frozen_prompt_near(prompt)] == []
    assert sum(len(place.drafts) for place in places) >= fewest
    assert all(len(place.drafts) > 1 for place in places)


def test_the_head_is_also_fitted_to_places_that_the_model_has_not_learned_from() -> None:
    learned = {(each.prompt, *each.before) for each in read_ratings(PREFERENCES)}
    judged = {(each.prompt, *each.before) for each in read_ratings(HEAD_RATINGS)}
    assert len(judged - learned) > 500


@pytest.mark.parametrize(
    "wrong",
    [
        "rain", "[]", "{}",
        json.dumps({**PLACE, "drafts": []}),
        json.dumps({**PLACE, "drafts": [["The rain", 10]]}),
        json.dumps({**PLACE, "drafts": [["", 5]]}),
        json.dumps({**PLACE, "target_syllables": None}),
    ],
)  # fmt: skip
def test_a_line_that_holds_no_rated_drafts_is_named(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "ratings.jsonl"
    path.write_text(f"{json.dumps(PLACE)}\n{wrong}\n")
    with pytest.raises(LyricistError, match="line 2"):
        read_ratings(path)
