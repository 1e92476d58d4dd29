"""What `pip install` brings: everything that serving imports, and what the client does with."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.paths import ROOT

CLIENT = (ROOT / "docs" / "client.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


FUNCTIONS = sorted(ROOT.glob("*_fn/requirements.txt"))


def names(requirements: list[str]) -> set[str]:
    return {Requirement(each).name for each in requirements}


def pinned(*files: str | Path) -> set[str]:
    """Names with their versions, such as `click==8.5.1`."""
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    return {line.partition("#")[0].strip() for line in lines if line[:1].isalpha()}


def test_each_extra_has_what_the_pinned_requirements_have() -> None:
    light, extras = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    assert light == names([*pinned("requirements-serve.txt")]) - {"setuptools"}
    assert names(extras["gcp"]) == names([*pinned("requirements-gcp.txt")])
    assert names(extras["tensorflow"]) == {"tensorflow"}
    assert light | names(extras["build"]) == light | names([*pinned("requirements-build.txt")])


def test_one_machine_serves_with_the_versions_that_the_functions_are_deployed_with() -> None:
    serves, google = pinned("requirements-serve.txt"), pinned("requirements-gcp.txt")
    assert pinned(*FUNCTIONS) <= serves | google
    assert all(name.startswith(("google-", "grpc")) for name in google)
    assert not any(name.startswith(("google-", "grpc")) for name in serves)


@pytest.mark.parametrize("module", ["versequeue.client.client", "versequeue.cli.main"])
def test_the_client_needs_no_more_than_its_documentation_says(module: str) -> None:
    # Whatever else there is in this environment cannot be imported.
    [said] = re.findall(r"pip install --no-deps \S+ && pip install (.+)$", CLIENT, re.MULTILINE)
    others = names(PROJECT["dependencies"]) - set(said.split())
    heavy = sorted({each.replace("-", "_") for each in others} | {"google", "tensorflow", "gguf"})
    code = f"import sys\nfor name in {heavy}: sys.modules[name] = None\nimport {module}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(ROOT))


SERVES = ("versequeue.local.up", *(f"{path.parent.name}.main" for path in FUNCTIONS))
#: Of an installation that has nothing of Google's.
GOOGLES = ["google.auth", "google.api_core", "google.cloud.firestore", "google.pubsub_v1", "grpc"]
WITHOUT_GOOGLE = f"import sys\nfor name in {GOOGLES}: sys.modules[name] = None\n"


def test_one_machine_serves_without_googles_libraries() -> None:
    code = WITHOUT_GOOGLE + f"import importlib\nfor it in {SERVES}: importlib.import_module(it)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT)


@pytest.mark.parametrize(
    ("asked", "brings"),
    [
        (["--backend", "emulators"], "make up BACKEND=emulators"),
        (["--model", "gs://songs/v1"], "make up MODEL=gs://"),
    ],
)
def test_who_asks_for_something_of_googles_is_told_what_brings_it(
    asked: list[str], brings: str, tmp_path: Path
) -> None:
    up = ["up", "--data-dir", str(tmp_path), "--port", "0", *asked]
    code = WITHOUT_GOOGLE + f"from versequeue.cli.main import main; main({up})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2
    assert brings in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_client_alone_says_in_one_sentence_that_it_cannot_serve() -> None:
    code = (
        "import sys; sys.modules['functions_framework'] = None\n"
        "from versequeue.cli.main import main; main(['up'])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: functions_framework is missing: this is the client")
    assert "Traceback" not in done.stderr
