"""Rated drafts: each is read behind the song so far, and the better of two becomes likelier."""

from pathlib import Path

import numpy as np
import pytest

from lyricist.building.adapter import read_adapter
from lyricist.building.release import packaged_gguf
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.fitting.ratings import RatedPlace
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.tuning.material import RatedDrafts
from lyricist.tuning.preferences import rated_batches
from lyricist.tuning.training import TrainingSettings
from lyricist.tuning.tune import TuningOptions, tune_model
from lyricist.vocabulary.tokens import Encoder

GOOD, BAD = "The rain is on the roof again", "Again the roof of rain"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    made = model_tokenizer(GgufFile(packaged_gguf()).tokenizer(), 1 << 20)
    return Encoder(made.tokenizer, made.prompt)


def place(number: int, *drafts: tuple[str, int]) -> RatedPlace:
    before = ["We had a house beside the lane"][: number % 2]
    return RatedPlace(f"rain {number}", "The Rain", before, bool(number % 2), 8, drafts, "folk")


def test_every_draft_is_read_behind_the_song_so_far_and_belongs_to_its_place(
    encoder: Encoder,
) -> None:
    places = [
        place(1, (GOOD, 8), (BAD, 2), ("I am wet", 7)),
        place(2, (GOOD, 5), (BAD, 4)),
        place(3, ("word " * 400, 5), (BAD, 2)),
        place(4, (GOOD, 3), (BAD, 6)),
        place(1, (BAD, 1), (GOOD, 9)),
    ]
    (found,) = rated_batches(places, encoder, rows=3, length=300)
    drafts = [GOOD, BAD, "I am wet", GOOD, BAD]
    targets = found.batch.next_tokens[found.batch.weights > 0]
    owners = found.draft_of[found.batch.weights > 0]
    for number, draft in enumerate(drafts):
        assert targets[owners == number].tolist() == encoder.encode(f"{draft}\n")
    assert found.lengths.tolist() == [len(encoder.encode(f"{draft}\n")) for draft in drafts]
    assert set(found.draft_of[found.batch.weights == 0].tolist()) <= {len(drafts)}
    pairs = {*zip(found.better.tolist(), found.worse.tolist(), strict=True)}
    assert pairs == {(0, 1), (2, 1), (4, 3)}, "8 and 7 are no difference"
    assert found.good.tolist() == [0, 2]
    weights = dict(zip(zip(found.better, found.worse, strict=True), found.weights, strict=True))
    assert weights[0, 1] == 1
    assert weights[4, 3] == pytest.approx(0.75)


def test_the_better_draft_becomes_likelier_than_the_worse(tmp_path: Path) -> None:
    places = [place(number, (GOOD, 8), (BAD, 2)) for number in range(24)]
    options = TuningOptions(
        "tiny", None, TrainingSettings(passes=3, rate=0.01, seed=0, length=256), save_every_s=0
    )
    told = tune_model(RatedDrafts(places), tmp_path / "mine", options, lambda _stage, _share: None)
    assert (told.pieces, told.noun) == (24, "places")
    assert not read_adapter(tmp_path / "mine").tells_given, "of given lines it has learned nothing"
    assert told.progress.best_loss < told.progress.first_loss - 0.3
    assert np.isfinite(told.progress.last_loss)
