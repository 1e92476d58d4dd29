"""The Python client against a server that follows the contract, and that can be made to fail."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Response

from tests.support.fake_api import LINES, FakeApi, fake_api, problem
from versequeue.client.client import Client
from versequeue.client.errors import (
    ApiError,
    JobNotSuccessful,
    ServerUnreachable,
    UnexpectedAnswer,
    WaitTimeout,
)
from versequeue.client.files import PromptFile
from versequeue.client.transport import pause_before_retry, retry_after_s
from versequeue.client.types import Batch, Job


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now_s: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Seconds since the test began."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with fake_api() as server:
        yield server


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def client(api: FakeApi, time: FakeTime) -> Iterator[Client]:
    with connect(api.url, time) as one:
        yield one


def connect(url: str, time: FakeTime, **more: Any) -> Client:
    return Client(url, clock=time.clock, sleep=time.sleep, jitter=lambda: 1.0, **more)


def test_three_lines_are_enough_for_a_song(api: FakeApi, client: Client) -> None:
    song = client.write("rain over the city", lines=4, style="folk")

    assert song.lyrics.splitlines() == LINES
    assert song.title == "Gray"
    assert song.receipt is not None
    assert song.receipt.seed == 7
    body = json.loads(api.calls("POST")[0].body)
    assert body == {"prompt": "rain over the city", "options": {"lines": 4, "style": "folk"}}


def test_metadata_and_webhook_travel_with_the_job(api: FakeApi, client: Client) -> None:
    client.submit("rain", metadata={"a": "b"}, webhook={"url": "https://example.org/"})

    body = json.loads(api.calls("POST")[0].body)
    assert body["metadata"] == {"a": "b"}
    assert body["webhook"] == {"url": "https://example.org/"}


def test_each_submit_has_a_key_of_its_own(api: FakeApi, client: Client) -> None:
    assert client.submit("rain").id != client.submit("rain").id
    assert client.submit("rain", idempotency_key="mine").id == (
        client.submit("rain", idempotency_key="mine").id
    )


def test_an_answer_that_is_given_again_says_so(client: Client) -> None:
    assert not client.submit("rain", idempotency_key="mine").replayed
    assert client.submit("rain", idempotency_key="mine").replayed


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_temporary_failure_is_tried_again_with_the_same_key(
    api: FakeApi, client: Client, status: int
) -> None:
    api.faults = [problem(status, "busy"), problem(status, "busy")]

    client.submit("rain")

    keys = {call.headers["Idempotency-Key"] for call in api.calls("POST")}
    assert len(api.calls("POST")) == 3
    assert len(keys) == 1
    assert len(api.jobs) == 1


def test_a_key_whose_first_request_is_still_being_written_is_tried_again(
    api: FakeApi, client: Client
) -> None:
    api.faults = [problem(409, "idempotency-in-progress")]

    assert client.submit("rain").id == "job_0"


def test_an_error_of_the_caller_is_not_tried_again(
    api: FakeApi, client: Client, time: FakeTime
) -> None:
    body = {
        "type": "/problems/validation",
        "title": "Validation failed",
        "detail": "Some fields are not valid.",
        "errors": [{"pointer": "/prompt", "detail": "Too long."}],
        "of_tomorrow": 1,
    }
    api.faults = [
        lambda: Response(json.dumps(body), 422, content_type="application/problem+json"),
    ]

    with pytest.raises(ApiError) as caught:
        client.submit("x" * 501)

    error = caught.value
    assert (error.status, error.slug, error.title) == (422, "validation", "Validation failed")
    assert str(error) == error.detail == "Some fields are not valid."
    assert error.errors == ({"pointer": "/prompt", "detail": "Too long."},)
    assert time.slept == []


def test_an_error_page_that_is_no_problem_document_is_not_ours(
    api: FakeApi, client: Client
) -> None:
    api.faults = [lambda: Response("<h1>Not here</h1>", 404, content_type="text/html")]

    with pytest.raises(UnexpectedAnswer, match=r"404 NOT FOUND: that is not VerseQueue itself"):
        client.get("job_1")


def test_a_gateways_error_page_is_tried_again(api: FakeApi, time: FakeTime) -> None:
    page = Response("<h1>Bad gateway</h1>", 502, content_type="text/html")
    api.faults = [lambda: page] * 3
    with connect(api.url, time, retry_for_s=0.5) as client:
        with pytest.raises(ApiError, match="502") as caught:
            client.submit("rain")
        assert caught.value.slug == "http-502"
        assert client.submit("rain").id == "job_0"


def test_a_post_is_not_carried_elsewhere_by_a_redirect(api: FakeApi, client: Client) -> None:
    moved = {"Location": "https://example.org/v1/jobs"}
    api.faults = [lambda: Response("", 301, moved)]

    with pytest.raises(UnexpectedAnswer, match=r"points to https://example\.org"):
        client.submit("rain")


def test_retry_after_is_waited_for(api: FakeApi, client: Client, time: FakeTime) -> None:
    api.faults = [problem(429, "rate-limited", Retry_After="7")]

    client.submit("rain")

    assert time.slept == [7.0]


def test_a_retry_after_beyond_our_patience_is_told_at_once(
    api: FakeApi, client: Client, time: FakeTime
) -> None:
    api.faults = [problem(429, "budget-exhausted", "Come back tomorrow.", Retry_After="30000")]

    with pytest.raises(ApiError, match="tomorrow") as caught:
        client.submit("rain")

    assert caught.value.retry_after_s == 30000
    assert caught.value.is_temporary
    assert time.slept == []


def test_a_retry_after_given_as_a_date_counts_from_the_servers_own_clock() -> None:
    response = requests.Response()
    response.headers["Date"] = "Fri, 02 Jan 2026 03:04:05 GMT"
    response.headers["Retry-After"] = "Fri, 02 Jan 2026 03:04:15 GMT"
    assert retry_after_s(response) == 10
    response.headers["Retry-After"] = "soon"
    assert retry_after_s(response) is None


def test_pauses_double_up_to_a_limit_and_are_spread_by_chance() -> None:
    assert [pause_before_retry(n, None, 1.0) for n in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert pause_before_retry(3, None, 0.0) == 1.0
    assert pause_before_retry(5000, None, 1.0) == 10.0
    assert pause_before_retry(0, 9.0, 1.0) == 9.0


def test_a_server_that_is_not_there_is_given_up_on_after_a_time(time: FakeTime) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with connect(url, time, retry_for_s=10) as client, pytest.raises(ServerUnreachable) as e:
            client.submit("rain")

    assert url in str(e.value)
    assert 3 < time.now_s <= 10


def test_a_connection_that_breaks_before_the_answer_is_tried_again(
    api: FakeApi, time: FakeTime
) -> None:
    session = Flaky(failures=2)
    with connect(api.url, time, session=session) as client:
        assert client.submit("rain").id == "job_0"
    assert len(time.slept) == 2


class Flaky(requests.Session):
    """The first requests reach the server, and their answers are lost."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().request(*args, **kwargs)
        if self.failures:
            self.failures -= 1
            raise requests.ConnectionError("the answer got lost")
        return response


