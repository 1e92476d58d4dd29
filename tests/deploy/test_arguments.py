"""What is asked of a deployment: everything that makes no sense is refused by one sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gcloud.machine import Machine
from tests.support.paths import ROOT

Heard = pytest.CaptureFixture[str]
NAMED = "Name the project: make deploy PROJECT=my-project"
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--project=", NAMED),
        ("--project=  ", NAMED),
        ("--project=Song Shop", "PROJECT='Song Shop' is no project's id"),
        ("--project=song", "6 to 30 small letters"),
        ('--project=song"shop', "is no project's id"),
        ("--project=example.com:song-shop", "is no project's id"),
        ("--region=", "REGION='' is no region, such as us-central1"),
        ("--region=europe", "REGION='europe' is no region"),
        ("--region=us-east-1", "REGION='us-east-1' is no region"),
        ("--region=us-central1-a", "REGION='us-central1-a' is no region"),
        ("--model=gs://songs", "'gs://songs' is no folder of a bucket"),
        ("--model=a=default,b=gs://songs", "'gs://songs' is no folder of a bucket"),
        ("--model=a=default,a=tiny", "--model: two models are called a; name them: other=PATH."),
        ("--origins=https://a.example b.example", "--origins: 'b.example' is no origin"),
        ("--origins=https://a.example/songs", "is no origin, such as https://songs.example"),
        ("--origins=https://a|b", "is no origin"),
    ],
)
def test_what_makes_no_sense_is_said_before_anybody_is_asked(
    machine: Machine, capsys: Heard, argument: str, sentence: str
) -> None:
    assert machine.deploy(argument) == 2

    heard = capsys.readouterr().err
    assert sentence in heard
    assert len(heard.splitlines()) == 1
    assert machine.cloud.ran == []


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--budget=five", "'five' is no amount, such as 5 or 7.50"),
        ("--budget=-5", "'-5' is no amount"),
        ("--budget=", "'' is no amount"),
        ("--cap=no", "'no' is neither 1 nor 0"),
        ("--dry-run=yes", "'yes' is neither 1 nor 0"),
        ("--daily-budget=-1", "'-1' is no whole number from 0"),
        ("--daily-budget=1.5", "'1.5' is no whole number from 0"),
        ("--memory=4GiB", "'4GiB' is no number of MiB from 2048 to 8192"),
        ("--memory=512", "'512' is no number of MiB from 2048 to 8192"),
        ("--rate-per-minute=many", "'many' is no whole number from 0"),
        ("--trusted-proxies=", "'' is no whole number from 0"),
        ("--no-such-option", "unrecognized arguments: --no-such-option"),
    ],
)
def test_what_cannot_be_read_is_one_line_too(
    machine: Machine, capsys: Heard, argument: str, sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        machine.deploy(argument)

    assert ended.value.code == 2
    heard = capsys.readouterr().err
    assert sentence in heard
    assert len(heard.splitlines()) == 1
    assert machine.cloud.ran == []


def test_the_help_says_what_the_command_does(machine: Machine, capsys: Heard) -> None:
    with pytest.raises(SystemExit) as ended:
        machine.deploy("--help")

    assert ended.value.code == 0
    assert "Deploys VerseQueue to a project on Google Cloud" in capsys.readouterr().out


def test_a_cap_without_a_budget_is_no_deployment(machine: Machine, capsys: Heard) -> None:
    assert machine.deploy("--cap", "--budget=0") == 2
    assert "A cap needs a budget" in capsys.readouterr().err

    machine.cloud.has_billing_rights = False
    assert machine.deploy("--cap") == 1
    assert "Budget alert at 5 a month failed." in capsys.readouterr().err


def test_a_cap_of_0_is_none(machine: Machine) -> None:
    assert machine.deploy("--cap=0") == 0

    assert "versequeue-cap" not in machine.cloud.of("run services")


def test_removing_without_a_project_names_the_command_that_removes(
    machine: Machine, capsys: Heard
) -> None:
    assert machine.destroy("--project=") == 2
    assert "make destroy PROJECT=" in capsys.readouterr().err


def test_checking_asks_for_the_project_and_changes_nothing(machine: Machine, capsys: Heard) -> None:
    assert machine.check() == 0
    assert capsys.readouterr().out == ""
    assert [line.partition(" song-shop")[0] for line in machine.cloud.ran] == ["projects describe"]

    machine.cloud.project = "somebody-elses"
    assert machine.check("--project=song-shop") == 1
    assert "sees no such project" in capsys.readouterr().err


def test_a_plan_that_nobody_reads_ends_without_a_word() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)  # as `head` does once it has enough

    done = subprocess.run(
        [sys.executable, "-m", "deploy", "apply", "--dry-run"],
        cwd=ROOT,
        stdout=write_end,
        stderr=subprocess.PIPE,
        timeout=60,
    )

    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


@needs_make
@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ({"PROJECT": "song-shop"}, "--project song-shop"),
        ({"PROJECT": 'it\'s a "shop"'}, '--project it\'s a "shop"'),
        ({"PROJECT": "`touch oops`"}, "--project `touch oops`"),
        ({"PROJECT": "song-shop", "REGION": "a b"}, "--region a b"),
        ({"PROJECT": "song-shop", "CAP": "0"}, "--cap 0"),
    ],
)
def test_make_hands_over_what_was_typed(tmp_path: Path, typed: dict[str, str], given: str) -> None:
    done = make(tmp_path, "deploy", typed)

    assert given in done.stdout
    assert not (tmp_path / "oops").exists()


@needs_make
def test_make_asks_before_it_builds_a_model_and_deploys_the_one_that_is_named(
    tmp_path: Path,
) -> None:
    lines = make(tmp_path, "deploy", {"PROJECT": "song-shop", "MODEL": "tiny"}).stdout.splitlines()

    order = [line.split()[1:3] for line in lines if line.startswith("-m")]
    assert [" ".join(words) for words in order] == [
        "deploy check",
        "versequeue.local.model_build build",
        "deploy apply",
    ]
    assert all("--model .versequeue/models/tiny" in line for line in lines if "-m deploy" in line)
    dry = make(tmp_path, "deploy", {"DRY_RUN": "1"}).stdout
    assert "--dry-run 1" in dry
    assert "model_build" not in dry
    fetched = make(tmp_path, "deploy", {"PROJECT": "song-shop", "MODEL": "gs://a/b"}).stdout
    assert "--model gs://a/b" in fetched
    assert "model_build" not in fetched


def make(folder: Path, target: str, typed: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`make` in an empty checkout, whose Python prints what it is called with."""
    (folder / ".venv/bin").mkdir(parents=True, exist_ok=True)
    python = folder / ".venv/bin/python"
    python.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    shutil.copy(ROOT / "Makefile", folder)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    words = [f"{name}={value}" for name, value in typed.items()]
    return subprocess.run(
        ["make", "--no-print-directory", target, f"PYTHON={python}", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
