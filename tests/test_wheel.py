"""The wheel, away from the checkout: it holds all that serves, and builds a model."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import requests

from tests.support.paths import ROOT
from tests.support.wheel import Installed
from versequeue.child_process import ChildProcess
from versequeue.local.host import READY

#: Of what is in these folders, nothing may be left behind.
ALL_OF = ("lyricist", "versequeue", "worker_fn", "submit_fn", "results_fn", "notify_fn", "sweep_fn")
NOT_SHIPPED = {"README.md", "locked.txt", "requirements.txt"}
pytestmark = pytest.mark.processes


def environ() -> dict[str, str]:
    """Ours, without what would lead to the checkout."""
    known = {key: value for key, value in os.environ.items() if "VERSEQUEUE" not in key}
    return {**known, "PYTHONPATH": "", "PYTHONUNBUFFERED": "1"}


def test_the_wheel_holds_every_file_of_the_packages_and_of_the_page(installed: Installed) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *ALL_OF, "web"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    names = [name for name in listed if (ROOT / name).is_file()]
    wanted = {name for name in names if Path(name).name not in NOT_SHIPPED}
    moved = {f"versequeue/shipped/{name}" if name.startswith("web/") else name for name in wanted}
    held = set(ZipFile(installed.wheel).namelist())
    assert moved - held == set()
    beside = {"versequeue/shipped/environment.py", "versequeue/shipped/requirements-build.txt"}
    about = {name for name in held if ".dist-info/" in name}
    assert held - moved - about == beside


def process_of(installed: Installed, folder: Path) -> ChildProcess:
    """`versequeue up` of the wheel, far from the checkout."""
    command = [installed.program("versequeue"), "up", "--port", "0", "--model", "tiny"]
    return ChildProcess(command, environ=environ(), cwd=folder, log=folder / "log")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_installed_server_passes_the_tests_of_the_contract(
    installed: Installed, tmp_path: Path
) -> None:
    with process_of(installed, tmp_path) as server:
        url = server.wait_for_line(READY, 250, "the installed server").rstrip("/")
        suite = "tests/versequeue/api/test_openapi.py"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", suite],
            cwd=ROOT, env={**os.environ, "CONTRACT_URL": url},
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_an_installed_server_builds_its_model_and_writes_a_song_far_from_the_checkout(
    installed: Installed, tmp_path: Path
) -> None:
    with process_of(installed, tmp_path) as server:
        url = server.wait_for_line(READY, 250, "the installed server").rstrip("/")
        page = requests.get(f"{url}/", timeout=60)
        asked = {"prompt": "rain over the city", "options": {"lines": 4}}
        wait = {"Prefer": "wait=30"}
        job = requests.post(f"{url}/v1/jobs", json=asked, headers=wait, timeout=90).json()
        printed = server.printed()
    assert page.content == (ROOT / "web" / "index.html").read_bytes()
    assert job["status"] == "succeeded", job
    assert len(job["output"]["lyrics"].split("\n")) >= 4
    assert printed.index("not built yet") < printed.index(READY)
    assert (tmp_path / ".versequeue" / "models" / "tiny" / "bundle.json").is_file()


def test_an_installed_package_imports_nothing_from_the_checkout(
    installed: Installed, tmp_path: Path
) -> None:
    code = (
        "import lyricist, versequeue, worker_fn\n"
        "from versequeue.local.host import HOME, IS_CLONE, WORKER\n"
        "assert not IS_CLONE\n"
        "for each in lyricist, versequeue, worker_fn: print(each.__file__)\n"
        "print(HOME, WORKER, sep='\\n')"
    )
    done = subprocess.run(
        [installed.program("python"), "-c", code],
        cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        assert Path(line).is_relative_to(installed.home), line
