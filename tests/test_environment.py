"""The environment that `make` installs into: made once, healed whatever happened to it.

pip is played, since nothing may be downloaded; virtual environments are real, and but for one
copies of one, since making one takes seconds.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import environment
from environment import BUILDING, SERVING, STAMP, Unusable, provide
from lyricist.building.release import MODEL_RELEASE
from tests.support.waiting import wait_until

#: The real one.
CREATE = venv.create


class Made:
    """A checkout with an environment, and what pip was asked for."""

    def __init__(self, here: Path, fresh_venv: Path) -> None:
        self.here = here
        self.calls: list[tuple[str, str]] = []
        self._fresh_venv = fresh_venv

    def create(self, folder: Path, *, clear: bool, with_pip: bool, symlinks: bool) -> None:
        """What `venv.create` makes of these, in a fraction of its time."""
        assert clear
        assert with_pip
        assert symlinks
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self._fresh_venv, folder, symlinks=True, copy_function=os.link)

    def pip(self, folder: Path, *arguments: str) -> None:
        self.calls.append((folder.name, Path(arguments[-1]).name))

    def asked(self) -> list[tuple[str, str]]:
        """What was installed since this was last asked."""
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture(scope="module")
def fresh_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment, to be copied."""
    folder = tmp_path_factory.mktemp("fresh") / ".venv"
    CREATE(folder, with_pip=True, symlinks=True)
    return folder


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_venv: Path) -> Made:
    made = Made(tmp_path / "checkout", fresh_venv)
    shutil.copytree(fresh_venv, made.here / ".venv", symlinks=True, copy_function=os.link)
    for path in (*environment.HERE.glob("requirements*.txt"), environment.HERE / "pyproject.toml"):
        shutil.copy(path, made.here)
    move(made, made.here, monkeypatch)
    monkeypatch.setattr(environment, "pip", made.pip)
    monkeypatch.setattr(venv, "create", made.create)
    return made


