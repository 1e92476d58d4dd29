"""Requests that fail: which are sent again, after what pause, and what the caller is told."""

import json
import socket
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Response

from tests.support.clients import FakeTime, connect
from tests.support.fake_api import FakeApi, problem
from tests.support.receivers import answer, receiver
from versequeue.client.client import Client
from versequeue.client.errors import (
    ApiError,
    ServerUnreachable,
    UnexpectedAnswer,
)
from versequeue.client.transport import NO_HTTPS, pause_before_retry, retry_after_s


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
    assert error.detail == "Some fields are not valid."
    assert str(error) == f"{error.detail}\n  prompt: Too long."
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


@pytest.mark.parametrize("text", ["²", "9" * 400, "Fri, 02 Jan 9" + "9" * 20 + " 03:04:15 GMT"])
def test_what_a_server_asks_for_is_bounded_or_passed_over(
    api: FakeApi, client: Client, time: FakeTime, text: str
) -> None:
    response = requests.Response()
    response.headers["Retry-After"] = text
    response.headers["Date"] = "Fri, 02 Jan 2026 03:04:05"
    assert retry_after_s(response) in (None, 86_400)


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


def test_where_nobody_ever_answered_it_says_at_once_that_it_tries_and_gives_up_sooner(
    api: FakeApi, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    lost = Flaky(failures=10**6)
    with connect(api.url, time, session=lost) as client, pytest.raises(ServerUnreachable):
        client.submit("rain")
    assert 5 < time.now_s <= 10
    (said,) = [record.getMessage() for record in caplog.records if "versequeue" in record.name]
    assert said == f"The server at {api.url} could not be reached. It is tried again for 10 s."

    time.now_s, lost.failures = 0.0, 0
    with connect(api.url, time, session=lost) as client:
        client.submit("rain")
        lost.failures = 10**6
        with pytest.raises(ServerUnreachable):
            client.submit("rain")
    assert 40 < time.now_s <= 60


def test_a_server_that_is_slow_to_answer_counts_as_one_that_was_heard(
    api: FakeApi, time: FakeTime
) -> None:
    slow = Flaky(failures=10**6, error=requests.ReadTimeout)
    with connect(api.url, time, session=slow) as client, pytest.raises(ServerUnreachable) as caught:
        client.submit("rain")
    assert "in time" in str(caught.value)
    assert 40 < time.now_s <= 60


def test_an_http_server_at_an_https_address_is_told_from_one_that_is_not_there(
    api: FakeApi, time: FakeTime
) -> None:
    secure = api.url.replace("http", "https")
    with connect(secure, time) as client, pytest.raises(ServerUnreachable) as caught:
        client.status()
    assert str(caught.value) == f"The server at {secure} {NO_HTTPS}."


def test_a_server_that_waits_for_more_of_a_handshake_does_not_speak_https(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("versequeue.client.transport.CONNECT_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with connect(url, time) as client, pytest.raises(ServerUnreachable, match=NO_HTTPS):
            client.status()


def test_a_connection_that_breaks_before_the_answer_is_tried_again(
    api: FakeApi, time: FakeTime
) -> None:
    session = Flaky(failures=2)
    with connect(api.url, time, session=session) as client:
        assert client.submit("rain").id == "job_0"
    assert len(time.slept) == 2


class Flaky(requests.Session):
    """The first requests reach the server, and their answers are lost."""

    def __init__(
        self, failures: int, error: type[requests.RequestException] = requests.ConnectionError
    ) -> None:
        super().__init__()
        self.failures, self.error = failures, error

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().request(*args, **kwargs)
        if self.failures:
            self.failures -= 1
            raise self.error("the answer got lost")
        return response


def test_the_api_key_is_sent_with_every_request(api: FakeApi, time: FakeTime) -> None:
    with connect(api.url, time, api_key="secret") as client:
        client.write("rain")
    assert {call.headers.get("X-Api-Key") for call in api.requests} == {"secret"}


def test_the_api_key_does_not_follow_a_redirect_to_another_origin(
    api: FakeApi, time: FakeTime
) -> None:
    with receiver(answer(200, "{}")) as elsewhere:
        api.faults = [lambda: Response("", 307, {"Location": elsewhere.url})]
        with (
            connect(api.url, time, api_key="secret") as client,
            pytest.raises(UnexpectedAnswer, match="points to"),
        ):
            client.get("job_0")
        assert elsewhere.calls == []


def test_a_redirect_within_the_origin_is_followed_with_the_key(
    api: FakeApi, time: FakeTime
) -> None:
    with connect(api.url, time, api_key="secret") as client:
        job = client.submit("rain")
        api.faults = [lambda: Response("", 308, {"Location": f"/v1/jobs/{job.id}"})]
        assert client.get("job_old").id == job.id
    assert api.requests[-1].headers["X-Api-Key"] == "secret"


def test_a_server_that_only_ever_redirects_is_given_up_on(api: FakeApi, client: Client) -> None:
    api.faults = [lambda: Response("", 302, {"Location": "/v1/jobs/job_0"})] * 50
    with pytest.raises(UnexpectedAnswer, match="points to"):
        client.get("job_0")
    assert len(api.requests) < 10


def test_a_server_on_this_machine_is_not_looked_for_behind_a_proxy(
    api: FakeApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert client.submit("rain").id == "job_0"
