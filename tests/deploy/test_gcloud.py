"""Every command, planned or documented, before the real gcloud, without an account."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.database import read_indexes
from deploy.deployment import deployment_steps
from deploy.steps import Command
from tests.support.deployment import TARGET
from tests.support.gcloud.texts import ACCOUNT, TEXTS
from tests.support.paths import ROOT

Ask = Callable[[list[Command]], list[str]]
#: Something for each word that a row of the table leaves open.
WORDS = {
    "project": "song-shop",
    "number": "123456789012",
    "region": "europe-west1",
    "name": "x",
    "short": "x",
    "api": "run.googleapis.com",
    "member": "m",
    "seconds": "9",
}
#: Sentences that gcloud says without asking anybody: row -> file and words.
IN_ITS_SOURCE = {
    "no run services": ("surface/run/services/describe.py", "Cannot find service [{}]"),
    "no run services to delete": (
        "googlecloudsdk/command_lib/run/serverless_operations.py",
        "Service [{}] could not be found.",
    ),
    "no objects": (
        "googlecloudsdk/command_lib/storage/name_expansion.py",
        "The following URLs matched no objects or files:\\n{}",
    ),
    "builder unknown": (
        "googlecloudsdk/command_lib/run/build_util.py",
        "Build service account {build_service_account} does not exist.",
    ),
    "broken off": (
        "googlecloudsdk/core/exceptions.py",
        "This may be due to network connectivity issues. Please check your network settings, and "
        "the status of the service you are trying to reach.",
    ),
}
#: What gcloud answers to a command that it has understood.
NO_ACCOUNT = "do not currently have an active account"


@pytest.fixture
def gcloud_folder() -> Path:
    program = shutil.which("gcloud")
    if program is None:
        message = "the Cloud SDK is not installed, so no command was given to gcloud"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return Path(program).resolve().parent.parent


def inside_gcloud(
    script: str, gcloud_folder: Path, home: Path, asked: Sequence[object], account: str = ""
) -> list[str]:
    """What a script of tests/support tells under gcloud's own Python."""
    bundled = gcloud_folder / "platform" / "bundledpythonunix" / "bin" / "python3"
    python = str(bundled) if bundled.exists() else shutil.which("python3")
    assert python
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLOUDSDK_CONFIG": str(home),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "0",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        **({"CLOUDSDK_CORE_ACCOUNT": account} if account else {}),
    }
    done = subprocess.run(
        [python, str(ROOT / "tests" / "support" / script), str(gcloud_folder)],
        input=json.dumps(asked),
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answers: list[str] = json.loads(done.stdout)
    return answers


@pytest.fixture
def ask_gcloud(gcloud_folder: Path, tmp_path: Path) -> Ask:
    """What gcloud says to each command."""
    return lambda commands: inside_gcloud("gcloud_parser.py", gcloud_folder, tmp_path, commands)


def refused(commands: list[Command], answers: list[str]) -> dict[str, str]:
    """The commands that gcloud did not understand, each with what it said."""
    return {
        " ".join(command): answer
        for command, answer in zip(commands, answers, strict=True)
        if NO_ACCOUNT not in answer
    }


def test_gcloud_accepts_every_planned_command(ask_gcloud: Ask, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    planned = deployment_steps(replace(TARGET, cap=True), tmp_path / "build", read_indexes())
    forms = [
        (step.needs, step.exists, step.create, step.otherwise, step.update, step.remove)
        for step in planned
    ]
    commands = [command for step in forms for command in step if command is not None]
    commands += [("projects", "describe", "p")]

    assert refused(commands, ask_gcloud(commands)) == {}
    assert len(commands) > 100


def test_gcloud_refuses_what_it_does_not_know(
    ask_gcloud: Ask,
) -> None:
    answers = ask_gcloud(
        [
            ("pubsub", "topics", "create", "jobs", "--no-such-flag"),
            ("pubsub", "topics", "invent", "jobs"),
            ("pubsub", "subscriptions", "create", "jobs"),
        ]
    )

    assert not any(NO_ACCOUNT in answer for answer in answers)


def documented_commands() -> list[Command]:
    """Every gcloud command that a page of the documentation tells a reader to type."""
    found = []
    for page in ("deploy", "operate", "other-hosts"):
        text = Path(f"docs/{page}.md").read_text(encoding="utf-8")
        for line in re.findall(r"gcloud [^`|\n]+", re.sub(r"\$\([^)]*\)", "2026-01-02", text)):
            words = shlex.split(line, comments=True)
            if "…" not in line.split("#")[0] and words[1] not in ("auth",):
                found.append(tuple(words[1:]))
    return found


def test_gcloud_accepts_every_documented_command(
    ask_gcloud: Ask,
) -> None:
    commands = [(*command, "--project=p") for command in documented_commands()]

    assert refused(commands, ask_gcloud(commands)) == {}
    assert len(commands) > 10


def test_the_stand_in_says_what_gcloud_makes_of_the_same_answers(
    gcloud_folder: Path, tmp_path: Path
) -> None:
    rows = {name: row for name, row in TEXTS.items() if row.url}
    answers = [
        {
            "url": row.url.format(**WORDS),
            "code": row.code,
            "body": {
                "code": row.code,
                "status": row.status,
                "message": row.message.format(**WORDS),
                **({"details": row.details} if row.details else {}),
            },
        }
        for row in rows.values()
    ]

    said = inside_gcloud("gcloud_formatter.py", gcloud_folder, tmp_path, answers, ACCOUNT)

    expected = {name: row.said.format(**WORDS) for name, row in rows.items()}
    assert dict(zip(rows, said, strict=True)) == expected
    assert len(rows) > 20


def test_the_sentences_of_gcloud_itself_stand_in_its_source(gcloud_folder: Path) -> None:
    for row, (file, words) in IN_ITS_SOURCE.items():
        source = (gcloud_folder / "lib" / file).read_text(encoding="utf-8")
        joined = re.sub(r"'\s*\n\s*f?'", "", source)
        assert words in joined, row
        anything = re.sub(r"\\\{\w*\\\}", ".+", re.escape(words.replace("\\n", "\n")))
        assert re.search(anything, TEXTS[row].said), row
