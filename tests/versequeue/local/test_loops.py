"""Loops that go on whatever happens around them."""

import logging
import resource
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from unittest import mock

import pytest

from versequeue.errors import QueueUnavailable, StartupError
from versequeue.local import loops
from versequeue.local.front import front_server
from versequeue.local.loops import FIRST_PAUSE_S, LONGEST_PAUSE_S, keep_on, start_all

FAULTS: tuple[Exception, ...] = (
    OSError(24, "Too many open files"),
    QueueUnavailable("The queue fails: the disk is full."),
    RuntimeError("can't start new thread"),
    KeyError("a fault of ours"),
    MemoryError(),
)


class Waits(threading.Event):
    """An event that nobody waits for: remembers how long somebody would have."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        return self.is_set()


def turns(stopping: threading.Event, *outcomes: Exception | None) -> Callable[[], None]:
    left = list(outcomes)

    def turn() -> None:
        outcome = left.pop(0)
        if not left:
            stopping.set()
        if outcome:
            raise outcome

    return turn


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_loop_outlives_any_fault_and_says_so(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = Waits()
    keep_on(turns(stopping, fault, None, None), stopping, "the dispatcher")
    assert stopping.waits == [FIRST_PAUSE_S]
    assert "the dispatcher met a fault" in caplog.text
    assert "the dispatcher goes on" in caplog.text


def test_its_pause_grows_to_a_bound_and_begins_anew_after_a_turn_that_went_well() -> None:
    stopping = Waits()
    fault = OSError()
    keep_on(turns(stopping, *[fault] * 9, None, fault, None), stopping, "x")
    assert stopping.waits[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert stopping.waits[8:] == [LONGEST_PAUSE_S, FIRST_PAUSE_S]


def test_what_a_loop_meets_while_it_is_stopped_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    stopping = Waits()
    keep_on(turns(stopping, OSError()), stopping, "x")
    assert not caplog.records


def test_a_machine_without_room_for_threads_says_so_in_one_sentence() -> None:
    thread = mock.Mock(**{"start.side_effect": RuntimeError("can't start new thread")})
    with pytest.raises(StartupError, match=r"^The server's threads cannot be started: can't"):
        start_all([thread])


def test_a_machine_without_room_for_the_threads_of_http_says_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(StartupError, match=r"^The server's threads cannot be started: can't"),
    ):
        front_server(lambda *_: [], listener)


@pytest.mark.parametrize(
    ("soft", "allowed"),
    [(resource.RLIM_INFINITY, 1000), (20_000, 1000), (1024, 384), (256, 32), (192, 24)],
)
def test_connections_leave_descriptors_for_everything_else(
    soft: int, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (soft, soft))
    assert loops.connections_within(1000) == allowed


@pytest.mark.parametrize("of_one", [0, 400])
def test_where_few_files_may_be_open_one_address_still_leaves_room_for_others(
    of_one: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (1024, 1024))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        closing(front_server(lambda *_: [], listener, of_one=of_one)) as server,
    ):
        assert (server.adj.connection_limit, server._of_one) == (384, of_one and 153)


class Limited:
    """A system on which no more than `most` files may be open, whatever its hard limit says."""

    def __init__(self, soft: int, hard: int, most: int) -> None:
        self.soft, self.hard, self.most = soft, hard, most

    def get(self, _kind: int) -> tuple[int, int]:
        return self.soft, self.hard

    def set(self, _kind: int, wanted: tuple[int, int]) -> None:
        if not 0 <= wanted[0] <= self.most:
            raise ValueError("current limit exceeds maximum limit")
        self.soft = wanted[0]


@pytest.mark.parametrize(
    ("soft", "hard", "most", "had"),
    [
        (256, 4096, 4096, 4096),
        (256, resource.RLIM_INFINITY, 10_240, 10_240),  # macOS
        (256, 10**6, 2000, 1024),
        (256, 10**6, 256, 256),
    ],
)
def test_as_many_files_as_the_system_lets_it_have_may_be_open(
    soft: int, hard: int, most: int, had: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = Limited(soft, hard, most)
    monkeypatch.setattr(resource, "getrlimit", system.get)
    monkeypatch.setattr(resource, "setrlimit", system.set)
    assert loops.raise_descriptor_limit() == had == system.soft


def test_too_few_open_files_to_serve_with_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Limited(40, 40, 40)
    monkeypatch.setattr(resource, "getrlimit", system.get)
    monkeypatch.setattr(resource, "setrlimit", system.set)
    with pytest.raises(
        StartupError, match=r"^Only 40 files may be open here, .* ulimit -n 1024\.$"
    ):
        loops.raise_descriptor_limit()
