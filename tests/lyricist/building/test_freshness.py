"""Whether a bundle would be built anew: asked at every start, so without TensorFlow."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lyricist.building.freshness import is_current
from lyricist.building.release import packaged_gguf
from lyricist.bundle import sources
from lyricist.bundle.manifest import TOKENIZER, WORD_TABLE


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


def test_a_bundle_that_was_just_built_is_current(tiny_bundle: Path) -> None:
    assert is_current(tiny_bundle, "tiny", None)
    assert is_current(tiny_bundle, "tiny", str(packaged_gguf()))


def test_another_recipe_or_model_is_not(tiny_bundle: Path, tmp_path: Path) -> None:
    assert not is_current(tiny_bundle, "default", None)
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF")
    assert not is_current(tiny_bundle, "tiny", str(other))
    assert not is_current(tmp_path / "nowhere", "tiny", None)


@pytest.mark.parametrize("name", [TOKENIZER, WORD_TABLE])
def test_a_damaged_file_is_seen(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    assert not is_current(copy, "tiny", None)


@pytest.mark.parametrize(
    "source", ["building/network.py", "building/release.py", "language/rhyme.py"]
)
def test_other_code_would_build_another(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    package = Path(shutil.copytree(sources.PACKAGE, tmp_path / "lyricist"))
    with (package / source).open("a") as file:
        file.write("\n# another rule\n")
    monkeypatch.setattr(sources, "PACKAGE", package)
    sources.sources_digest.cache_clear()
    assert not is_current(copy, "tiny", None)
    monkeypatch.undo()
    sources.sources_digest.cache_clear()


def test_asking_loads_nothing_that_only_building_needs(tiny_bundle: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lyricist.building.freshness import is_current;"
        "assert is_current(Path(sys.argv[1]), 'tiny', None);"
        "print({'tensorflow', 'gguf', 'flatbuffers'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tiny_bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
