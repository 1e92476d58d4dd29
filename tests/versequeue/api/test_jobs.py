"""The HTTP side of jobs, in process: every answer of the contract, good and bad."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from werkzeug.test import TestResponse

from tests.support.in_process import InProcess, in_process
from tests.support.waiting import wait_until
from versequeue.config import Settings
from versequeue.ports.queue import Topic
from versequeue.rules.job import Stage

JSON = "application/json"


@pytest.fixture
def app(tmp_path: Path) -> InProcess:
    return in_process(tmp_path)


def is_problem(answer: TestResponse, status: int, slug: str) -> dict[str, Any]:
    """Assert that this is that problem document; the document."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    document: dict[str, Any] = answer.get_json()
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["detail"]
    return document


def pointers(document: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in document["errors"]]


def test_a_job_is_accepted_as_json(app: InProcess) -> None:
    answer = app.post_job({"prompt": "  rain\u0301  ", "metadata": {"a": "b"}})
    job = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert re.fullmatch(r"job_[0-9a-f]{40}", job["id"])
    assert job["prompt"] == "raiń"
    assert (job["status"], job["stage"], job["done"]) == ("queued", "waiting", False)
    assert job["options"]["lines"] == 16
    assert 0 <= job["options"]["seed"] < 2**32
    assert job["metadata"] == {"a": "b"}
    assert job["queue_position"] == 1
    assert app.queue.depth(Topic.JOBS) == 1


def test_a_job_is_accepted_as_a_form_whose_empty_fields_count_as_left_out(app: InProcess) -> None:
    form = {"prompt": "rain", "lines": "8", "explicit": "true", "seed": "", "temperature": "0.5"}
    job = app.client.post("/v1/jobs", data=form).get_json()
    assert job["options"]["lines"] == 8
    assert job["options"]["explicit"] is True
    assert job["options"]["temperature"] == 0.5


def test_a_job_is_accepted_as_plain_text(app: InProcess) -> None:
    answer = app.client.post("/v1/jobs", data="rain, rain\n", content_type="text/plain")
    assert answer.status_code == 202
    assert answer.get_json()["prompt"] == "rain, rain"


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, ["/prompt"]),
        ({"prompt": 5}, ["/prompt"]),
        ({"prompt": ""}, ["/prompt"]),
        ({"prompt": " \n "}, ["/prompt"]),
        ({"prompt": "x" * 501}, ["/prompt"]),
        ({"prompt": "a\x00b"}, ["/prompt"]),
        ({"prompt": "a\nb"}, ["/prompt"]),
        ({"prompt": "x", "promt": 1}, ["/promt"]),
        ({"prompt": "x", "options": []}, ["/options"]),
        ({"prompt": "x", "options": {"lines": 3}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"lines": 65}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"lines": "8"}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"lines": True}}, ["/options/lines"]),
        ({"prompt": "x", "options": {"temperature": 1.6}}, ["/options/temperature"]),
        ({"prompt": "x", "options": {"top_p": -0.1}}, ["/options/top_p"]),
        ({"prompt": "x", "options": {"seed": 2**32}}, ["/options/seed"]),
        ({"prompt": "x", "options": {"style": "polka"}}, ["/options/style"]),
        ({"prompt": "x", "options": {"mood": "m" * 41}}, ["/options/mood"]),
        ({"prompt": "x", "options": {"rhyme_scheme": "aabb"}}, ["/options/rhyme_scheme"]),
        ({"prompt": "x", "metadata": {"a": 1}}, ["/metadata/a"]),
        ({"prompt": "x", "webhook": {}}, ["/webhook/url"]),
        ([], [""]),
        ("text", [""]),
        (5, [""]),
    ],
)
def test_what_is_not_valid_is_refused_by_name_before_anything_is_queued(
    app: InProcess, body: Any, at: list[str]
) -> None:
    document = is_problem(app.post_job(body), 422, "validation")
    assert pointers(document) == at
    assert app.queue.depth(Topic.JOBS) == 0
    assert app.store.count_queued() == 0


@pytest.mark.parametrize(
    "body",
    [
        rb'{"prompt": "\ud800"}',
        rb'{"prompt": "x", "metadata": {"\ud800": "a"}}',
        rb'{"prompt": "x", "metadata": {"a": "\ud800"}}',
        rb'{"prompt": "x", "webhook": {"url": "https://\ud800.example/"}}',
        rb'{"prompt": "x", "options": {"mood": "\ud800"}}',
        rb'{"prompt": "x", "\ud800": 1}',
    ],
)
def test_half_a_character_is_refused_wherever_it_stands(app: InProcess, body: bytes) -> None:
    answer = app.client.post("/v1/jobs", data=body, content_type=JSON)
    assert answer.status_code == 422, answer.text


