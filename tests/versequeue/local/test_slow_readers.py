"""Who asks for much and reads little of it, and who only reads slowly."""

import socket
from contextlib import ExitStack
from typing import Any

from tests.support.front import LIMIT_S, Front, channels, read_all, read_until, running_front
from tests.support.waiting import wait_until
from versequeue.local.front import (
    ANSWER_S,
    BODY_S,
    HEADERS_S,
    IDLE_S,
    SLOW_READERS,
    SPOOLED_FROM_BYTES,
    STALLED_S,
    UNREAD_BYTES,
)
from versequeue.local.host import THREADS

MIB = 1024 * 1024
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def narrow(front: Front, sent: bytes) -> socket.socket:
    """A connection whose own side holds hardly anything that it has not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    connection.settimeout(LIMIT_S)
    connection.connect(("127.0.0.1", front.port))
    connection.sendall(sent)
    return connection


def test_pipelines_that_nobody_reads_take_no_thread_from_others() -> None:
    with running_front() as front, ExitStack() as stack:
        front.body = b"x" * (MIB // 2)
        for _ in range(THREADS):
            stack.enter_context(narrow(front, GET * 20))
        front.wait_for_channels(lambda channel: channel.total_outbufs_len, THREADS)
        front.wait_for_channels(lambda channel: channel.waiting, THREADS)
        assert len(front.served) == THREADS
        unread = [buffer for channel in channels(front.server) for buffer in channel.outbufs]
        in_memory = [len(buffer) for buffer in unread if not buffer.overflowed]
        assert sum(in_memory) <= THREADS * SPOOLED_FROM_BYTES, "the rest lies on the disk"
        front.body = b"fine"
        assert front.ask().endswith(b"fine")
        front.now_s += STALLED_S + 1
        wait_until(lambda: not channels(front.server), LIMIT_S)


def is_full(channel: Any) -> bool:
    return bool(channel.total_outbufs_len > UNREAD_BYTES)


def test_one_large_answer_each_that_nobody_reads_leaves_threads_to_others_at_once() -> None:
    with running_front() as front, ExitStack() as stack:
        front.body = b"x" * (8 * MIB)
        for _ in range(2 * THREADS):
            stack.enter_context(narrow(front, GET))
        wait_until(lambda: len(front.served) == 2 * THREADS, LIMIT_S)
        front.body = b"fine"
        for _ in range(10):
            assert front.ask().endswith(b"fine")
        # Only when all answers lie here is nobody left who would begin after the clock has moved.
        wait_until(lambda: len(channels(front.server)) == SLOW_READERS, LIMIT_S)
        front.wait_for_channels(is_full, SLOW_READERS)
        held = [channel.total_outbufs_len for channel in channels(front.server)]
        assert max(held) <= UNREAD_BYTES + MIB
        front.now_s += STALLED_S + 1
        wait_until(lambda: not channels(front.server), LIMIT_S)


def test_whoever_reads_keeps_the_place_that_those_who_do_not_are_given_up_for() -> None:
    with running_front() as front, ExitStack() as stack:
        front.body = b"x" * (8 * MIB)
        reader = stack.enter_context(narrow(front, GET))
        front.wait_for_channels(is_full)
        read = 0
        while read < MIB:
            read += len(reader.recv(65_536))
        for _ in range(2 * THREADS):
            stack.enter_context(narrow(front, GET))
        wait_until(lambda: len(front.served) == 2 * THREADS + 1, LIMIT_S)
        while read < 8 * MIB:
            piece = reader.recv(65_536)
            assert piece, "it was given up"
            read += len(piece)


def test_requests_sent_at_once_are_answered_one_after_the_other() -> None:
    with running_front() as front, front.connect(GET * 19 + LAST) as connection:
        assert read_all(connection).count(b"\r\n\r\nfine") == 20
        assert len(front.served) == 20


def test_whoever_reads_slowly_gets_all_of_it() -> None:
    size = 20 * MIB  # where the server is slow, each turn takes whatever lies between the two
    with running_front() as front, narrow(front, b"") as connection:
        front.body = b"x" * size
        connection.sendall(GET)
        front.wait_for_channels(lambda channel: channel.total_outbufs_len > UNREAD_BYTES)
        begun_s, read = front.now_s, 0
        while unsent(front, front.now_s + 1) and front.now_s < begun_s + ANSWER_S - STALLED_S:
            front.now_s += STALLED_S - 4
            while unsent(front, front.now_s):
                read += len(connection.recv(16 * 1024))
        assert front.now_s > begun_s + 2 * IDLE_S
        while read < size:
            piece = connection.recv(65_536)
            assert piece
            read += len(piece)


def unsent(front: Front, now_s: float) -> bool:
    """Whether the server has something for a reader and sent nothing of it since then."""
    return any(
        channel.total_outbufs_len and channel.moved_at < now_s for channel in channels(front.server)
    )


def test_the_first_byte_of_a_second_request_begins_its_time() -> None:
    with running_front() as front, front.connect(GET + b"G") as connection:
        assert read_until(connection, b"fine")
        front.wait_for_channels(lambda channel: channel.request)
        front.wait_for_channels(lambda channel: channel.due_at == front.now_s + HEADERS_S)
        front.now_s += HEADERS_S + 1
        assert read_all(connection) == b""


def test_a_second_body_has_its_own_time_from_where_the_first_answer_ends() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with running_front() as front, front.connect(GET + head + b"x") as connection:
        assert read_until(connection, b"fine")
        front.wait_for_channels(lambda channel: channel.request)
        front.wait_for_channels(lambda channel: channel.due_at == front.now_s + BODY_S)
        front.now_s += BODY_S + 1
        assert read_all(connection) == b""
