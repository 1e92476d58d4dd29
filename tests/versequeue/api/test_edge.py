"""What holds for every route: sizes, types, methods, keys, origins, and errors without a trace."""

import errno
from pathlib import Path

import pytest
from werkzeug.exceptions import BadRequest, GatewayTimeout, RequestEntityTooLarge

from tests.support.api import ApiUnderTest, api_on_disk, is_problem
from tests.support.cpu_limit import cpu_limit
from versequeue.config import Settings
from versequeue.ports.queue import Topic

JSON = "application/json"


def test_a_large_body_is_a_413(app: ApiUnderTest) -> None:
    answer = app.client.post("/v1/jobs", data=b"x" * (64 * 1024 + 1), content_type=JSON)
    is_problem(answer, 413, "payload-too-large")


@pytest.mark.parametrize(
    "content_type", ["", "application/xml", "text/plain; charset=latin-1", "multipart/form-data"]
)
def test_another_content_type_is_a_415(app: ApiUnderTest, content_type: str) -> None:
    answer = app.client.post("/v1/jobs", data=b"x", content_type=content_type)
    is_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/jobs", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/v1/batches", "OPTIONS, POST"),
        ("DELETE", "/v1/jobs/job_1", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/status", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/jobs/job_1/cancel", "OPTIONS, POST"),
        ("PATCH", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_a_405_that_names_the_right_ones(
    app: ApiUnderTest, method: str, path: str, allow: str
) -> None:
    answer = app.client.open(path, method=method)
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize("path", ["/v1/jobs/job_1", "/v1/batches/batch_1"])
def test_who_would_delete_a_job_or_a_batch_is_told_how_to_cancel_it(
    app: ApiUnderTest, path: str
) -> None:
    detail = app.client.delete(path).get_json()["detail"]
    assert detail == f"{path} does not take DELETE. To cancel it: POST {path}/cancel."
    assert "cancel" not in app.client.delete("/v1/status").get_json()["detail"]


@pytest.mark.parametrize("path", ["/v1/", "/v1/songs"])
def test_a_path_that_there_is_not_leads_to_all_there_are(app: ApiUnderTest, path: str) -> None:
    detail = app.client.get(path).get_json()["detail"]
    assert detail == f"There is no {path} here; /v1/openapi.json has all there is."


@pytest.mark.parametrize("path", ["/v1/jobs/job_1", "/v1/jobs/job_1/lyrics", "/v1/nothing", "/v1"])
def test_what_is_not_there_is_a_404(app: ApiUnderTest, path: str) -> None:
    is_problem(app.client.get(path), 404, "not-found")


def test_keys_are_asked_for_where_the_owner_wants_them(tmp_path: Path) -> None:
    app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, api_keys=("one", "two")))
    is_problem(app.post_job({"prompt": "x"}), 401, "unauthorized")
    is_problem(app.post_job({"prompt": "x"}, headers={"X-Api-Key": "no"}), 403, "forbidden")
    assert app.post_job({"prompt": "x"}, headers={"X-Api-Key": "two"}).status_code == 202
    assert app.client.get("/healthz").status_code == 200


def test_an_address_that_the_caller_wrote_is_not_believed(tmp_path: Path) -> None:
    app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, rate_per_minute=1, trusted_proxies=1))
    for number, status in enumerate((202, 429, 429)):
        headers = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.9"}
        assert app.post_job({"prompt": "x"}, headers=headers).status_code == status
    other = {"X-Forwarded-For": "10.0.0.1, 203.0.113.10"}
    assert app.post_job({"prompt": "x"}, headers=other).status_code == 202


def test_only_configured_origins_are_let_in(tmp_path: Path) -> None:
    app = api_on_disk(tmp_path, Settings(data_dir=tmp_path, cors_origins=("https://a.example",)))
    good = app.client.options("/v1/jobs", headers={"Origin": "https://a.example"})
    assert good.status_code == 204
    assert good.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Idempotency-Key" in good.headers["Access-Control-Allow-Headers"]
    bad = app.client.get("/v1/status", headers={"Origin": "https://b.example"})
    assert "Access-Control-Allow-Origin" not in bad.headers


def test_what_the_store_cannot_take_is_a_503_and_nothing_is_queued(app: ApiUnderTest) -> None:
    app.store.close()
    answer = app.post_job({"prompt": "x"})
    is_problem(answer, 503, "store-unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert app.queue.depth(Topic.JOBS) == 0


def test_an_unexpected_error_shows_no_trace(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.store, "count_queued", lambda: 1 / 0)
    document = is_problem(app.client.get("/v1/status"), 500, "internal")
    assert "Traceback" not in str(document)
    assert "division" not in str(document)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ('"{tag}"', 304),
        ('W/"{tag}"', 304),
        ('"other" , W/"{tag}"', 304),
        ("*", 304),
        ('"other"', 200),
        ("", 200),
        ('"' + "a " * 60_000, 200),
        ("a" + " " * 120_000 + "a", 200),
    ],
)
def test_a_caller_who_has_the_answer_gets_304_and_a_long_list_of_tags_costs_little(
    app: ApiUnderTest, asked: str, status: int
) -> None:
    path = f"/v1/jobs/{app.submit()}"
    tag = app.client.get(path).headers["ETag"].strip('"')
    with cpu_limit(5):
        answer = app.client.get(path, headers={"If-None-Match": asked.replace("{tag}", tag)})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("raised", "status", "slug"),
    [
        (BadRequest("The form breaks off."), 400, "invalid-request"),
        (RequestEntityTooLarge(), 413, "payload-too-large"),
        (GatewayTimeout(), 500, "internal"),
        # As where a module or a codec is loaded at its first use.
        (OSError(errno.EMFILE, "Too many open files"), 503, "function-unavailable"),
        (OSError(errno.EIO, "Input/output error"), 500, "internal"),
    ],
)
def test_what_a_library_raises_is_told_as_one_of_our_errors(
    app: ApiUnderTest, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, slug: str
) -> None:
    def break_off() -> int:
        raise raised

    monkeypatch.setattr(app.store, "count_queued", break_off)
    is_problem(app.client.get("/v1/status"), status, slug)