def test_null_is_json_but_not_an_object(app: InProcess) -> None:
    answer = app.client.post("/v1/jobs", data=b"null", content_type=JSON)
    assert pointers(is_problem(answer, 422, "validation")) == [""]


def test_every_fault_of_a_body_is_named_at_once(app: InProcess) -> None:
    body = {"prompt": "", "options": {"lines": 1, "extra": 2}}
    document = is_problem(app.post_job(body), 422, "validation")
    assert sorted(pointers(document)) == ["/options/extra", "/options/lines", "/prompt"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b'{"prompt": "x"',
        b'{"prompt": NaN}',
        b'{"prompt": "\xff"}',
        b"[" * 30_000,
        b'{"prompt": ' + b"1" * 5000 + b"}",
    ],
    ids=["empty", "blank", "open", "cut", "NaN", "latin-1", "deep", "digits"],
)
def test_what_is_not_json_is_a_400(app: InProcess, body: bytes) -> None:
    answer = app.client.post("/v1/jobs", data=body, content_type=JSON)
    is_problem(answer, 400, "invalid-json")


def test_plain_text_that_is_not_utf8_names_the_prompt(app: InProcess) -> None:
    answer = app.client.post("/v1/jobs", data=b"caf\xe9", content_type="text/plain")
    assert pointers(is_problem(answer, 422, "validation")) == ["/prompt"]


def test_a_form_field_that_is_not_known_is_named(app: InProcess) -> None:
    answer = app.client.post("/v1/jobs", data={"prompt": "x", "lines": "many", "a": "b"})
    assert sorted(pointers(is_problem(answer, 422, "validation"))) == ["/a", "/lines"]


def test_a_large_body_is_a_413(app: InProcess) -> None:
    answer = app.client.post("/v1/jobs", data=b"x" * (64 * 1024 + 1), content_type=JSON)
    is_problem(answer, 413, "payload-too-large")


