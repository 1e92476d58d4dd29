"""An unfinished training: taken up by the same tuning only, and only if the file is whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.tuning.checkpoint import Checkpoint


class Counting:
    """A training that has nothing but a step and an array."""

    def __init__(self, step: int) -> None:
        self.step, self.values = step, np.full(1000, step, np.float32)

    def state(self) -> tuple[dict[str, Any], dict[str, FloatArray]]:
        return {"step": self.step}, {"values": self.values}

    def go_on_from(self, numbers: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> None:
        self.step, self.values = numbers["step"], arrays["values"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a training at step 7."""
    path = tmp_path / "mine.unfinished"
    checkpoint(path).save(Counting(7))
    return path


def checkpoint(path: Path, made_by: str = "these songs") -> Checkpoint:
    return Checkpoint(path, made_by, 0, lambda: 0)


def test_a_training_goes_on_from_what_was_saved(path: Path) -> None:
    training = Counting(0)
    assert checkpoint(path).restore(training)
    assert training.step == 7
    assert (training.values == 7).all()
    checkpoint(path).remove()
    assert not checkpoint(path).restore(training)
    checkpoint(path).remove()


def test_another_tuning_does_not_go_on_from_it(path: Path) -> None:
    training = Counting(0)
    assert not checkpoint(path, "other songs").restore(training)
    assert training.step == 0


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_a_torn_file_is_nothing_to_go_on_from(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    training = Counting(0)
    assert not checkpoint(path).restore(training)
    assert training.step == 0


def test_a_training_is_saved_no_more_often_than_asked(tmp_path: Path) -> None:
    now = 0.0
    found = Checkpoint(tmp_path / "mine", "these songs", 30, lambda: now)
    for now in (29.0, 30.0, 59.0):
        found.save(Counting(int(now)))
    training = Counting(0)
    assert found.restore(training)
    assert training.step == 30


def test_a_full_disk_is_an_error_of_the_system_and_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path, _content: bytes) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        checkpoint(path).save(Counting(8))
    training = Counting(0)
    assert checkpoint(path).restore(training)
    assert training.step == 7
