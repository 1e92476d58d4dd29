"""Carrying steps out, and taking them back: once, twice, and when something is refused."""

import re
from pathlib import Path

import pytest

from deploy.__main__ import main
from deploy.apply import PATIENCE_S, Runner, StepFailed, make_secret
from deploy.gcloud import Answer
from deploy.stage import Staged
from deploy.steps import Command, Secret, Step
from tests.support.deployment import steps
from tests.support.gcloud.machine import Machine
from versequeue.webhooks.push_keys import PushKey


def test_destroying_goes_on_after_a_refusal_and_names_what_is_left() -> None:
    planned = (
        Step("a", remove=("remove", "a")),
        Step("b", remove=("remove", "b")),
        Step("c", remove=("remove", "c")),
    )
    answers = {"a": Answer(0), "b": Answer(1, "", "no right"), "c": Answer(1, "", "NOT_FOUND")}
    heard: list[str] = []
    runner = Runner(lambda command, stdin: answers[command[1]], heard.append, lambda seconds: None)

    assert runner.destroy(planned) == ["b"]
    assert heard == [
        *("[1/3] c", "  was not there"),
        *("[2/3] b", "  b failed.\n  gcloud remove b\nno right"),
        *("[3/3] a", "  removed"),
    ]


def test_names_that_are_only_known_later_are_filled_in() -> None:
    budget = next(step for step in steps() if step.title.startswith("Budget"))
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(0, "01-02\n" if "describe" in command else "billingAccounts/x/budgets/42\n")

    runner = Runner(gcloud, lambda line: None, lambda seconds: None)
    runner.apply([budget])
    runner.destroy([budget])

    assert [command[2] for command in ran] == [
        *("describe", "list", "update"),
        *("describe", "list", "delete"),
    ]
    for command in (ran[2], ran[5]):
        assert "billingAccounts/x/budgets/42" in command
        assert "--billing-account=01-02" in command


def test_a_right_for_an_identity_made_moments_ago_is_tried_again() -> None:
    answers = [Answer(1, "", "Service account x does not exist.")] * 2 + [Answer(0)]
    waits: list[float] = []
    step = Step("role", create=("grant",))

    Runner(lambda command, stdin: answers.pop(0), print, waits.append).apply([step])

    assert len(waits) == 2


def test_a_thing_that_only_its_own_making_can_find_is_left_alone() -> None:
    index = next(step for step in steps() if step.title.startswith("Index on jobs"))
    heard: list[str] = []
    refused = Answer(1, "", "ERROR: ALREADY_EXISTS: index already exists")

    Runner(lambda command, stdin: refused, heard.append, lambda seconds: None).apply([index])

    assert heard == ["[1/1] Index on jobs (batch_id, created_at, tags)", "  already there"]


def test_a_refused_step_stops_the_deployment_with_gclouds_own_words() -> None:
    step = Step("role", create=("grant", "it"))
    waits: list[float] = []
    runner = Runner(lambda command, stdin: Answer(1, "", "PERMISSION_DENIED"), print, waits.append)

    with pytest.raises(StepFailed, match=r"role failed.\n  gcloud grant it\nPERMISSION_DENIED"):
        runner.apply([step])

    assert sum(waits) == PATIENCE_S


def test_secrets_reach_gcloud_on_standard_input_only() -> None:
    given: dict[str, str] = {}
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        if stdin:
            given[command[3]] = stdin
        return Answer(0)

    Runner(gcloud, lambda line: None, lambda seconds: None).apply(
        [step for step in steps() if step.needs is None and not step.absent]
    )

    secret = given["versequeue-webhook-secret"]
    assert len(set(given.values())) == 4
    assert PushKey.read(given["versequeue-push-key"]).public_key, "what the functions read"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert not any(value in word for value in given.values() for line in ran for word in line)
    assert make_secret(Secret.KEY) != make_secret(Secret.KEY)


def test_a_warning_before_an_error_is_not_taken_for_it() -> None:
    warned = Answer(1, "", "WARNING: x does not exist\nERROR: (gcloud.run.deploy) no right")

    assert not warned.absent
    assert not warned.not_yet
    assert warned.complaint == "ERROR: (gcloud.run.deploy) no right"


