"""The plan of a deployment: accepted by the real gcloud, complete, least privileged, repeatable."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy import messaging, services
from deploy.__main__ import main
from deploy.apply import RETRIES, Runner, StepFailed, make_secret
from deploy.database import read_indexes
from deploy.functions import FUNCTIONS, Caller, function
from deploy.gcloud import Answer
from deploy.page import write_config, write_rewrites
from deploy.plan import plan
from deploy.steps import FOUND, Command, Secret, Step
from deploy.target import Target
from versequeue.config import Settings

TARGET = Target(
    project="song-shop",
    region="europe-west1",
    project_number="123456789012",
    billing_account="billingAccounts/012345-6789AB-CDEF01",
    model="gs://song-models/smollm2",
    cors_origins=("https://songs.example", "https://two.example"),
)
INDEXES: dict[str, Any] = {
    "indexes": [
        {
            "collectionGroup": "jobs",
            "queryScope": "COLLECTION",
            "fields": [
                {"fieldPath": "batch_id", "order": "ASCENDING"},
                {"fieldPath": "created_at", "order": "DESCENDING"},
                {"fieldPath": "tags", "arrayConfig": "CONTAINS"},
            ],
        }
    ],
    "fieldOverrides": [
        {"collectionGroup": "jobs", "fieldPath": "expires_at", "ttl": True, "indexes": []},
    ],
}
NO_ACCOUNT = "do not currently have an active account"


def steps(target: Target = TARGET) -> tuple[Step, ...]:
    return plan(target, Path("build"), INDEXES)


def created(target: Target = TARGET) -> list[str]:
    return [" ".join(step.create) for step in steps(target) if step.create]


class FakeCloud:
    """Remembers what was made, by the command that would make it."""

    def __init__(self, planned: tuple[Step, ...]) -> None:
        self.planned = planned
        self.there: set[str] = set()
        self.ran: list[Command] = []
        self.given: dict[str, str] = {}

    def __call__(self, command: Command, stdin: str) -> Answer:
        self.ran.append(command)
        for step in self.planned:
            name = step.title.replace(" ", "-")
            if command == step.exists:
                return Answer(0, f"{name}\n" * (step.title in self.there))
            if command == step.create:
                if step.title in self.there and step.exists:
                    return Answer(1, "", "ERROR: ALREADY_EXISTS")
                self.there.add(step.title)
                self.given[step.title] = stdin
                return Answer(0)
            if step.remove and command == tuple(
                name if word == FOUND else word for word in step.remove
            ):
                self.there.discard(step.title)
        return Answer(0)

    def made(self) -> list[Command]:
        made = {step.create for step in self.planned if step.exists}
        return [command for command in self.ran if command in made]


@pytest.fixture
def gcloud_folder() -> Path:
    program = shutil.which("gcloud")
    if program is None:
        message = "the Cloud SDK is not installed, so no planned command was judged by gcloud"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return Path(program).resolve().parent.parent


@pytest.fixture
def judge(gcloud_folder: Path, tmp_path: Path) -> Callable[[list[Command]], list[str]]:
    def ask(commands: list[Command]) -> list[str]:
        bundled = gcloud_folder / "platform" / "bundledpythonunix" / "bin" / "python3"
        python = str(bundled) if bundled.exists() else shutil.which("python3")
        assert python
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "CLOUDSDK_CONFIG": str(tmp_path),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_CORE_CHECK_GCE_METADATA": "0",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        }
        script = Path(__file__).with_name("gcloud_judge.py")
        done = subprocess.run(
            [python, str(script), str(gcloud_folder)],
            input=json.dumps(commands),
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        answers: list[str] = json.loads(done.stdout)
        return answers

    return ask


def test_gcloud_accepts_every_planned_command(
    judge: Callable[[list[Command]], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "build").mkdir()
    planned = plan(TARGET, tmp_path / "build", read_indexes())
    commands = [command for step in planned for command in step.commands()]
    commands += [("projects", "describe", "p"), ("billing", "projects", "describe", "p")]

    answers = judge(commands)

    refused = {
        " ".join(command): answer
        for command, answer in zip(commands, answers, strict=True)
        if NO_ACCOUNT not in answer
    }
    assert refused == {}
    assert len(commands) > 100


def test_gcloud_refuses_what_it_does_not_know(
    judge: Callable[[list[Command]], list[str]],
) -> None:
    answers = judge(
        [
            ("pubsub", "topics", "create", "jobs", "--no-such-flag"),
            ("pubsub", "topics", "invent", "jobs"),
            ("pubsub", "subscriptions", "create", "jobs"),
        ]
    )

    assert not any(NO_ACCOUNT in answer for answer in answers)


def test_carrying_out_the_plan_twice_makes_everything_once() -> None:
    planned = steps()
    cloud = FakeCloud(planned)
    runner = Runner(cloud, lambda line: None, lambda seconds: None)

    runner.apply(planned)
    first = len(cloud.made())
    cloud.ran.clear()
    runner.apply(planned)

    assert first == sum(1 for step in planned if step.exists and step.create)
    assert cloud.made() == []


def test_destroying_removes_what_was_made_and_can_be_repeated() -> None:
    planned = steps()
    cloud = FakeCloud(planned)
    runner = Runner(cloud, lambda line: None, lambda seconds: None)
    runner.apply(planned)

    assert runner.destroy(planned) == []
    assert not {step.title for step in planned if step.remove} & cloud.there
    assert runner.destroy(planned) == []


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
    assert heard == ["c: was not there", "b: failed: no right", "a: removed"]


def test_a_generated_name_is_used_for_updating_and_removing() -> None:
    budget = next(step for step in steps() if step.title.startswith("Budget"))
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(0, "billingAccounts/x/budgets/42\n")

    runner = Runner(gcloud, lambda line: None, lambda seconds: None)
    runner.apply([budget])
    runner.destroy([budget])

    assert "billingAccounts/x/budgets/42" in ran[1]
    assert "billingAccounts/x/budgets/42" in ran[3]


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

    assert heard == ["Index on jobs (batch_id, created_at, tags): already there"]


def test_a_refused_step_stops_the_deployment_with_gclouds_own_words() -> None:
    step = Step("role", create=("grant", "it"))
    waits: list[float] = []
    runner = Runner(lambda command, stdin: Answer(1, "", "PERMISSION_DENIED"), print, waits.append)

    with pytest.raises(StepFailed, match=r"role failed.\n  gcloud grant it\nPERMISSION_DENIED"):
        runner.apply([step])

    assert len(waits) == RETRIES


def test_secrets_reach_gcloud_on_standard_input_only() -> None:
    planned = steps()
    cloud = FakeCloud(planned)
    Runner(cloud, lambda line: None, lambda seconds: None).apply(planned)

    secret = cloud.given["Secret versequeue-webhook-secret"]

    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert not any(secret in word for command in cloud.ran for word in command)
    assert make_secret(Secret.KEY) != make_secret(Secret.KEY)


def test_every_topic_is_pushed_with_the_longest_deadline_and_a_dead_letter_topic() -> None:
    pushes = [text for text in created() if "--push-endpoint" in text]

    assert len(pushes) == len(messaging.PUSHES)
    for text in pushes:
        assert "--ack-deadline=600" in text
        assert "--dead-letter-topic=dead-letter" in text
        assert "--expiration-period=never" in text
        assert "--push-auth-service-account=versequeue-invoker@" in text
    assert any(
        "--push-endpoint=https://versequeue-worker-123456789012.europe-west1.run.app"
        "/projects/song-shop/topics/bulk " in text
        for text in pushes
    )


def test_only_submit_and_results_are_public() -> None:
    deploys = [text for text in created() if text.startswith("run deploy")]

    public = {text.split()[2] for text in deploys if " --allow-unauthenticated" in text}

    assert len(deploys) == len(FUNCTIONS) == 5
    assert public == {"versequeue-submit", "versequeue-results"}
    for spec in FUNCTIONS:
        if spec.caller is Caller.GOOGLE:
            assert any(
                f"run services add-iam-policy-binding {spec.service} "
                "--member=serviceAccount:versequeue-invoker@" in text
                for text in created()
            )


def test_nothing_runs_while_nobody_asks() -> None:
    for text in created():
        if text.startswith("run deploy"):
            assert "--min-instances=0" in text
            assert re.search(r"--max-instances=[1-9]", text)
            assert "--cpu-boost" in text
            assert "--no-cpu-throttling" not in text


def test_no_function_has_a_broad_role_or_a_default_identity() -> None:
    granted = set(re.findall(r"--role=(\S+)", " ".join(created())))

    assert granted == {
        "roles/datastore.user",
        "roles/datastore.viewer",
        "roles/iam.serviceAccountTokenCreator",
        "roles/pubsub.publisher",
        "roles/pubsub.subscriber",
        "roles/run.builder",
        "roles/run.invoker",
        "roles/secretmanager.secretAccessor",
        "roles/storage.objectViewer",
    }
    for spec in FUNCTIONS:
        deploy = next(text for text in created() if text.startswith(f"run deploy {spec.service} "))
        assert f"--service-account=versequeue-{spec.name}@" in deploy


def test_results_can_only_read() -> None:
    member = TARGET.member("results")

    rights = [text for text in created() if member in text]

    assert len(rights) == 1
    assert "roles/datastore.viewer" in rights[0]


def test_the_worker_takes_one_message_at_a_time_and_ends_before_it_is_sent_again() -> None:
    worker = function("worker")

    assert worker.concurrency == 1
    assert Settings().attempt_limit_s < worker.timeout_s < messaging.ACK_DEADLINE_S
    assert worker.memory_mib <= 1024 or worker.cpu >= 1


def test_settings_are_those_that_the_functions_read() -> None:
    for spec in FUNCTIONS:
        environ = services.settings(TARGET, spec) | {name: "secret" for name, _ in spec.secrets}
        settings = Settings.from_environ(environ)
        assert settings.backend == "gcp"
        assert settings.project == TARGET.project
    submit = Settings.from_environ(
        services.settings(TARGET, function("submit")) | {"VERSEQUEUE_HASH_KEY": "k"}
    )
    assert submit.cors_origins == TARGET.cors_origins
    assert submit.daily_budget == TARGET.daily_budget
    assert submit.trusted_proxies == 1


def test_a_dry_run_prints_the_plan_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(1, "", NO_ACCOUNT)

    assert main(["apply", "--dry-run"], gcloud) == 0

    printed = capsys.readouterr().out
    assert all("describe" in command for command in ran)
    assert "gcloud run deploy versequeue-worker" in printed
    assert "gcloud pubsub topics create jobs --project=my-project" in printed
    assert "versequeue-worker-PROJECT_NUMBER.us-central1.run.app" in printed


def test_deploying_without_a_project_or_with_an_unknown_one_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["apply"], lambda command, stdin: Answer(0)) == 2
    assert "PROJECT=" in capsys.readouterr().err

    assert main(["apply", "--project=x"], lambda command, stdin: Answer(1, "", "NOT_FOUND")) == 1
    assert "gcloud projects describe x failed.\nNOT_FOUND" in capsys.readouterr().err


def test_a_deployment_ends_with_the_addresses_the_page_and_a_song(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    smoked: list[str] = []

    def smoke(submit: str, results: str, say: object) -> str:
        smoked.extend([submit, results])
        return "la la la"

    def gcloud(command: Command, stdin: str) -> Answer:
        return Answer(0, "123\n" if "projectNumber" in command[-1] else "found\n")

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
        return Answer(0, "123\n")

    monkeypatch.setattr("deploy.__main__.BUILD", tmp_path / "build")

    assert main(["apply", "--project=song-shop", f"--model={tmp_path}"], gcloud) == 2
    assert "python -m lyricist build" in capsys.readouterr().err
    assert all("describe" in command for command in ran)


def test_destroying_asks_for_the_projects_name_twice(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[Command] = []

    def gcloud(command: Command, stdin: str) -> Answer:
        ran.append(command)
        return Answer(0, "42")

    assert main(["destroy", "--project=song-shop"], gcloud) == 2
    assert "CONFIRM=song-shop" in capsys.readouterr().err
    assert not any("delete" in command for command in ran)


def test_the_page_is_told_where_the_functions_are(tmp_path: Path) -> None:
    standard = Path("web/config.js").read_text(encoding="utf-8")

    path = write_config(tmp_path, "https://submit.example", "https://results.example")

    assert 'SUBMIT_BASE = "https://submit.example";' in path.read_text(encoding="utf-8")
    assert write_config(tmp_path).read_text(encoding="utf-8") == standard


def test_rewrites_send_each_route_to_its_function(tmp_path: Path) -> None:
    path = write_rewrites(tmp_path, "https://submit.example", "https://results.example")

    rules = path.read_text(encoding="utf-8").splitlines()

    assert "/v1/jobs https://submit.example/v1/jobs 200!" in rules
    assert "/v1/jobs/:job_id/cancel https://submit.example/v1/jobs/:job_id/cancel 200!" in rules
    assert rules[-1] == "/v1/* https://results.example/v1/:splat 200!"


def test_the_page_is_not_pointed_at_a_placeholder(tmp_path: Path) -> None:
    settings = tomllib.loads(Path("netlify.toml").read_text(encoding="utf-8"))
    urls = settings["build"]["environment"]

    status = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.page", "--web", str(tmp_path)),
            *("--submit", urls["SUBMIT_URL"], "--results", urls["RESULTS_URL"]),
        ],
        timeout=60,
    ).returncode

    assert status == 2
    assert list(tmp_path.iterdir()) == []


def test_netlify_sends_the_headers_that_the_local_server_sends() -> None:
    from versequeue.local_app import PAGE_POLICY

    settings = tomllib.loads(Path("netlify.toml").read_text(encoding="utf-8"))
    sent = settings["headers"][0]["values"]

    def policy(text: str) -> set[str]:
        return {part.strip() for part in text.split(";")}

    differing = policy(sent["Content-Security-Policy"]) ^ policy(PAGE_POLICY)
    assert {part.split()[0] for part in differing} == {"connect-src"}
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert settings["build"]["publish"] == "web"


def test_every_function_has_an_image_that_runs_as_nobody_in_particular() -> None:
    folder = Path("deploy/containers")
    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
    targets = json.loads((folder / "bake.json").read_text(encoding="utf-8"))["target"]

    assert {name: target["args"] for name, target in targets.items()} == {
        spec.name: {"FUNCTION": spec.name, "SIGNATURE": spec.signature} for spec in FUNCTIONS
    }
    assert {target["context"] for target in targets.values()} == {
        f"build/{spec.folder}" for spec in FUNCTIONS
    }
    assert re.search(r"^USER (?!root)\w+$", dockerfile, re.MULTILINE)
    assert dockerfile.count("-slim") == 2
    assert "HEALTHCHECK" in dockerfile
    assert dockerfile.rstrip().endswith('CMD ["functions-framework"]')


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
    judge: Callable[[list[Command]], list[str]],
) -> None:
    commands = documented_commands()

    answers = judge([(*command, "--project=p") for command in commands])

    refused = {
        " ".join(command): answer
        for command, answer in zip(commands, answers, strict=True)
        if NO_ACCOUNT not in answer
    }
    assert refused == {}
    assert len(commands) > 10
