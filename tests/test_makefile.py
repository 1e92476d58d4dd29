"""The Makefile's variables: what is misspelled is said, what there is is taken. Nothing is made."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


def dry(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What make would do."""
    return subprocess.run(
        ["make", "-n", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_a_variable_that_there_is_not_is_refused_by_its_name() -> None:
    done = dry("up", "PRT=9000")
    assert done.returncode == 2
    assert "PRT is no variable of this Makefile; there are: PYTHON" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("given", ["PORT=9000", "ARGS=--idle-timeout 3 --page x=y", "SHELL=sh"])
def test_a_variable_that_there_is_is_taken(given: str) -> None:
    done = dry("up", given)
    assert done.returncode == 0, done.stderr
    assert given.partition("=")[2] in done.stdout or "SHELL" in given


@pytest.mark.parametrize(
    ("given", "group"),
    [("PORT=9000", "serve"), ("BACKEND=emulators", "gcp"), ("MODEL=gs://songs/v1", "gcp")],
)
def test_googles_libraries_are_installed_only_for_something_of_googles(
    given: str, group: str
) -> None:
    assert f"environment.py {group} " in dry("setup", given).stdout


def test_every_variable_that_may_be_given_is_known() -> None:
    known = set(re.search(r"^KNOWN := (.*)$", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]
    used = set(re.findall(r"\$\(([A-Z_]+)\)", MAKEFILE)) | set(re.findall(r"\b([A-Z]+)=", MAKEFILE))
    own = set(re.findall(r"^([A-Z_]+) :?=", MAKEFILE, re.MULTILINE))
    assert (
        used - own - known - {"MAKEFILE_LIST", "VERSEQUEUE_DATA_DIR", "VERSEQUEUE_MODEL"} == set()
    )
    assert {"PORT", "LYRICS", "CONFIRM"} <= used & known


def test_the_example_says_that_it_trains_before_tensorflow_is_silent(tmp_path: Path) -> None:
    told = "First the network is trained"
    (line,) = [each for each in dry("example").stdout.splitlines() if told in each]
    for is_trained in (False, True):
        if is_trained:
            (tmp_path / ".versequeue/digits/model").mkdir(parents=True)
            (tmp_path / ".versequeue/digits/model/bundle.json").touch()
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True)
        assert (told in done.stderr) is not is_trained


def test_a_slash_at_the_end_of_a_folder_names_no_other_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").touch()
    plain = dry("model", f"MODEL={folder}")
    slashed = dry("model", f"MODEL={folder}/")
    assert "models/from-mine" in plain.stdout
    assert slashed.stdout == plain.stdout.replace(str(folder), f"{folder}/")
    assert "models/tuned-mine" in dry("model", f"ADAPTER={folder}/").stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "make tune LYRICS=songs.txt"),
        (["LYRICS=nowhere.txt"], "no file nowhere.txt that can be read"),
    ],
)
def test_lyrics_that_are_not_there_are_told_before_anything_is_installed(
    given: list[str], told: str
) -> None:
    command = ["make", "tune", "PYTHON=false", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr
