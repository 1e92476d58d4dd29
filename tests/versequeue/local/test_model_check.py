"""What `up` says where there is no model: what lies there, and the command that helps."""

from pathlib import Path

import pytest

from versequeue.errors import StartupError
from versequeue.local.model_check import check_model


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_bundle_is_taken(here: Path) -> None:
    check_model(make(here / "mine" / "bundle.json").parent, "mine")


@pytest.mark.parametrize("preset", ["default", "tiny"])
def test_a_preset_that_is_not_built_names_the_command(here: Path, preset: str) -> None:
    with pytest.raises(StartupError, match=f"make up MODEL={preset}$"):
        check_model(here / "models" / preset, preset)


def test_a_gguf_file_is_to_be_built(here: Path) -> None:
    make(here / "my.gguf")
    with pytest.raises(StartupError, match=r"is a GGUF file.*make up MODEL=my\.gguf$"):
        check_model(Path("my.gguf"), "my.gguf")
    with pytest.raises(StartupError, match=r"^other\.gguf is not there"):
        check_model(Path("other.gguf"), "other.gguf")


def test_a_saved_model_is_to_be_bundled(here: Path) -> None:
    folder = make(here / "exported" / "saved_model.pb").parent
    with pytest.raises(StartupError, match=r"-m lyricist bundle .*exported --tokenizer"):
        check_model(folder, "exported")


def test_a_bundles_name_is_not_its_folder(here: Path) -> None:
    make(here / ".versequeue" / "models" / "mine" / "bundle.json")
    with pytest.raises(StartupError, match=r"Did you mean --model \.versequeue/models/mine\?$"):
        check_model(Path("mine"), "mine")


def test_any_other_folder_is_named(here: Path) -> None:
    (here / "empty").mkdir()
    with pytest.raises(StartupError, match="empty holds no model bundle"):
        check_model(here / "empty", "empty")
    with pytest.raises(StartupError, match="no such folder"):
        check_model(here / "nowhere", "nowhere")


def test_any_other_file_is_named(here: Path) -> None:
    make(here / "README.md")
    with pytest.raises(StartupError, match=r"^README\.md is a file, and neither a GGUF file"):
        check_model(here / "README.md", "README.md")