def test_waiting_tells_every_change_once(api: FakeApi, client: Client) -> None:
    seen: list[tuple[str, str | None]] = []

    job = client.wait(client.submit("rain"), on_update=lambda one: seen.append(step_of(one)))

    assert seen == [
        ("queued", "waiting"),
        ("running", "loading_model"),
        ("running", "writing"),
        ("succeeded", None),
    ]
    assert job.output is not None
    assert job.created_at is not None
    assert job.created_at.tzinfo is not None
    assert job.raw["a_field_of_tomorrow"] == {"nested": True}


def step_of(job: Job) -> tuple[str, str | None]:
    return job.status, job.stage


def test_waiting_asks_with_the_etag_and_lets_the_server_hold_the_request(
    api: FakeApi, client: Client
) -> None:
    client.wait(client.submit("rain"))

    first, *others = api.calls("GET", "/v1/jobs/")
    assert "If-None-Match" not in first.headers
    assert "Prefer" not in first.headers
    assert others
    assert all(call.headers["If-None-Match"].startswith('"job_0') for call in others)
    assert all(call.headers["Prefer"] == "wait=20" for call in others)


def test_waiting_comes_back_when_retry_after_says_so(
    api: FakeApi, client: Client, time: FakeTime
) -> None:
    api.steps = [{"status": "queued", "stage": "waiting"}]
    job = client.submit("rain")

    with pytest.raises(WaitTimeout, match="still queued") as caught:
        client.wait(job, timeout_s=9)

    assert caught.value.last.id == job.id
    assert time.slept == [2.0, 2.0, 2.0, 2.0, 1.0]
    assert api.calls("GET")[-1].headers["Prefer"] == "wait=1"


def test_waiting_without_retry_after_asks_less_and_less_often(
    api: FakeApi, client: Client, time: FakeTime
) -> None:
    api.steps = [{"status": "queued"}]
    job = client.submit("rain")
    document = json.dumps(job.raw)
    api.faults = [lambda: Response(document, content_type="application/json")]
    api.faults += [lambda: Response(status=304)] * 12

    with pytest.raises(WaitTimeout):
        client.wait(job, timeout_s=60)

    assert time.slept[:5] == [1.0, 2.0, 4.0, 8.0, 10.0]


def test_the_same_answer_again_is_no_change(api: FakeApi, client: Client) -> None:
    job = client.submit("rain")
    same = json.dumps(job.raw)
    api.faults = [lambda: Response(same, content_type="application/json")] * 4
    seen: list[Job] = []

    client.wait(job, on_update=seen.append)

    assert len(seen) == len({one.stage for one in seen}) == 4


def test_waiting_ends_on_done_even_for_a_status_that_nobody_knows(
    api: FakeApi, client: Client
) -> None:
    api.steps = [
        {"status": "queued", "stage": "waiting"},
        {"status": "pondering", "stage": "humming", "done": False},
        {"status": "archived", "stage": None, "done": True},
    ]
    job = client.wait(client.submit("rain"), timeout_s=60)

    assert (job.status, job.done) == ("archived", True)


def test_write_raises_when_there_is_no_song(api: FakeApi, client: Client) -> None:
    error = {"type": "/problems/worker-lost", "title": "Lost", "status": 500, "detail": "Lost it."}
    api.steps = [{"status": "failed", "stage": None, "error": error}]

    with pytest.raises(JobNotSuccessful, match="failed: Lost it") as caught:
        client.write("rain")

    assert caught.value.job.error is not None
    assert caught.value.job.error.slug == "worker-lost"


def test_write_gives_up_after_its_time(api: FakeApi, client: Client) -> None:
    api.steps = [{"status": "queued"}]
    with pytest.raises(WaitTimeout):
        client.write("rain", timeout_s=5)


def test_a_job_can_be_canceled(client: Client) -> None:
    job = client.submit("rain")
    assert client.cancel(job.id).status == "canceled"


def test_an_unknown_job_is_a_not_found_error(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.wait("job_nowhere")
    assert caught.value.slug == "not-found"


def test_an_id_cannot_lead_to_another_path(api: FakeApi, client: Client) -> None:
    with pytest.raises(ApiError):
        client.get("../status")
    with pytest.raises(ApiError):
        client.get_batch("../status?a=")
    assert [call.path for call in api.requests] == [
        "/v1/jobs/../status",
        "/v1/batches/../status?a=",
    ]


def test_null_where_a_value_is_expected_counts_as_left_out(api: FakeApi, client: Client) -> None:
    document = {"id": "job_1", "status": "queued", "events": None, "progress": None, "urls": None}
    api.faults = [lambda: Response(json.dumps(document), content_type="application/json")]
    job = client.get("job_1")
    assert (job.events, job.progress.total, job.urls) == ((), 0, {})


def test_the_api_key_is_sent_with_every_request(api: FakeApi, time: FakeTime) -> None:
    with connect(api.url, time, api_key="secret") as client:
        client.write("rain")
    assert {call.headers.get("X-Api-Key") for call in api.requests} == {"secret"}


def test_a_server_on_this_machine_is_not_looked_for_behind_a_proxy(
    api: FakeApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert client.submit("rain").id == "job_0"


def test_the_servers_status_has_types(client: Client) -> None:
    status = client.status()
    assert (status.worker, status.queue_depth, status.model) == ("cold", 3, "tiny")
    assert status.expected_wait_seconds.warm == 1.5
    client.warm_up()


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "http://", ""])
def test_an_url_that_is_none_is_refused_before_the_first_call(url: str) -> None:
    with pytest.raises(ValueError, match="not an http or https URL"):
        Client(url)


@pytest.mark.parametrize(
    "body", ["<h1>Hello</h1>", "[]", '{"id": "job_1"}', '{"id": "j", "status": "q", "events": 3}']
)
def test_something_else_that_listens_there_is_an_unexpected_answer(
    api: FakeApi, client: Client, body: str
) -> None:
    api.faults = [lambda: Response(body, content_type="application/json")]
    with pytest.raises(UnexpectedAnswer):
        client.get("job_1")


