"""The steps of a deployment: complete, least privileged, and repeatable."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from deploy import messaging, services
from deploy.functions import DEPLOYED, FUNCTIONS, TELLS_VISITORS_APART, Caller, deployed, function
from tests.support.deployment import TARGET, created
from versequeue.config import ACK_DEADLINE_S, Settings
from versequeue.emulated import topics as pubsub_topics
from versequeue.emulated.up import EmulatedServer
from versequeue.functions.sizes import SIZES
from versequeue.named_models import read_models
from versequeue.ports.queue import Topic


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
        "/projects/song-shop/topics/jobs " in text
        for text in pushes
    )


def test_the_emulators_are_given_the_policy_of_the_deployment() -> None:
    assert pubsub_topics.Policy() == pubsub_topics.Policy(
        ack_deadline_s=ACK_DEADLINE_S,
        max_deliveries=messaging.DELIVERY_ATTEMPTS,
        backoff_first_s=messaging.MIN_BACKOFF_S,
        backoff_longest_s=messaging.MAX_BACKOFF_S,
    )
    assert {topic.value for topic in Topic} == set(messaging.PUSHES)
    assert pubsub_topics.DEAD_LETTER == messaging.DEAD_LETTER


def test_a_batch_and_a_visitor_have_services_of_their_own_that_run_the_same_worker() -> None:
    visitors, batches = (deployed(messaging.PUSHES[topic]) for topic in ("jobs", "bulk"))
    deploys = {text.split()[2]: text for text in created() if text.startswith("run deploy")}

    def flags(service: str, *names: str) -> list[str]:
        return [word for word in deploys[service].split() if word.startswith(names)]

    assert (visitors.service, batches.service) == ("versequeue-worker", "versequeue-bulk")
    for service in (visitors.service, batches.service):
        pushed = f"--push-auth-token-audience=https://{service}-123456789012.europe-west1.run.app "
        assert sum(pushed in text for text in created() if " create " in text) == 1
    same = ("--base-image", "--service-account", "--cpu=", "--memory", "--timeout")
    assert flags("versequeue-worker", *same) == flags("versequeue-bulk", *same)
    assert flags("versequeue-bulk", "--image", "--source") == ["--image=NEEDED"]
    assert "--min-instances=0" in deploys["versequeue-bulk"]
    assert Settings.from_environ(services.settings(TARGET, batches)).bulk_only
    assert not Settings.from_environ(services.settings(TARGET, visitors)).bulk_only


def test_only_submit_and_results_are_public() -> None:
    deploys = {text.split()[2]: text for text in created() if text.startswith("run deploy")}

    everybody = "run services add-iam-policy-binding (\\S+) --member=allUsers"
    public = set(re.findall(everybody, "\n".join(created())))

    assert (len(FUNCTIONS), len(deploys)) == (5, 6)
    assert public == {"versequeue-submit", "versequeue-results"}
    for spec in DEPLOYED:
        private = "--no-allow-unauthenticated" in deploys[spec.service]
        assert private is (spec.service not in public)
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
    for spec in DEPLOYED:
        deploy = next(text for text in created() if text.startswith(f"run deploy {spec.service} "))
        assert f"--service-account=versequeue-{spec.name}@" in deploy


def test_results_can_only_read() -> None:
    member = TARGET.member("results")

    rights = [text for text in created() if member in text]

    roles = sorted(re.findall(r"--role=(\S+)", " ".join(rights)))
    assert roles == ["roles/datastore.viewer", *["roles/secretmanager.secretAccessor"] * 3]
    assert len(rights) == len(roles)


def test_both_public_functions_can_tell_visitors_behind_the_page_apart() -> None:
    for spec in FUNCTIONS:
        if spec.caller is Caller.ANYONE:
            deploy = next(text for text in created() if f" deploy {spec.service} " in text)
            for variable, secret in TELLS_VISITORS_APART:
                assert f"{variable}={secret}:latest" in deploy
                grant = (
                    f"secrets add-iam-policy-binding {secret} --member={TARGET.member(spec.name)}"
                )
                assert any(text.startswith(grant) for text in created())


def test_the_worker_may_publish_wherever_it_sends_a_job_on_alone() -> None:
    member = TARGET.member("worker")
    for topic in Topic:
        grant = f"pubsub topics add-iam-policy-binding {topic} --member={member}"
        assert any(text.startswith(grant) for text in created())


def test_the_worker_takes_one_message_at_a_time_and_ends_before_it_is_sent_again() -> None:
    size = SIZES["worker"]

    assert size.concurrency == 1
    assert Settings().attempt_limit_s < size.timeout_s < ACK_DEADLINE_S
    assert size.memory_mib <= 1024 or size.cpu >= 1


def test_each_service_is_told_what_its_instances_have() -> None:
    deploys = {text.split()[2]: text for text in created() if text.startswith("run deploy")}

    assert {spec.service.removeprefix("versequeue-") for spec in DEPLOYED} == set(SIZES)
    for name, size in SIZES.items():
        text = deploys[f"versequeue-{name}"]
        assert f"--concurrency={size.concurrency} " in text
        assert f"|THREADS={size.concurrency}" in text
        assert f"--cpu={size.cpu} " in text
        assert (f"|VERSEQUEUE_MODEL_THREADS={size.cpu}" in text) is size.has_model


def test_functions_on_the_emulators_are_told_the_same(tmp_path: Path) -> None:
    server = object.__new__(EmulatedServer)
    server._scratch = SimpleNamespace(name=str(tmp_path))  # type: ignore[assignment]
    for name, size in SIZES.items():
        if name != "bulk":  # one worker takes both kinds of messages there
            process = server._function(name, "http")
            assert size.variables.items() <= process._environ.items()


def test_all_instances_together_fit_into_a_new_projects_processors() -> None:
    assert sum(size.cpu * size.max_instances for size in SIZES.values()) <= 20


def test_jobs_are_kept_in_the_one_database_that_has_a_free_tier() -> None:
    (database,) = (text for text in created() if text.startswith("firestore databases create"))

    assert "--database=(default)" in database
    # https://cloud.google.com/firestore/quotas: a named database has none.
    assert "only for a project's first database" in Path("docs/costs.md").read_text(
        encoding="utf-8"
    )


def test_settings_are_those_that_the_functions_read() -> None:
    for spec in DEPLOYED:
        environ = services.settings(TARGET, spec) | {name: "s" * 32 for name, _ in spec.secrets}
        settings = Settings.from_environ(environ)
        assert settings.backend == "gcp"
        assert settings.project == TARGET.project
        if spec.caller is Caller.ANYONE:
            settings.check_hash_key()
    submit = Settings.from_environ(
        services.settings(TARGET, function("submit")) | {"VERSEQUEUE_HASH_KEY": "k"}
    )
    assert submit.cors_origins == TARGET.cors_origins
    assert submit.daily_budget == TARGET.daily_budget
    assert submit.trusted_proxies == 1


def test_every_service_knows_all_models_and_the_worker_has_room_for_those_it_fetches() -> None:
    models = read_models("a=model/1,b=gs://songs/b,c=gs://songs/c,d=gs://others/d")
    several = replace(TARGET, models=models, memory_mib=4096)

    for spec in DEPLOYED:
        assert Settings.from_environ(services.settings(several, spec)).models == models
    texts = created(several)
    sizes = {text.split()[2]: text for text in texts if text.startswith("run deploy")}
    room = 4096 + 3 * services.FETCHED_MODEL_MIB
    assert f"--memory={room}Mi" in sizes["versequeue-worker"]
    assert f"--memory={room}Mi" in sizes["versequeue-bulk"]
    assert f"--memory={SIZES['submit'].memory_mib}Mi" in sizes["versequeue-submit"]
    opened = [text.split()[3] for text in texts if "storage.objectViewer" in text]
    assert opened == ["gs://songs", "gs://others"]


def test_compiled_files_outlive_a_build_that_loses_their_dates(tmp_path: Path) -> None:
    source = tmp_path / "ours.py"
    source.write_text("answer = 42\n", encoding="utf-8")
    name, _, value = services.BUILD_VARIABLES.partition("=")

    # As the buildpack for functions does (cmd/python/functions_framework).
    subprocess.run(
        [sys.executable, "-m", "compileall", "-f", "-q", "."],
        cwd=tmp_path,
        env={name: value},
        check=True,
    )

    (compiled,) = (tmp_path / "__pycache__").iterdir()
    is_told_by_digest = int.from_bytes(compiled.read_bytes()[4:8], "little") & 1  # PEP 552
    assert is_told_by_digest
    for text in created():
        assert ("--source=" in text) is (f"--update-build-env-vars={name}={value}" in text)
