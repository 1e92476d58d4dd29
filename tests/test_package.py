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


def names(requirements: list[str]) -> set[str]:
    return {Requirement(each).name for each in requirements}


def pinned(*files: str) -> set[str]:
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    return names([line.partition("#")[0].strip() for line in lines if line[:1].isalpha()])


def test_each_extra_has_what_the_pinned_requirements_have() -> None:
    # The cap has nothing to do where there is no bill.
    folders = {path.parent.name for path in ROOT.glob("*_fn/requirements.txt")} - {"cap_fn"}
    functions = [f"{folder}/requirements.txt" for folder in folders]
    light, extras = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    serving = pinned("requirements-serve.txt", *functions) - {"setuptools", "tqdm"}
    assert light | names(extras["gcp"]) == serving | {"google-auth"}
    assert all(name.startswith(("google-", "grpc")) for name in names(extras["gcp"]))
    assert names(extras["tensorflow"]) == {"tensorflow"}
    assert light | names(extras["build"]) == light | pinned("requirements-build.txt")


@pytest.mark.parametrize("module", ["versequeue.client.client", "versequeue.cli.main"])
def test_the_client_needs_no_more_than_its_documentation_says(module: str) -> None:
    # Whatever else there is in this environment cannot be imported.
    [said] = re.findall(r"pip install --no-deps \S+ && pip install (.+)$", CLIENT, re.MULTILINE)
    others = names(PROJECT["dependencies"]) - set(said.split())
    heavy = sorted({each.replace("-", "_") for each in others} | {"google", "tensorflow", "gguf"})
    code = f"import sys\nfor name in {heavy}: sys.modules[name] = None\nimport {module}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(ROOT))


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
