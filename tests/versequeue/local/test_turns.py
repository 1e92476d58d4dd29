"""Whose request is answered next, whoever has sent how many."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.front import LIMIT_S, Front, read_all, running_front
from tests.support.waiting import wait_until
from versequeue.api.edge import MAX_BODY_BYTES
from versequeue.local.front import SWITCH_S, THREADS_OF_ONE
from versequeue.local.host import THREADS
from versequeue.local.turns import LARGE_AT_ONCE, Turns

MANY = 100


def asked(name: str, body_bytes: int = 0) -> Any:
    """A connection of the address before the number in its name, with a whole request."""
    request = SimpleNamespace(body_bytes_received=body_bytes)
    return SimpleNamespace(network=name.split()[0], name=name, requests=[request])


def taken(turns: Turns, count: int = MANY) -> list[Any]:
    """The turns that are to be had at once, `count` at most."""
    return [turns.popleft() for _ in range(count) if turns]


def names(found: list[Any]) -> list[str]:
    return [turn.request.channel.name for turn in found]


def test_addresses_take_turns_however_many_requests_one_of_them_has() -> None:
    turns = Turns(0, lambda _request: None)
    for number in range(MANY):
        turns.append(asked(f"loud {number}"))
    turns.append(asked("quiet 0"))
    turns.append(asked("other 0"))
    assert names(taken(turns, 4)) == ["loud 0", "quiet 0", "other 0", "loud 1"]


def test_one_address_leaves_threads_to_others_and_goes_on_when_it_is_answered() -> None:
    turns = Turns(3, lambda _request: None)
    for number in range(5):
        turns.append(asked(f"loud {number}"))
    first = taken(turns)
    assert names(first) == ["loud 0", "loud 1", "loud 2"]
    assert (len(turns), bool(turns)) == (2, False)
    turns.end(first[1].request)
    assert names(taken(turns)) == ["loud 3"]


def test_few_large_bodies_are_read_at_once_and_small_ones_pass_them() -> None:
    turns = Turns(0, lambda _request: None)
    for number in range(4):
        turns.append(asked(f"file {number}", MAX_BODY_BYTES + 1))
    turns.append(asked("file song", MAX_BODY_BYTES))
    first = taken(turns)
    assert names(first) == ["file 0", "file 1", "file song"]
    turns.end(first[0].request)
    assert names(taken(turns)) == ["file 2"]


@dataclass
class Held:
    """An app that answers nothing at /hold until it is let go."""

    gate: threading.Event = field(default_factory=threading.Event)
    count: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/hold":
            self.count += 1
            self.gate.wait(LIMIT_S)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"fine"]


@contextmanager
def holding(front: Front, held: Held, count: int, body: bytes = b"") -> Iterator[None]:
    """So many requests of one address that are not answered in this block."""
    head = f"POST /hold HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    connections = [front.connect(head + body) for _ in range(count)]
    try:
        yield
    finally:
        held.gate.set()
        for connection in connections:
            assert read_all(connection).endswith(b"fine")
            connection.close()


def test_one_address_with_many_requests_has_its_threads_and_all_are_answered_in_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = Held()
    with running_front(held) as front, holding(front, held, 2 * THREADS):
        wait_until(lambda: held.count == THREADS_OF_ONE, LIMIT_S)
        wait_until(lambda: len(front.server.task_dispatcher.queue) == 2 * THREADS - held.count, 9)
        assert held.count == THREADS_OF_ONE < THREADS
    assert held.count == 2 * THREADS
    assert not caplog.records, "strangers write no log"


def test_files_that_are_read_keep_no_song_waiting() -> None:
    held = Held()
    with running_front(held) as front:
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S, rel=0.1)
        with holding(front, held, THREADS, b"x" * (MAX_BODY_BYTES + 1)):
            wait_until(lambda: held.count == LARGE_AT_ONCE, LIMIT_S)
            assert front.ask().endswith(b"fine")
            assert held.count == LARGE_AT_ONCE
        assert held.count == THREADS
