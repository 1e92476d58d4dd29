"""The wheel of this checkout, built once, and a Python that has it instead of the checkout."""

import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LIMIT_S = 280
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


@dataclass(frozen=True)
class Installed:
    """A wheel, and the virtual environment that it was installed into."""

    wheel: Path
    home: Path

    def program(self, name: str) -> str:
        """A program of the environment, by its whole path."""
        return str(self.home / "bin" / name)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment that borrows what it depends on from the one of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(folder)
    home = folder / "environment"
    venv.create(home, symlinks=True)
    install = ["--python", str(home / "bin" / "python"), "install", "--quiet", "--no-deps"]
    _run([*PIP, *install, "--no-index", str(wheel)])
    own = sysconfig.get_path("purelib", vars={"base": str(home)})
    # The path alone: the .pth files there, which lead to the checkout, are not read.
    (Path(own) / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return Installed(wheel, home)


def build_wheel(folder: Path) -> Path:
    """Build the wheel in a copy: where setuptools has built before, it would find old files."""
    source = folder / "source"
    listed = _run(["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"])
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    _run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)])
    [wheel] = folder.glob("*.whl")
    return wheel


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout
