"""Whose model a bundle is made of: called by its own name, and built anew when it changes."""

import os
from pathlib import Path

import pytest

from lyricist.building.freshness import is_current
from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.source import name_of, open_checkpoint
from lyricist.bundle.manifest import read_bundle
from lyricist.bundle.prompt_form import PLAIN, PromptForm
from lyricist.checkpoints.files import digest_of
from lyricist.errors import BuildError
from tests.support.family_checkpoints import write_adapter, write_folder


def test_a_model_is_called_by_the_name_of_its_file_folder_or_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Tiny-3.2.gguf").touch()
    (tmp_path / "Tiny-3.2").mkdir()
    assert name_of(tmp_path / "Tiny-3.2.gguf") == "Tiny-3.2"
    assert name_of(tmp_path / "Tiny-3.2") == "Tiny-3.2"
    assert name_of("hf:owner/Tiny-3.2") == "Tiny-3.2"
    monkeypatch.chdir(tmp_path / "Tiny-3.2")
    assert name_of(".") == "Tiny-3.2"


def test_a_place_where_no_model_is_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"nothing cannot be read: No such file"):
        build_bundle(tmp_path / "out", BuildOptions(source=str(tmp_path / "nothing")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BuildError, match=r"empty is no model: it has no config\.json"):
        open_checkpoint(tmp_path / "empty")


def test_a_folder_is_another_one_when_a_file_of_the_model_changes(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tiny", "llama")
    before = digest_of(folder)
    (folder / "notes.txt").write_text("of no use to a model")
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert digest_of(folder) == before
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert digest_of(folder) != before


@pytest.mark.parametrize("name", ["tokenizer.json", "README.md", "other.safetensors"])
def test_a_pipe_among_the_files_of_a_model_is_refused_and_not_waited_for(
    tmp_path: Path, name: str
) -> None:
    folder = write_folder(tmp_path / "tiny", "llama")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    for source in (folder, folder / name):
        with pytest.raises(BuildError, match=rf"{name} is neither a file nor a folder: "):
            build_bundle(tmp_path / "out", BuildOptions(source=str(source)))
    with pytest.raises(BuildError, match=rf"{name} is neither a file nor a folder: "):
        build_bundle(tmp_path / "out", BuildOptions(adapters=(folder,)))


def test_a_device_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "zero.gguf").symlink_to("/dev/zero")
    with pytest.raises(BuildError, match=r"zero\.gguf is neither a file nor a folder: "):
        build_bundle(tmp_path / "out", BuildOptions(source=str(tmp_path / "zero.gguf")))


@pytest.mark.model
def test_a_bundle_knows_its_adapters_and_their_order(tmp_path: Path) -> None:
    source = str(write_folder(tmp_path / "tiny", "llama"))
    adapters = tuple(write_adapter(tmp_path / name, name) for name in ("lora", "lora_stable"))
    folder = tmp_path / "bundle"
    options = BuildOptions(source=source, adapters=adapters)
    assert build_bundle(folder, options) is True
    made = read_bundle(folder)
    assert (made.name, made.adapter, made.family) == ("lora_stable", "lora, lora_stable", "Llama")
    assert build_bundle(folder, options) is False
    assert is_current(folder, "default", source, adapters)
    assert not is_current(folder, "default", source, adapters[::-1])
    assert not is_current(folder, "default", source, adapters[:1])
    assert not is_current(folder, "default", source)


@pytest.mark.model
def test_a_model_can_be_told_a_bare_line_whatever_its_template(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "tiny", "llama")
    template = "{% for each in messages %}[{{ each.role }}]{{ each.content }}{% endfor %}"
    (source / "chat_template.jinja").write_text(template)
    told = []
    for plain in (False, True):
        options = BuildOptions(source=str(source), plain=plain)
        assert build_bundle(tmp_path / "bundle", options) is True, "they are not the same bundle"
        assert build_bundle(tmp_path / "bundle", options) is False
        told.append(read_bundle(tmp_path / "bundle").prompt)
    assert told == [PromptForm("[system]", "[user]"), PLAIN]
