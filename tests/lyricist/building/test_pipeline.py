"""Building a bundle: whole or not at all, once and not twice."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from lyricist.building.folders import new_folder
from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.tflite_file import WeightBinder, quantize_rows
from lyricist.bundle.manifest import MANIFEST, MODEL, read_bundle
from lyricist.errors import BuildError

TINY = BuildOptions(preset="tiny")


def test_a_bundle_that_is_there_and_whole_is_not_built_again(tiny_bundle: Path) -> None:
    before = (tiny_bundle / MODEL).stat().st_mtime_ns
    assert build_bundle(tiny_bundle, TINY) is False
    assert (tiny_bundle / MODEL).stat().st_mtime_ns == before


@pytest.mark.model
def test_the_tiny_bundle_is_the_same_every_time(tiny_bundle: Path, tmp_path: Path) -> None:
    assert build_bundle(tmp_path / "again", TINY) is True
    assert read_bundle(tmp_path / "again").digest == read_bundle(tiny_bundle).digest


@pytest.mark.model
def test_a_damaged_bundle_is_built_again(tmp_path: Path, tiny_bundle: Path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / MANIFEST).write_text("{")
    assert build_bundle(folder, TINY) is True
    assert read_bundle(folder).digest == read_bundle(tiny_bundle).digest
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tiny.lock", "tiny"]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_nothing_but_a_bundle_is_ever_replaced(tmp_path: Path, what: str) -> None:
    precious = tmp_path / "precious"
    if what == "folder":
        precious.mkdir()
        (precious / "letters.txt").write_text("dear")
    else:
        precious.write_text("dear")
    with pytest.raises(BuildError, match="is no model bundle"):
        build_bundle(precious, TINY, force=True)
    assert precious.exists()


@pytest.mark.model
def test_a_full_disk_leaves_the_old_bundle_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / MANIFEST).write_text("old")

    def fail(_binder: WeightBinder, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(WeightBinder, "write", fail)
    with pytest.raises(OSError, match="No space left"):
        build_bundle(folder, TINY, force=True)
    assert (folder / MANIFEST).read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tiny.lock", "tiny"]


def test_a_draft_takes_the_old_folders_place_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").touch()
    with new_folder(folder) as draft:
        (draft / "new").touch()
        assert (folder / "old").exists()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_a_killed_build_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".model.draft-killed").mkdir()
    with new_folder(tmp_path / "model"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_interrupted_build_leaves_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(KeyboardInterrupt), new_folder(folder):
        raise KeyboardInterrupt
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").touch()
    rename = Path.rename

    def refuse_drafts(path: Path, target: Path) -> Path:
        if ".draft-" in path.name and not path.name.endswith("-replaced"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_drafts)
    with pytest.raises(OSError, match="Input/output error"), new_folder(folder):
        pass
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF nonsense" * 100)
    with pytest.raises(BuildError, match="not a readable GGUF file"):
        build_bundle(tmp_path / "out", BuildOptions(source=str(tmp_path / "model.gguf")))
    with pytest.raises(BuildError, match="cannot be read"):
        build_bundle(tmp_path / "out", BuildOptions(source=str(tmp_path / "missing.gguf")))
    assert not (tmp_path / "out").exists()


def test_quantized_rows_are_within_half_a_step() -> None:
    matrix = np.random.default_rng(0).standard_normal((20, 64)).astype(np.float32)
    matrix[3] = 0
    quantized = quantize_rows(matrix)
    error = np.abs(quantized.values * quantized.scales[:, np.newaxis] - matrix)
    assert (error <= quantized.scales[:, np.newaxis] / 2 + 1e-6).all()
    assert not quantized.values[3].any()
