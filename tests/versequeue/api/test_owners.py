"""What the owner is shown of the whole service, and who else is not."""

from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from tests.support.api import ApiUnderTest, is_problem, make_api
from tests.support.samples import song_of
from versequeue.config import Settings
from versequeue.rules.job import Metrics, Stage

HERE, ELSEWHERE = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "203.0.113.5"}
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def look(
    api: ApiUnderTest,
    path: str = "/metrics",
    environ: dict[str, str] = HERE,
    **headers: str,
) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.get(path, environ_base=environ, headers=named)


def samples(api: ApiUnderTest) -> dict[str, float]:
    """Each sample of /metrics by its name and labels, as Prometheus' own reader takes it."""
    answer = look(api, Accept=OPEN_METRICS)
    assert answer.status_code == 200, answer.text
    assert answer.content_type.startswith("application/openmetrics-text")
    return {
        sample.name + "".join(f" {label}={word}" for label, word in sample.labels.items()): value
        for family in text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if (value := sample.value) is not None
    }


def write(api: ApiUnderTest, job_id: str, queue_s: float) -> None:
    api.clock.pass_s(queue_s)
    attempt = api.worker_side.claim(job_id, Stage.LOADING_MODEL)
    assert attempt
    api.clock.pass_s(2)
    took = Metrics(queue_s=queue_s, generate_s=2.0, worker_s=2.0, starts=1, tokens=60)
    attempt.succeed(song_of("one", "two"), took)
    api.worker_side.show_ends()


def test_the_figures_tell_what_waits_what_has_ended_and_what_it_took() -> None:
    api = make_api()
    write(api, api.submit(), 3.0)
    write(api, api.submit(), 0.5)
    api.client.post(f"/v1/jobs/{api.submit()}/cancel")
    api.submit()
    api.clock.pass_s(7)
    found = samples(api)
    assert found["versequeue_jobs_total end=succeeded"] == 2
    assert found["versequeue_jobs_total end=canceled"] == 1
    assert found["versequeue_jobs_total end=failed"] == 0
    assert (found["versequeue_jobs_queued"], found["versequeue_jobs_running"]) == (1, 0)
    assert found["versequeue_queue_age_seconds"] == 7
    assert found["versequeue_job_queue_seconds_bucket le=1.0"] == 1
    assert found["versequeue_job_queue_seconds_bucket le=5.0"] == 2
    assert found["versequeue_job_queue_seconds_sum"] == 3.5
    assert found["versequeue_job_seconds_count"] == 2
    assert found["versequeue_cold_starts_total"] == 2
    assert (found["versequeue_lines_total"], found["versequeue_tokens_total"]) == (4, 120)
    assert found["versequeue_worker_seconds_total"] == 4
    assert found["versequeue_worker_awake"] == 1
    assert found["versequeue_line_seconds effort=quick model=default"] > 0
    assert 0.0003 < found["versequeue_cost_dollars_total"] < 0.002


def test_a_job_that_is_canceled_again_and_again_has_ended_once() -> None:
    api = make_api()
    job_id = api.submit()
    for _ in range(3):
        api.client.post(f"/v1/jobs/{job_id}/cancel")
        api.clock.pass_s(1)
    assert samples(api)["versequeue_jobs_total end=canceled"] == 1


def test_a_server_on_which_nothing_has_happened_has_every_metric_at_zero() -> None:
    found = samples(make_api())
    assert found.pop("versequeue_build_info version=0.3.0") == 1
    assert set(found.values()) == {0}
    assert len(found) > 40


def test_an_old_reader_gets_the_older_text() -> None:
    answer = look(make_api())
    assert answer.content_type.startswith("text/plain")
    assert "# TYPE versequeue_jobs_total counter" in answer.text


def test_who_asks_for_a_version_that_is_none_gets_the_older_text() -> None:
    answer = look(make_api(), Accept="application/openmetrics-text; version=newest")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")


