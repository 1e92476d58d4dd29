"""`versequeue top`: what it shows, and how it goes on, breaks off and ends."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.api import make_api
from tests.versequeue.cli.test_lists import served
from versequeue.cli import options
from versequeue.cli.lists import (
    CLEAR_LINE,
    CLEAR_REST,
    OTHER_SCREEN,
    OWN_SCREEN,
    Screen,
    overview_text,
)
from versequeue.cli.main import main
from versequeue.client.errors import ApiError, ServerUnreachable
from versequeue.client.types import Overview
from versequeue.config import Settings
from versequeue.contract.overview import DayView, RunView

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SEEN = Overview(
    version="0.3.0",
    worker="warm",
    model="tiny",
    queue_depth=3,
    oldest_queued_seconds=12.4,
    running_count=1,
    running=(
        RunView("job_0123abcd", "running", "writing", 5, 16, "worker-1", True,
                NOW - timedelta(seconds=9), NOW - timedelta(seconds=4)),
    ),
    latest=(
        RunView("job_4567abcd", "succeeded", None, 16, 16, "worker-1", False,
                NOW - timedelta(seconds=60), NOW - timedelta(seconds=50),
                NOW - timedelta(seconds=47.9), 0.000154),
    ),
    today=DayView("2026-11-29", succeeded=41, failed=1, cost_usd=0.0123),
)  # fmt: skip


class Watched:
    """A client that gives or raises these in turn, and then hears Ctrl-C."""

    def __init__(self, *seen: Any) -> None:
        self.left = list(seen)

    def overview(self) -> Overview:
        if not self.left:
            raise KeyboardInterrupt
        one = self.left.pop(0)
        if isinstance(one, Exception):
            raise one
        found: Overview = one
        return found


def drawn(*seen: Any) -> list[str]:
    """The screens that are drawn one after the other."""
    stream, waits = io.StringIO(), list[float]()
    client: Any = Watched(*seen)
    try:
        Screen(stream, sleep=waits.append, now=lambda: NOW).follow(client, 2.0)
    finally:
        text = stream.getvalue()
        assert text.startswith(OWN_SCREEN)
        assert text.endswith(OTHER_SCREEN), "the terminal is as it was"
    assert waits == [2.0] * len(seen)
    return text.removesuffix(OTHER_SCREEN).split("\x1b[H")[1:]


def test_the_whole_service_is_on_one_screen() -> None:
    text = overview_text(SEEN, NOW)
    assert "Worker    awake, 1 at 1 jobs · tiny" in text
    assert "Queue     3 waiting, the oldest for 12 s" in text
    assert "Today     41 written, 1 failed · 1.2 ¢ on pay-per-use" in text
    assert "job_0123abcd…  writing (file)  5 of 16  4.0 s" in text
    assert "job_4567abcd…  succeeded  16 of 16  2.1 s  0.015 ¢  worker-1" in text


def test_a_server_that_goes_and_comes_back_is_watched_all_the_same() -> None:
    gone = ServerUnreachable("Nobody answers.")
    busy = ApiError(503, {"detail": "The store is away."})
    first, second, third, fourth = drawn(SEEN, gone, busy, SEEN)
    assert first == fourth
    assert second.startswith(f"The server does not answer; it is asked again.{CLEAR_LINE}")
    assert "41 written" in second, "what was seen last stays"
    assert third.startswith("The store is away. It is asked again.")


def test_who_may_not_look_is_told_so_with_the_terminal_as_it_was() -> None:
    with pytest.raises(ApiError, match="not for you"):
        drawn(ApiError(403, {"detail": "This is not for you."}))


def test_what_a_server_says_moves_no_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    [screen] = drawn(Overview(version="\x1b[2J" + "x" * 200))
    assert "\x1b[2J" not in screen
    lines = screen.removesuffix(CLEAR_REST).split(f"{CLEAR_LINE}\n")
    assert max(len(line.removesuffix(CLEAR_LINE)) for line in lines) == 39


def test_in_a_pipe_there_is_one_snapshot_and_for_programs_the_servers_answer() -> None:
    api = make_api()
    api.submit()
    with served(api) as url:
        environ = {"VERSEQUEUE_URL": url, "VERSEQUEUE_API_KEY": ""}
        shown = CliRunner().invoke(main, ["top"], env=environ)
        found = json.loads(CliRunner().invoke(main, ["top", "--json"], env=environ).stdout)
    assert shown.exit_code == 0
    assert "Queue     1 waiting" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert (found["object"], found["queue_depth"]) == ("overview", 1)


def test_without_a_server_or_a_key_top_ends_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(options, "FIRST_CALL_S", 0.1)
    with served(make_api(Settings(hash_key="test", api_keys=("anna",)))) as url:
        environ = {"VERSEQUEUE_URL": url, "VERSEQUEUE_API_KEY": ""}
        refused = CliRunner().invoke(main, ["top"], env=environ)
    gone = CliRunner().invoke(main, ["top"], env=environ)
    assert (refused.exit_code, gone.exit_code) == (2, 3)
    assert "X-Api-Key" in refused.stderr
