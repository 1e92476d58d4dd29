"""The project's own adapter is a part of the default model, and of no other."""

from dataclasses import replace
from pathlib import Path

import pytest

from lyricist.building.adapter import read_adapter
from lyricist.building.freshness import adapters_digest, is_current, source_digest
from lyricist.building.own_adapter import ITS_MODEL, OWN_ADAPTER, own_adapters
from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.release import packaged_gguf
from lyricist.bundle.manifest import read_bundle
from lyricist.errors import BuildError


def test_it_was_tuned_on_the_default_model_as_its_makers_left_it() -> None:
    found = read_adapter(OWN_ADAPTER)
    assert found.source_sha256 == ITS_MODEL == source_digest(packaged_gguf())
    assert (found.preset, found.below_sha256) == ("default", "")
    assert len(found.phrases.hashes) > 10_000


def test_it_belongs_below_what_tune_writes_and_not_below_what_peft_writes(tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    assert own_adapters(ITS_MODEL, "default", (mine,), untuned=False) == (OWN_ADAPTER,)
    assert own_adapters(ITS_MODEL, "default", (mine,), untuned=True) == ()
    assert own_adapters(ITS_MODEL, "default", (tmp_path,), untuned=False) == ()
    assert own_adapters(ITS_MODEL, "tiny", (), untuned=False) == ()
    assert own_adapters("0" * 64, "default", (), untuned=False) == ()


@pytest.mark.model
def test_the_default_bundle_has_it(default_bundle: Path) -> None:
    bundle = read_bundle(default_bundle)
    assert bundle.adapter_sha256 == adapters_digest([OWN_ADAPTER])
    assert bundle.prompt is not None
    assert bundle.prompt.tells_given == read_adapter(OWN_ADAPTER).tells_given
    assert is_current(default_bundle, "default", None)
    assert is_current(default_bundle, "default", str(packaged_gguf()))
    assert not is_current(default_bundle, "default", None, untuned=True)


def test_an_adapter_that_was_tuned_below_another_one_is_not_merged(tmp_path: Path) -> None:
    """Its numbers make up for what it was tuned over."""
    mine = tmp_path / "mine.safetensors"
    replace(read_adapter(OWN_ADAPTER), below_sha256="12345678" * 8).write(mine)
    with pytest.raises(BuildError, match=r"with the adapter 12345678; .* Tune it again\.$"):
        build_bundle(tmp_path / "bundle", BuildOptions(adapters=(mine,)))
    replace(read_adapter(OWN_ADAPTER), below_sha256="").write(mine)
    with pytest.raises(BuildError, match=r"as its makers left it; .* Tune it again\.$"):
        build_bundle(tmp_path / "bundle", BuildOptions(adapters=(mine,)))
