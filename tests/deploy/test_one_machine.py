"""The files for one machine, each checked by its own tool where there is one."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser import missing
from tests.support.paths import ROOT

FOLDER = ROOT / "deploy" / "one-machine"
DOCUMENT = (ROOT / "docs" / "one-machine.md").read_text(encoding="utf-8")


def tool(name: str, where: str) -> str:
    """A program beside this Python or on the search path; else the test is skipped, loudly."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        missing(f"{name}, which was not found ({where})")
    return str(found)


def check(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("deploy/*/Dockerfile")), ids=lambda f: f.parent.name
)
def test_a_linter_finds_no_fault_in_a_container_file(file: Path) -> None:
    hadolint = tool("hadolint", "pip install -r requirements-dev.txt")
    check(hadolint, "--failure-threshold", "warning", file)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze", "Debian: systemd")
    unit = (FOLDER / "versequeue.service").read_text(encoding="utf-8")
    program = re.search(r"^ExecStart=(\S+) up ", unit, re.MULTILINE)
    assert program
    # It looks for the program, which is not installed here.
    copy = tmp_path / "versequeue.service"
    copy.write_text(unit.replace(program[1], "/bin/true"), encoding="utf-8")
    check(analyze, "verify", copy)


def test_caddy_takes_its_configuration() -> None:
    caddy = tool("caddy", "Debian: caddy")
    check(caddy, "validate", "--adapter", "caddyfile", "--config", FOLDER / "Caddyfile")


def test_the_unit_and_the_proxy_speak_of_one_port() -> None:
    port = re.search(r"--port (\d+)", (FOLDER / "versequeue.service").read_text(encoding="utf-8"))
    assert port
    assert f"127.0.0.1:{port[1]}" in (FOLDER / "Caddyfile").read_text(encoding="utf-8")


def test_the_container_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER 1000" in lines
    assert "VOLUME /data" in lines
    assert any("/healthz" in line for line in lines if line.startswith("HEALTHCHECK"))
    space = (FOLDER / "space.md").read_text(encoding="utf-8")
    assert f"app_port: {lines[-1].split(chr(34))[-2]}" in space


def test_the_wheel_that_an_image_is_made_of_is_the_only_one_there() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nwheel:")[2]
    removed, made = recipe.index("build/versequeue-*.whl"), recipe.index("pip wheel")
    assert removed < made


def test_the_page_names_every_file_for_one_machine() -> None:
    for file in FOLDER.iterdir():
        assert file.name in DOCUMENT