@pytest.mark.parametrize(
    "content_type", ["", "application/xml", "text/plain; charset=latin-1", "multipart/form-data"]
)
def test_another_content_type_is_a_415(app: InProcess, content_type: str) -> None:
    answer = app.client.post("/v1/jobs", data=b"x", content_type=content_type)
    is_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/jobs", "OPTIONS, POST"),
        ("GET", "/v1/jobs", "OPTIONS, POST"),
        ("DELETE", "/v1/jobs/job_1", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/status", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/jobs/job_1/cancel", "OPTIONS, POST"),
        ("PATCH", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_a_405_that_names_the_right_ones(
    app: InProcess, method: str, path: str, allow: str
) -> None:
    answer = app.client.open(path, method=method)
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize("path", ["/v1/jobs/job_1", "/v1/jobs/job_1/lyrics", "/v1/nothing", "/v1"])
def test_what_is_not_there_is_a_404(app: InProcess, path: str) -> None:
    is_problem(app.client.get(path), 404, "not-found")


def test_canceling_an_unknown_job_is_a_404(app: InProcess) -> None:
    is_problem(app.client.post("/v1/jobs/job_1/cancel"), 404, "not-found")


def test_a_poller_gets_304_until_the_job_changes(app: InProcess) -> None:
    job_id = app.submit()
    first = app.client.get(f"/v1/jobs/{job_id}")
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Retry-After"] == "1"
    again = app.client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Retry-After"] == "1"
    app.write(job_id)
    changed = app.client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "Retry-After" not in changed.headers
    job = changed.get_json()
    assert (job["status"], job["done"], job["stage"]) == ("succeeded", True, None)
    assert job["output"]["lyrics"] == job["preview"] == "one\ntwo"
    assert job["eta_seconds"] is None
    assert [event["event"] for event in job["events"]] == ["queued", "claimed", "succeeded"]


def test_lyrics_are_a_409_until_the_job_has_succeeded(app: InProcess) -> None:
    job_id = app.submit()
    answer = app.client.get(f"/v1/jobs/{job_id}/lyrics")
    is_problem(answer, 409, "not-finished")
    assert answer.headers["Retry-After"] == "1"
    app.write(job_id)
    answer = app.client.get(f"/v1/jobs/{job_id}/lyrics")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == "one\ntwo\n"


def test_the_lyrics_of_a_canceled_job_stay_a_409(app: InProcess) -> None:
    job_id = app.submit()
    assert app.client.post(f"/v1/jobs/{job_id}/cancel").get_json()["status"] == "canceled"
    answer = app.client.get(f"/v1/jobs/{job_id}/lyrics")
    is_problem(answer, 409, "not-finished")
    assert "Retry-After" not in answer.headers


def test_lines_appear_as_they_are_written(app: InProcess) -> None:
    job_id = app.submit()
    attempt = app.desk.claim(job_id, Stage.LOADING_MODEL)
    assert attempt
    assert app.client.get(f"/v1/jobs/{job_id}").get_json()["stage"] == "loading_model"
    assert attempt.lines(["one"])
    job = app.client.get(f"/v1/jobs/{job_id}").get_json()
    assert (job["stage"], job["preview"]) == ("writing", "one")
    assert job["progress"] == {"completed": 1, "total": 16, "unit": "lines"}


def test_a_running_job_is_canceled_at_its_next_line(app: InProcess) -> None:
    job_id = app.submit()
    attempt = app.desk.claim(job_id, Stage.WRITING)
    assert attempt
    job = app.client.post(f"/v1/jobs/{job_id}/cancel").get_json()
    assert job["status"] == "running"
    assert job["cancel_requested_at"]
    assert not attempt.lines(["one"])
    attempt.cancel()
    for _ in range(2):
        answer = app.client.post(f"/v1/jobs/{job_id}/cancel")
        assert (answer.status_code, answer.get_json()["status"]) == (200, "canceled")


def test_waiting_answers_200_when_the_job_ends_in_time(app: InProcess) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            app.post_job, {"prompt": "rain"}, headers={"Prefer": "wait=20", "X": "y"}
        )
        due = wait_until(lambda: app.queue.lease((Topic.JOBS,), app.service.clock(), 600), 10)
        assert due
        app.write(due.message["job_ids"][0])
        answer = waiting.result(timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.get_json()["done"] is True


def test_waiting_for_a_change_answers_at_once_when_there_is_one(app: InProcess) -> None:
    job_id = app.submit()
    old = app.client.get(f"/v1/jobs/{job_id}").headers["ETag"]
    app.write(job_id)
    answer = app.client.get(
        f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30", "If-None-Match": old}
    )
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=30"


@pytest.mark.parametrize("prefer", ["wait=", "wait=-1", "wait=x", "respond-async", ""])
def test_a_preference_that_makes_no_sense_is_ignored(app: InProcess, prefer: str) -> None:
    answer = app.post_job({"prompt": "rain"}, headers={"Prefer": prefer})
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


def test_one_key_and_body_are_one_job_also_after_its_end(app: InProcess) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = app.post_job({"prompt": "rain"}, headers=headers)
    assert "Idempotent-Replayed" not in first.headers
    app.write(first.get_json()["id"])
    again = app.post_job({"prompt": "rain"}, headers=headers)
    assert again.status_code == 202
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.get_json()["done"] is True
    assert app.queue.depth(Topic.JOBS) == 1


def test_one_key_with_another_body_is_a_422(app: InProcess) -> None:
    headers = {"Idempotency-Key": "k1"}
    app.post_job({"prompt": "rain"}, headers=headers)
    answer = app.post_job({"prompt": "sun"}, headers=headers)
    is_problem(answer, 422, "idempotency-key-reused")


def test_a_key_is_free_again_after_a_day(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T12:00:00Z") as frozen:
        app = in_process(tmp_path)
        headers = {"Idempotency-Key": "k1"}
        first = app.post_job({"prompt": "rain"}, headers=headers).get_json()["id"]
        frozen.tick(timedelta(hours=24, seconds=1))
        assert app.post_job({"prompt": "rain"}, headers=headers).get_json()["id"] != first


def test_many_submits_at_once_with_one_key_are_one_job(app: InProcess) -> None:
    def submit(_: int) -> str:
        answer = app.post_job({"prompt": "rain"}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 202, answer.text
        return str(answer.get_json()["id"])

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(submit, range(64)))
    assert len(ids) == 1
    assert app.store.count_queued() == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\xe9"])
def test_a_key_that_is_not_visible_ascii_is_refused(app: InProcess, key: str) -> None:
    answer = app.post_job({"prompt": "rain"}, headers={"Idempotency-Key": key})
    is_problem(answer, 422, "validation")


def test_a_job_past_its_retention_is_gone_whether_deleted_or_not(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T12:00:00Z") as frozen:
        app = in_process(tmp_path)
        job_id = app.submit()
        app.write(job_id)
        frozen.tick(timedelta(days=30))
        for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/lyrics"):
            is_problem(app.client.get(path), 410, "gone")
        is_problem(app.client.post(f"/v1/jobs/{job_id}/cancel"), 410, "gone")


def test_the_status_tells_the_queue_and_the_worker(app: InProcess) -> None:
    assert app.client.get("/v1/status").get_json() == {
        "worker": "unknown",
        "queue_depth": 0,
        "expected_wait_seconds": {"cold": None, "warm": None},
        "model": None,
    }
    app.submit()
    assert app.client.get("/v1/status").get_json()["queue_depth"] == 1


def test_warming_up_sends_one_message_while_one_is_on_its_way(app: InProcess) -> None:
    for _ in range(3):
        assert app.client.post("/v1/warmup").status_code == 202
    assert app.queue.depth(Topic.JOBS) == 1
    delivery = app.queue.lease((Topic.JOBS,), app.service.clock(), 600)
    assert delivery is not None
    assert delivery.message == {"warmup": True}


def test_warming_up_a_warm_worker_sends_nothing(app: InProcess) -> None:
    app.desk.show_model("SmolLM2")
    answer = app.client.post("/v1/warmup")
    assert (answer.status_code, answer.get_json()["worker"]) == (202, "warm")
    assert app.queue.depth(Topic.JOBS) == 0


def test_keys_are_asked_for_where_the_owner_wants_them(tmp_path: Path) -> None:
    app = in_process(tmp_path, Settings(data_dir=tmp_path, api_keys=("one", "two")))
    is_problem(app.post_job({"prompt": "x"}), 401, "unauthorized")
    is_problem(app.post_job({"prompt": "x"}, headers={"X-Api-Key": "no"}), 403, "forbidden")
    assert app.post_job({"prompt": "x"}, headers={"X-Api-Key": "two"}).status_code == 202
    assert app.client.get("/healthz").status_code == 200


def test_a_client_over_its_rate_is_told_when_to_come_back(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T12:00:00Z") as frozen:
        app = in_process(tmp_path, Settings(data_dir=tmp_path, rate_per_minute=2))
        first = app.post_job({"prompt": "x"})
        assert first.headers["RateLimit-Policy"] == '"jobs";q=2;w=60'
        assert first.headers["RateLimit"].startswith('"jobs";r=1;')
        frozen.tick(timedelta(seconds=20))
        app.submit()
        refused = app.post_job({"prompt": "x"})
        is_problem(refused, 429, "rate-limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 41
        frozen.tick(timedelta(seconds=int(refused.headers["Retry-After"])))
        assert app.post_job({"prompt": "x"}).status_code == 202


def test_an_address_that_the_caller_wrote_is_not_believed(tmp_path: Path) -> None:
    app = in_process(tmp_path, Settings(data_dir=tmp_path, rate_per_minute=1, trusted_proxies=1))
    for number, status in enumerate((202, 429, 429)):
        headers = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.9"}
        assert app.post_job({"prompt": "x"}, headers=headers).status_code == status
    other = {"X-Forwarded-For": "10.0.0.1, 203.0.113.10"}
    assert app.post_job({"prompt": "x"}, headers=other).status_code == 202


def test_a_client_is_stored_as_a_keyed_hash_only(tmp_path: Path) -> None:
    clients = set()
    for secret in ("a", "b"):
        folder = tmp_path / secret
        folder.mkdir()
        app = in_process(folder, Settings(data_dir=folder, hash_key=secret))
        job = app.store.get_job(app.submit())
        assert job is not None
        assert re.fullmatch(r"[0-9a-f]{32}", job.client)
        clients.add(job.client)
    assert len(clients) == 2


def test_the_daily_budget_counts_everybody_and_ends_at_midnight(tmp_path: Path) -> None:
    with freeze_time("2026-05-01T23:00:00Z") as frozen:
        app = in_process(tmp_path, Settings(data_dir=tmp_path, daily_budget=2))
        app.submit()
        app.submit()
        refused = app.post_job({"prompt": "x"})
        is_problem(refused, 429, "budget-exhausted")
        assert 3600 <= int(refused.headers["Retry-After"]) <= 3601
        frozen.tick(timedelta(hours=1))
        assert app.post_job({"prompt": "x"}).status_code == 202


def test_only_configured_origins_are_let_in(tmp_path: Path) -> None:
    app = in_process(tmp_path, Settings(data_dir=tmp_path, cors_origins=("https://a.example",)))
    good = app.client.options("/v1/jobs", headers={"Origin": "https://a.example"})
    assert good.status_code == 204
    assert good.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Idempotency-Key" in good.headers["Access-Control-Allow-Headers"]
    bad = app.client.get("/v1/status", headers={"Origin": "https://b.example"})
    assert "Access-Control-Allow-Origin" not in bad.headers


def test_what_the_store_cannot_take_is_a_503_and_nothing_is_queued(app: InProcess) -> None:
    app.store.close()
    answer = app.post_job({"prompt": "x"})
    is_problem(answer, 503, "store-unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert app.queue.depth(Topic.JOBS) == 0


def test_an_unexpected_error_shows_no_trace(
    app: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.store, "count_queued", lambda: 1 / 0)
    document = is_problem(app.client.get("/v1/status"), 500, "internal")
    assert "Traceback" not in str(document)
    assert "division" not in str(document)


def test_the_page_comes_with_a_strict_policy(app: InProcess) -> None:
    answer = app.client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/../versequeue/config.py", "/..%2fREADME.md", "/nothing"])
def test_nothing_outside_the_page_is_served(app: InProcess, path: str) -> None:
    assert app.client.get(path).status_code == 404