def test_the_overview_shows_jobs_without_their_prompts_and_without_the_keys_to_them() -> None:
    api = make_api()
    done, running = api.submit("secret words"), api.submit("other words")
    write(api, done, 1.0)
    attempt = api.worker_side.claim(running, Stage.WRITING)
    assert attempt
    api.clock.pass_s(5)
    attempt.lines(["one"])
    answer = look(api, "/v1/overview")
    found: Any = answer.get_json()
    assert (found["running_count"], found["queue_depth"], found["worker"]) == (1, 0, "warm")
    assert [each["lines_done"] for each in found["running"]] == [1]
    assert {each["id"] for each in found["latest"]} == {done[:12], running[:12]}
    assert found["today"]["succeeded"] == 1
    assert 0.0001 < found["today"]["cost_usd"] < 0.001
    for secret in ("words", done, running):
        assert secret not in answer.text


def test_the_money_of_a_day_begins_anew_with_the_day() -> None:
    api = make_api()
    write(api, api.submit(), 1.0)
    api.clock.pass_s(86_400)
    today: Any = look(api, "/v1/overview").get_json()["today"]
    assert (today["succeeded"], today["cost_usd"]) == (0, 0)
    assert samples(api)["versequeue_jobs_total end=succeeded"] == 1


PATHS = ("/metrics", "/v1/overview")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        (ELSEWHERE, {}),
        ({}, {}),
        (HERE, {"X_Forwarded_For": "203.0.113.5"}),
        (HERE, {"X_Forwarded_For": "127.0.0.1"}),
        (HERE, {"Forwarded": "for=203.0.113.5"}),
        (HERE, {"X_Real_IP": "203.0.113.5"}),
        (HERE, {"X_Forwarded_Proto": "https"}),
        (HERE, {"Via": "1.1 caddy"}),
        (HERE, {"X_VerseQueue_Page": "a guess"}),
    ],
    ids=[
        *("elsewhere", "unknown", "proxied", "made up", "forwarded"),
        *("real address", "protocol", "via", "page host"),
    ],
)
def test_without_keys_nobody_else_sees_the_figures(
    path: str, environ: dict[str, str], headers: dict[str, str]
) -> None:
    problem = is_problem(look(make_api(), path, environ, **headers), 401, "unauthorized")
    assert "VERSEQUEUE_API_KEYS" in problem["detail"]


@pytest.mark.parametrize("path", PATHS)
def test_with_keys_the_figures_are_for_whoever_has_one_wherever_he_is(path: str) -> None:
    api = make_api(Settings(hash_key="test", api_keys=("anna",)))
    is_problem(look(api, path, HERE), 401, "unauthorized")
    is_problem(look(api, path, ELSEWHERE, X_Api_Key="bert"), 403, "forbidden")
    assert look(api, path, ELSEWHERE, X_Api_Key="anna").status_code == 200
    assert look(api, path, ELSEWHERE, Authorization="Bearer anna").status_code == 200


def test_behind_a_proxy_that_is_trusted_the_callers_own_address_counts() -> None:
    api = make_api(Settings(hash_key="test", trusted_proxies=1))
    assert look(api, X_Forwarded_For="127.0.0.1").status_code == 200
    is_problem(look(api, X_Forwarded_For="203.0.113.5"), 401, "unauthorized")


@pytest.mark.parametrize("broken", [[], "x", {"ever": [1]}, {"ever": {"usd": "1", "lines": -5}}])
def test_totals_that_somebody_broke_begin_anew(broken: Any) -> None:
    api = make_api()
    state = {"ever": {"made.up": 1}} if broken == [] else broken
    api.store.update_state(
        "totals", lambda _: state if isinstance(state, dict) else {"ever": state}
    )
    api.client.post(f"/v1/jobs/{api.submit()}/cancel")
    found = samples(api)
    assert found["versequeue_jobs_total end=canceled"] == 1
    assert (found["versequeue_lines_total"], "made" in str(found)) == (0, False)
