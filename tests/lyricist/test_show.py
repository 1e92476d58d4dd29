"""What a bundle says of itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from lyricist.bundle.manifest import read_bundle
from lyricist.errors import BundleError
from lyricist.show import Words, shown, words_of
from lyricist.speed import pace_of
from lyricist.vocabulary.tokens import Vocabulary


def test_a_bundle_says_what_it_is_and_what_its_model_is_told(tiny_bundle: Path) -> None:
    text = shown(tiny_bundle, "a pot", None)
    bundle = read_bundle(tiny_bundle)
    assert bundle.name in text
    assert bundle.licence in text
    assert "1,024 tokens" in text
    assert text.endswith("about a pot.<|im_end|>\n<|im_start|>assistant\n")
    assert "s a line" not in text, "nothing was measured"


def test_a_bundle_is_measured_by_writing(tiny_bundle: Path) -> None:
    pace = pace_of(tiny_bundle)
    assert 0 < pace.seconds_a_line < 60
    assert 50e6 < pace.memory_bytes < 50e9
    told = shown(tiny_bundle, "a pot", replace(pace, seconds_a_line=2.0))
    assert "2.00 s a line" in told


def test_the_words_that_can_end_a_line_are_counted(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    words = words_of(bundle, Vocabulary(bundle))
    assert words.end_words > words.classes > words.rich_classes > 100
    assert words.spelled == 0
    assert "too few to rhyme: it writes freely" in str(Words(300, 99, 0, 50, 2))


def test_a_folder_without_a_bundle_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="There is no model"):
        shown(tmp_path, "a pot", None)
