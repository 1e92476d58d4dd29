"""How trouble ends a command: the exit status, and what is said on stderr."""

import json
from typing import Any

import pytest
from werkzeug.wrappers import Response

from tests.support.command_line import Run
from tests.support.fake_api import FakeApi, problem
from versequeue.cli.failures import duration


def test_a_refused_prompt_ends_with_status_two_and_names_the_field(run: Run, api: FakeApi) -> None:
    body = {
        "type": "/problems/validation",
        "detail": "Some fields are not valid.",
        "errors": [{"pointer": "/options/lines", "detail": "At most 64."}],
    }
    api.faults = [lambda: Response(json.dumps(body), 422, content_type="application/problem+json")]

    result = run("submit", "rain", "--lines", "65")

    assert result.exit_code == 2
    assert result.stderr == "Error: Some fields are not valid.\n  lines: At most 64.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit",),
        ("submit", "rain", "--lines", "many"),
        ("submit", "rain", "--server", "nonsense"),
        ("batch", "/does/not/exist"),
        ("up", "--port", "65536"),
        ("nonsense",),
    ],
)
def test_wrong_usage_ends_with_status_two(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments", [("submit", "rain"), ("get", "job_1"), ("cancel", "job_1"), ("status",)]
)
def test_a_server_that_is_not_there_ends_with_status_three(
    run: Run, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments, "--server", "http://127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "http://127.0.0.1:1 could not be reached" in result.stderr
    assert "versequeue up" in result.stderr


def test_a_server_that_is_busy_for_long_ends_with_status_three(run: Run, api: FakeApi) -> None:
    api.faults = [problem(429, "budget-exhausted", "Today's songs are sung.", Retry_After="7200")]
    result = run("submit", "rain")
    assert result.exit_code == 3
    assert "Today's songs are sung. Try again in 2 h 0 min." in result.stderr


def test_something_else_that_listens_there_ends_with_status_three(run: Run, api: FakeApi) -> None:
    api.faults = [lambda: Response("<h1>Hello</h1>", content_type="text/html")]
    result = run("status")
    assert result.exit_code == 3
    assert "not VerseQueue" in result.stderr


def test_an_interrupted_wait_says_how_to_come_back(run: Run, api: FakeApi) -> None:
    def interrupt() -> Response:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("versequeue.client.client.follow", lambda *_: interrupt())
        result = run("submit", "rain", "--server", api.url)

    assert result.exit_code == 130
    assert f"versequeue get job_0 --server {api.url}" in result.stderr
    assert f"versequeue cancel job_0 --server {api.url}" in result.stderr
    assert "Error" not in result.stderr


def test_ctrl_c_before_anything_was_accepted_just_stops(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("versequeue.client.client.Client.submit", interrupt)
    result = run("submit", "rain")
    assert result.exit_code == 130
    assert result.stderr == "Stopped.\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (3.21, "3.2 s"), (59.4, "59 s"), (65, "1 min 5 s"), (12000, "3 h 20 min")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