def test_a_step_that_may_be_refused_is_not_waited_for_and_does_not_stop_the_rest() -> None:
    ran: list[Command] = []
    heard: list[str] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(1, "", "PERMISSION_DENIED") if command == ("a",) else Answer(0)

    Runner(gcloud, heard.append, lambda seconds: None).apply(
        [Step("a", create=("a",), if_refused="Ask somebody."), Step("b", create=("b",))]
    )

    assert ran == [("a",), ("b",)]
    assert heard[1].startswith("  left out. Ask somebody.\na failed.")


def test_a_dry_run_prints_the_commands_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(1, "", "no account")

    assert main(["apply", "--dry-run"], gcloud) == 0

    printed = capsys.readouterr().out
    assert ran == []
    assert "gcloud run deploy versequeue-worker" in printed
    assert "# bulk     https://versequeue-bulk-PROJECT_NUMBER" in printed
    assert "gcloud pubsub topics create jobs --project=my-project" in printed
    assert "versequeue-worker-PROJECT_NUMBER.us-central1.run.app" in printed


def test_deploying_without_a_project_or_with_an_unknown_one_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["apply"], lambda command, stdin: Answer(0)) == 2
    assert "PROJECT=" in capsys.readouterr().err

    refusing = ["apply", "--project=song-shop"]
    assert main(refusing, lambda command, stdin: Answer(1, "", "NOT_FOUND")) == 1
    refused = "Looking up project song-shop failed.\n  gcloud projects describe song-shop"
    assert capsys.readouterr().err.startswith(refused)


@pytest.mark.parametrize("said", ["", "4711", "no project of that name"])
def test_a_project_that_gcloud_says_something_odd_of_is_one_sentence(
    capsys: pytest.CaptureFixture[str], said: str
) -> None:
    assert main(["apply", "--project=song-shop"], lambda command, stdin: Answer(0, said)) == 1
    assert capsys.readouterr().err.startswith("gcloud says of song-shop what is no number and name")


def test_a_deployment_ends_with_the_addresses_the_page_and_a_song(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    smoked: list[str] = []

    def smoke(submit: str, results: str, *_: object) -> str:
        smoked.extend([submit, results])
        return "la la la"

    def gcloud(command: Command, stdin: str) -> Answer:
        return Answer(0, "123\tsong-shop\n" if "projectNumber" in command[-1] else "found\n")

    monkeypatch.setattr("deploy.smoke.smoke", smoke)
    monkeypatch.setattr("deploy.__main__.WEB", tmp_path)
    monkeypatch.setattr("deploy.__main__.BUILD", tmp_path / "build")

    status = main(["apply", "--project=song-shop", "--model=gs://songs/one"], gcloud)

    urls = [f"https://versequeue-{name}-123.us-central1.run.app" for name in ("submit", "results")]
    assert status == 0
    assert smoked == urls
    assert (tmp_path / "build/worker_fn/main.py").exists()
    assert all(url in (tmp_path / "config.js").read_text(encoding="utf-8") for url in urls)
    assert capsys.readouterr().out.endswith("la la la\n")


def test_a_missing_model_stops_a_deployment_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(0, "123\tsong-shop\n")

    monkeypatch.setattr("deploy.__main__.BUILD", tmp_path / "build")

    assert main(["apply", "--project=song-shop", f"--model={tmp_path}"], gcloud) == 2
    assert "python -m lyricist build" in capsys.readouterr().err
    assert all("describe" in command for command in ran)


def test_destroying_asks_for_the_projects_name_twice(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(0, "42 song-shop")

    assert main(["destroy", "--project=song-shop"], gcloud) == 2
    assert "CONFIRM=song-shop" in capsys.readouterr().err
    assert not any("delete" in command for command in ran)


def test_a_model_that_is_large_for_the_worker_is_told_of_unless_its_memory_was_chosen(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    staged = (Staged("worker", Path("build/worker_fn"), 100, 370_000_000),)
    monkeypatch.setattr("deploy.stage.stage_all", lambda *_, **__: staged)
    doubt = "build/worker_fn carries 370 MB. If that is one model, 2048 MiB are too few"

    assert machine.deploy() == 0
    assert doubt in capsys.readouterr().out

    assert machine.deploy("--memory=3584") == 0
    assert doubt not in capsys.readouterr().out
    worker = machine.cloud.of("run services")["versequeue-worker"]
    assert "3584Mi" in str(worker)
