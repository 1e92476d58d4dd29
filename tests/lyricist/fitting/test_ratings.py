"""Files of rated drafts: the stored one is sound, and what is none is named by its line."""

import json
from pathlib import Path

import pytest

from lyricist.errors import LyricistError
from lyricist.fitting.ratings import RATINGS, read_ratings
from lyricist.prompts import frozen_prompts

PLACE = {
    "prompt": "rain", "title": "Rain", "before": [], "is_answer": False, "target_syllables": 10,
    "drafts": [["The rain is on the road", 7]],
}  # fmt: skip


def test_the_stored_ratings_are_of_other_prompts_than_the_frozen_ones() -> None:
    places = read_ratings(RATINGS)
    prompts = {place.prompt.lower() for place in places}
    assert len(prompts) >= 26
    assert prompts.isdisjoint(prompt.lower() for prompt in frozen_prompts())
    assert sum(len(place.drafts) for place in places) >= 1631
    assert all(len(place.drafts) > 1 for place in places)


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
