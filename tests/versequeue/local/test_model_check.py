"""What `up` says where there is no model: what lies there, and the command that helps."""

import json
from pathlib import Path

import pytest

from versequeue.config import Settings
from versequeue.errors import StartupError
from versequeue.local import model_check
from versequeue.local.model_check import check_model, have_models
from versequeue.named_models import NamedModel, read_models
from versequeue.rules.outlook import About


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_bundle_is_taken(here: Path) -> None:
    check_model(make(here / "mine" / "bundle.json").parent, "mine")


def test_what_is_missing_is_built_and_each_model_is_told_by_its_name_in_jobs(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def build(model: NamedModel, folder: Path) -> None:
        built.append(model.name)
        make(folder / "bundle.json", json.dumps({"name": "A", "licence": "mit"}))

    monkeypatch.setattr(model_check, "build_if_missing", build)
    one = Settings(data_dir=here, models=read_models("default"))
    assert have_models(one) == {"": About("A", "mit")}
    make(here / "mine" / "config.json")
    several = Settings(data_dir=here, models=read_models("default,other=mine"))
    assert have_models(several) == {"default": About("A", "mit"), "other": About("A", "mit")}
    assert built == ["default", "default", "other"]
    assert (here / "models" / "from-mine" / "bundle.json").exists()


@pytest.mark.parametrize("manifest", ["", "{", "[]", "null", '{"name": 5}', "[" * 100_000, "\x00"])
def test_a_manifest_of_another_kind_says_nothing_of_its_model(here: Path, manifest: str) -> None:
    make(here / "mine" / "bundle.json", manifest)
    settings = Settings(data_dir=here, models=read_models("mine"))
    assert have_models(settings) == {"": About()}


def test_a_gguf_file_that_is_not_there_is_named(here: Path) -> None:
    with pytest.raises(StartupError, match=r"^other\.gguf is not there"):
        have_models(Settings(data_dir=here, models=read_models("other.gguf")))


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
    with pytest.raises(StartupError, match=r"README\.md is a file, and neither a GGUF file"):
        check_model(here / "README.md", "README.md")


def test_a_path_that_is_too_long_for_any_folder_is_told_in_short() -> None:
    with pytest.raises(StartupError, match="no such folder") as told:
        have_models(Settings(models=read_models(f"a={'x' * 10_000}")))
    assert len(str(told.value)) < 300