def test_a_file_is_sent_as_it_is_with_its_type(
    api: FakeApi, client: Client, tmp_path: Path
) -> None:
    for name, media_type in (
        ("a.jsonl", "application/jsonl"),
        ("a.ndjson", "application/jsonl"),
        ("a.CSV", "text/csv"),
        ("a.txt", "text/plain"),
        ("prompts", "text/plain"),
    ):
        file = tmp_path / name
        file.write_bytes(b"rain\r\nsun\r\n")
        client.submit_batch(file, {"lines": 4, "explicit": True})
        sent = api.calls("POST", "/v1/batches")[-1]
        assert sent.body == b"rain\r\nsun\r\n"
        assert sent.headers["Content-Type"] == media_type
        assert sent.query == {"lines": "4", "explicit": "true"}


def test_metadata_and_webhook_travel_with_the_file(api: FakeApi, client: Client) -> None:
    hook = {"url": "https://example.org/?a=1&b", "events": ["job.failed", "batch.completed"]}
    client.submit_batch([{"prompt": "rain"}], metadata={"run": "é"}, webhook=hook)
    query = api.calls("POST")[0].query
    assert json.loads(query["metadata"]) == {"run": "é"}
    assert query["webhook_url"] == "https://example.org/?a=1&b"
    assert query["webhook_events"] == "job.failed,batch.completed"


def test_the_same_file_with_the_same_options_is_the_same_batch() -> None:
    file = PromptFile(b"rain\n")
    key = file.idempotency_key({"lines": "4", "style": "rap"})

    assert key == PromptFile(b"rain\n").idempotency_key({"style": "rap", "lines": "4"})
    assert key != file.idempotency_key({"lines": "5", "style": "rap"})
    assert key != PromptFile(b"rain").idempotency_key({"lines": "4", "style": "rap"})
    assert key != PromptFile(b"rain\n", "text/csv").idempotency_key({"lines": "4", "style": "rap"})
    assert len(key) <= 255


def test_rows_become_a_batch_whose_results_come_in_order(api: FakeApi, client: Client) -> None:
    api.row_ends = ["succeeded", "failed"]
    rows = [{"custom_id": name, "prompt": f"{name} prompt"} for name in ("é", "b", "c", "d")]
    counts: list[int] = []

    batch = client.submit_batch(rows)
    done = client.wait_batch(batch, on_update=lambda one: counts.append(ended(one)))
    results = list(client.results(done.id))

    sent = api.calls("POST")[0].body
    assert [json.loads(line) for line in sent.splitlines()] == rows
    assert "é prompt".encode() in sent
    assert counts == [2, 4]
    assert done.done
    assert done.request_counts.failed == 2
    assert [row.line for row in results] == [1, 2, 3, 4]
    assert results[0].output is not None
    assert results[0].output.lyrics.splitlines() == LINES
    assert results[1].output is None
    assert results[1].error is not None
    assert results[1].error.detail == "It got lost."


def ended(batch: Batch) -> int:
    return batch.request_counts.ended


def test_results_can_be_had_as_the_bytes_of_a_file(api: FakeApi, client: Client) -> None:
    batch = client.submit_batch([{"prompt": "rain"}])
    content = b"".join(client.results_file(batch.id, "csv"))
    assert content.count(b"\n") == 1
    assert api.requests[-1].query == {"format": "csv"}


def test_results_that_break_off_are_not_taken_for_the_whole(api: FakeApi, client: Client) -> None:
    headers = {"Content-Length": "1000"}
    row = b'{"custom_id": "1", "line": 1, "status": "succeeded"}\n'
    api.faults = [lambda: Response(iter([row]), headers=headers)] * 2

    with pytest.raises(ServerUnreachable, match="broke off"):
        list(client.results("batch_0"))
    with pytest.raises(ServerUnreachable, match="broke off"):
        list(client.results_file("batch_0", "txt"))


def test_a_batch_can_be_canceled_and_its_failures_tried_again(api: FakeApi, client: Client) -> None:
    client.cancel_batch("batch_0")
    client.retry_failed("batch_0")
    paths = [call.path for call in api.calls("POST")]
    assert paths == ["/v1/batches/batch_0/cancel", "/v1/batches/batch_0/retry-failed"]
