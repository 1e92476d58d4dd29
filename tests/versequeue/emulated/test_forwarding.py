"""Passing requests on, and starting a function only when there is something to do."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import Client

from tests.support.receivers import Receiver, answer, raw, receiver
from tests.support.waiting import wait_until
from versequeue.emulated.forwarding import Activator, Forward
from versequeue.errors import StartupError


def _client(served: Receiver) -> Client:
    return Client(Forward(f"http://127.0.0.1:{served.port}"))


def test_a_request_arrives_as_it_was_sent_with_the_caller_added() -> None:
    with receiver(answer(202, '{"a":1}', Content_Type="application/json", ETag='"x"')) as served:
        answered = _client(served).post(
            "/v1/jobs/a%2Fb?lines=4&mood=f%C3%BCr",
            data="body",
            content_type="text/plain; charset=utf-8",
            headers={"Idempotency-Key": "k", "X-Forwarded-For": "192.0.2.1", "Host": "lyrics.test"},
            environ_overrides={"REMOTE_ADDR": "198.51.100.7"},
        )
    [call] = served.calls
    assert call.line == "POST /v1/jobs/a/b?lines=4&mood=f%C3%BCr HTTP/1.1"
    assert call.body == b"body"
    assert call.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert call.headers["Idempotency-Key"] == "k"
    assert call.headers["Host"] == "lyrics.test"
    assert call.headers["X-Forwarded-For"] == "192.0.2.1, 198.51.100.7"
    assert not {"Cookie", "Accept"} & set(call.headers)
    assert (answered.status_code, answered.text) == (202, '{"a":1}')
    assert answered.headers["ETag"] == '"x"'


def test_an_answer_without_a_body_and_a_redirect_are_passed_on() -> None:
    with receiver(answer(304), answer(303, Location="/elsewhere")) as served:
        client = _client(served)
        unchanged, moved = client.get("/"), client.get("/")
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert (moved.status_code, moved.headers["Location"]) == (303, "/elsewhere")


def test_a_long_answer_is_passed_on_whole() -> None:
    rows = "row\n" * 100_000
    with receiver(answer(200, rows)) as served:
        assert _client(served).get("/").text == rows


@pytest.mark.parametrize("behaviour", [raw(""), raw("nonsense\r\n\r\n")])
def test_a_function_that_hangs_up_is_a_problem_with_retry_after(behaviour: Any) -> None:
    with receiver(behaviour) as served:
        answered = _client(served).get("/")
    assert answered.status_code == 503
    assert answered.headers["Retry-After"] == "2"
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert '"type": "/problems/function-unavailable"' in answered.text


class FakeProcess:
    """A function that can be started, and says so."""

    name = "worker"

    def __init__(self, url: str, on_start: Callable[[], None] = lambda: None) -> None:
        self.url = url
        self.running = False
        self.starts = 0
        self._on_start = on_start

    def ensure(self) -> str:
        self._on_start()
        self.starts += not self.running
        self.running = True
        return self.url

    def stop(self) -> None:
        self.running = False

    kill = stop


def test_the_first_request_starts_the_function_and_the_next_one_finds_it() -> None:
    with receiver(answer(200, "done")) as served:
        process: Any = FakeProcess(f"http://127.0.0.1:{served.port}")
        client = Client(Activator(process, idle_timeout_s=60))
        assert process.starts == 0
        assert [client.post("/").text for _ in range(2)] == ["done", "done"]
        assert process.starts == 1


def test_an_idle_function_is_ended_once_and_started_again_by_the_next_request() -> None:
    with receiver(answer(200)) as served:
        process: Any = FakeProcess(f"http://127.0.0.1:{served.port}")
        activator = Activator(process, idle_timeout_s=0)
        client = Client(activator)
        assert not activator.stop_if_idle()
        client.post("/")
        assert [activator.stop_if_idle() for _ in range(2)] == [True, False]
        client.post("/")
        assert process.starts == 2


def test_a_function_that_was_just_used_or_is_being_used_is_not_ended() -> None:
    let_go = threading.Event()

    def wait(_: socket.socket) -> None:
        let_go.wait(10)

    with receiver(wait) as served:
        process: Any = FakeProcess(f"http://127.0.0.1:{served.port}")
        patient = Activator(process, idle_timeout_s=60)
        busy = Activator(process, idle_timeout_s=0)
        request = threading.Thread(target=Client(busy).post, args=("/",))
        request.start()
        wait_until(lambda: served.calls, 10)
        assert not busy.stop_if_idle()
        assert not patient.stop_if_idle()
        let_go.set()
        request.join()
        assert busy.stop_if_idle()


def test_a_function_that_hangs_is_killed_and_the_next_request_starts_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("versequeue.emulated.forwarding.LIMIT_S", 0.2)
    let_go = threading.Event()

    def hang(_: socket.socket) -> None:
        let_go.wait(60)

    with receiver(hang, answer(200, "done")) as served:
        process: Any = FakeProcess(f"http://127.0.0.1:{served.port}")
        client = Client(Activator(process, idle_timeout_s=60))
        assert client.post("/").status_code == 503
        assert not process.running
        let_go.set()
        monkeypatch.setattr("versequeue.emulated.forwarding.LIMIT_S", 60)
        assert client.post("/").text == "done"
        assert process.starts == 2


def test_a_function_that_does_not_start_is_a_problem_so_that_the_message_comes_again() -> None:
    def fail() -> None:
        raise StartupError("The worker function does not start.")

    process: Any = FakeProcess("http://127.0.0.1:9", on_start=fail)
    assert Client(Activator(process, idle_timeout_s=60)).post("/").status_code == 503
