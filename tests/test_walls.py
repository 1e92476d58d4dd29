"""The walls between packages: the linter sees each kind of breach, and the rooms are in order.

A contract that cannot fail holds nothing up, so each is broken once, in a copy of the packages.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MOST_MODULES = 16
RULES = ConfigParser()
RULES.read(ROOT / ".importlinter")
#: The name of each contract, by its id.
CONTRACTS = {
    section.rpartition(":")[2]: RULES[section]["name"]
    for section in RULES.sections()
    if section.startswith("importlinter:contract:")
}
#: For each contract one line that breaks it and no other, and the module where it stands.
BREACHES = {
    "job-system": ("versequeue/planning/fleet.py", "import versequeue.client.types"),
    "model": ("lyricist/building/presets.py", "import lyricist.writing.styles"),
    "apart": ("lyricist/arrays.py", "import versequeue.errors"),
    "product": ("versequeue/clock.py", "import deploy"),
    "functions": ("submit_fn/main.py", "import lyricist.songs"),
    "benchmarks": ("deploy/__init__.py", "import tests.support.paths"),
    "circles": ("versequeue/backends/sqlite_file.py", "import versequeue.backends.sqlite_store"),
}
INITS = sorted(
    path.relative_to(ROOT).as_posix()
    for root in ("versequeue", "lyricist")
    for path in (ROOT / root).rglob("__init__.py")
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Every package that the contracts speak of, and the contracts."""
    for package in RULES["importlinter"]["root_packages"].split():
        for source in (ROOT / package).rglob("*.py"):
            target = tmp_path / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def broken(folder: Path) -> set[str]:
    """The contracts that the packages in this folder break; all others are kept."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    # Wide enough that no name is wrapped.
    environ = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    results = dict(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.+\))?$", done.stdout, re.MULTILINE))
    assert set(results) == set(CONTRACTS.values()), done.stdout + done.stderr
    return {name for name, contract in CONTRACTS.items() if results[contract] == "BROKEN"}


def test_the_packages_keep_every_contract(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize("contract", CONTRACTS)
def test_one_import_in_the_wrong_place_breaks_the_contract_that_forbids_it(
    copy: Path, contract: str
) -> None:
    module, line = BREACHES[contract]
    with (copy / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert broken(copy) == {contract}


@pytest.mark.parametrize(
    ("root", "contract"), [("versequeue", "job-system"), ("lyricist", "model")]
)
def test_a_new_module_without_a_layer_is_refused(copy: Path, root: str, contract: str) -> None:
    (copy / root / "attic.py").write_text('"""A module that nobody has given a place."""\n')
    assert broken(copy) == {contract}


@pytest.mark.parametrize("init", INITS)
def test_a_package_says_what_it_owns_and_has_room_for_what_it_holds(init: str) -> None:
    path = ROOT / init
    assert ast.get_docstring(ast.parse(path.read_text())), f"{init} does not say what it owns"
    modules = [module.name for module in path.parent.glob("*.py") if module != path]
    assert len(modules) <= MOST_MODULES, f"{path.parent.name} holds {len(modules)} modules"


@pytest.mark.parametrize("init", INITS)
def test_a_package_opens_with_nothing_but_its_docstring(init: str) -> None:
    """But for the version and for what the client makes public."""
    _, *rest = ast.parse((ROOT / init).read_text()).body
    if init == "versequeue/__init__.py":
        assert [ast.unparse(node).partition(" = ")[0] for node in rest] == ["__version__"]
    elif init != "versequeue/client/__init__.py":
        assert rest == []