def move(made: Made, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.here = here
    monkeypatch.setattr(environment, "HERE", here)
    monkeypatch.setattr(environment, "SERVING", here / SERVING.name)
    monkeypatch.setattr(environment, "BUILDING", here / BUILDING.name)


SERVES = [(".venv", "requirements-serve.txt"), (".venv", "checkout")]


def test_what_is_there_is_not_installed_again(made: Made) -> None:
    python = provide("serve")
    assert made.asked() == SERVES
    assert subprocess.run([python, "-c", "import pip"], check=False).returncode == 0
    assert provide("serve") == python
    assert made.asked() == []


def test_a_second_installer_waits_for_the_first(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def pip(folder: Path, *arguments: str) -> None:
        begun.set()
        assert may_end.wait(30)
        made.pip(folder, *arguments)

    monkeypatch.setattr(environment, "pip", pip)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(provide, "serve")
        assert begun.wait(30)
        second = pool.submit(provide, "serve")
        told: list[str] = []

        def is_told() -> bool:
            told.append(capsys.readouterr().err)
            return "this waits for it" in "".join(told)

        wait_until(is_told, 30, what="the second installer")
        may_end.set()
        assert first.result(30) == second.result(30)
    assert made.asked() == SERVES


def test_what_befell_an_environment_is_told(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    provide("serve")
    place = made.here / ".venv" / STAMP
    known = json.loads(place.read_text())
    place.write_text(json.dumps({**known, environment.UNFINISHED: "serve"}))
    provide("serve")
    assert ".venv was interrupted; it is made anew." in capsys.readouterr().err
    place.write_text(json.dumps({**known, "made": "elsewhere"}))
    provide("serve")
    assert ".venv was moved, or made by another Python; it is" in capsys.readouterr().err


def test_a_changed_requirement_is_installed(made: Made) -> None:
    provide("serve")
    made.asked()
    with (made.here / "requirements-serve.txt").open("a") as file:
        file.write("another==1\n")
    provide("serve")
    assert made.asked() == SERVES


def test_an_install_that_was_interrupted_goes_on(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "pip", interrupt)
        with pytest.raises(KeyboardInterrupt):
            provide("serve")
    provide("serve")
    assert made.asked() == SERVES


def test_an_environment_in_which_pip_was_killed_is_made_anew(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """pip takes a package for installed whose files are half gone, whatever is asked for then."""
    provide("serve")
    made.asked()
    requirements = made.here / "requirements-serve.txt"
    before = requirements.read_text()
    half_gone = made.here / ".venv" / "half-gone"

    def kill(*_: object) -> None:
        half_gone.touch()
        raise KeyboardInterrupt

    requirements.write_text(f"{before}another==1\n")
    with monkeypatch.context() as patch:
        patch.setattr(environment, "pip", kill)
        with pytest.raises(KeyboardInterrupt):
            provide("serve")
    requirements.write_text(before)
    provide("serve")
    assert made.asked() == SERVES
    assert "made anew" in capsys.readouterr().err
    assert not half_gone.exists()


def test_an_environment_in_which_pip_failed_is_kept(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise Unusable("There is no network.")

    with monkeypatch.context() as patch:
        patch.setattr(environment, "pip", fail)
        with pytest.raises(Unusable):
            provide("serve")
    provide("serve")
    assert made.asked() == SERVES
    assert "made anew" not in capsys.readouterr().err


def test_an_environment_without_pip_is_made_anew(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a Ctrl-C in its first seconds leaves it."""
    monkeypatch.setattr(venv, "create", CREATE)
    folder = made.here / ".venv"
    shutil.rmtree(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = provide("serve")
    assert "made anew" in capsys.readouterr().err
    assert subprocess.run([python, "-c", "import pip"], check=False).returncode == 0


def test_a_checkout_that_was_moved_gets_a_new_environment(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provide("serve")
    made.asked()
    move(made, made.here.rename(tmp_path / "elsewhere"), monkeypatch)
    provide("serve")
    assert made.asked() == [SERVES[0], (".venv", "elsewhere")]


def test_another_python_gets_a_new_environment(made: Made) -> None:
    provide("serve")
    made.asked()
    stamp = made.here / ".venv" / STAMP
    version = f" {sys.version_info[0]}.{sys.version_info[1]} "
    stamp.write_text(stamp.read_text().replace(version, " 3.10 "))
    provide("serve")
    assert made.asked() == SERVES


def test_building_has_an_environment_of_its_own_where_nobody_tests(made: Made) -> None:
    provide("serve")
    made.asked()
    assert provide("build") == made.here / ".venv-build" / "bin" / "python"
    weights = (".venv-build", MODEL_RELEASE)
    assert made.asked() == [(".venv-build", "requirements-build.txt"), weights]


def test_an_environment_in_another_folder_finds_our_packages_after_its_own(
    made: Made, tmp_path: Path
) -> None:
    python = provide("build", tmp_path / "data" / "builder")
    assert python == tmp_path / "data" / "builder" / "bin" / "python"
    assert made.asked() == [("builder", "requirements-build.txt"), ("builder", MODEL_RELEASE)]
    code = (
        "import sys, lyricist.building.release as it; print(it.__file__, sys.path[-1], sep='\\n')"
    )
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    here = str(environment.PACKAGES)
    assert done.stdout.splitlines() == [f"{here}/lyricist/building/release.py", here]


def test_what_is_googles_is_installed_beside_what_serves(made: Made) -> None:
    provide("serve")
    made.asked()
    assert provide("gcp") == made.here / ".venv" / "bin" / "python"
    assert made.asked() == [(".venv", "requirements-gcp.txt")]


def test_tests_need_all_of_it_in_one(made: Made) -> None:
    python = provide("dev")
    assert {folder for folder, _ in made.asked()} == {".venv"}
    assert provide("build") == python
    assert made.asked() == []


def test_a_python_without_venv_says_what_to_install(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    shutil.rmtree(made.here / ".venv")
    monkeypatch.setattr("venv.create", refuse)
    with pytest.raises(Unusable, match=r"apt install python3\.\d+-venv"):
        provide("serve")


def test_a_python_that_tensorflow_has_no_wheels_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["environment.py", "serve"])
    monkeypatch.setattr(environment, "TOO_NEW", (3, 11))
    assert environment.main() == 2
    assert "make PYTHON=python3.12" in capsys.readouterr().err


def test_building_needs_nothing_that_its_requirements_leave_out() -> None:
    named = set()
    for path in (environment.HERE / "lyricist").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                named |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named.add(node.module.partition(".")[0])
    others = {name.replace("_", "-") for name in named - sys.stdlib_module_names - {"lyricist"}}
    assert "ai-edge-litert" in others
    text = (environment.HERE / "requirements-build.txt").read_text()
    # What TensorFlow, sentencepiece and huggingface-hub bring along.
    brought = {"keras", "google", "httpx2"}
    assert others - brought <= set(re.findall(r"^([\w-]+)==", text, re.MULTILINE))


def test_a_python_that_knows_no_unions_of_types_comes_as_far_as_the_sentence() -> None:
    """Up to 3.9 an annotation such as `Path | None` fails where it is read."""
    assert environment.provide.__annotations__["folder"] == "Path | None"
