"""docs/architecture.md against the tree: what the map names is there, and every room is on it."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MAP = (ROOT / "docs" / "architecture.md").read_text()
#: A path of the map is meant from the checkout, or from the package that the sentence is about.
BASES = (ROOT, ROOT / "versequeue", ROOT / "lyricist")
#: A file, and the names in it that the text goes on with: `a.py` `B`, `a.py` `b`.
NAMED = re.compile(r"`([\w/]+\.(?:py|js))`((?:\s+`\w+(?:\.\w+)*`)+)")


def find(path: str) -> Path:
    """The file that the map means. Fails the test if there is none."""
    found = [base / path for base in BASES if (base / path).is_file()]
    assert found, f"{path} is on the map, but nowhere in the tree"
    return found[0]


def test_every_file_on_the_map_exists() -> None:
    paths = set(re.findall(r"`([\w/]+\.(?:py|js))`", MAP))
    assert len(paths) > 30
    for path in paths:
        find(path)


@pytest.mark.parametrize(("path", "names"), NAMED.findall(MAP))
def test_every_name_on_the_map_is_in_its_file(path: str, names: str) -> None:
    source = find(path).read_text()
    for name in re.findall(r"\w+", names):
        assert re.search(rf"\b(?:def|class|function|const) {name}\b", source), f"{name} in {path}"


@pytest.mark.parametrize("package", ["versequeue", "lyricist"])
def test_every_room_is_on_the_map(package: str) -> None:
    walls = ConfigParser()
    walls.read(ROOT / ".importlinter")
    contract = next(
        walls[section]
        for section in walls.sections()
        if walls[section].get("containers") == package
    )
    rooms = set(re.findall(r"\w+", contract["layers"])) - {"__main__"}
    assert len(rooms) > 5
    assert {room for room in rooms if not re.search(rf"[│\s]{room}\b", MAP)} == set()
