"""What a stranger can take of the server: bytes, time and connections, each up to a bound."""

import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.support.front import (
    LIMIT_S,
    Front,
    channels,
    read_all,
    read_until,
    running_front,
)
from tests.support.waiting import wait_until
from versequeue.api.submit_batches import MAX_FORM_BYTES
from versequeue.local.front import (
    BODY_S,
    HEADERS_S,
    IDLE_S,
    LINGER_BYTES,
    LINGER_S,
    STALLED_S,
    UNREAD_BYTES,
)

MIB = 1024 * 1024
HALF = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
CHUNKED = b"POST /v1/warmup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
#: What may lie in the buffers of both ends of a connection on loopback.
BUFFERED_BYTES = 16 * MIB


@pytest.fixture
def front() -> Iterator[Front]:
    with running_front() as running:
        yield running


def head(length: int, path: str = "/v1/warmup") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def is_refused(answer: bytes, status: int, slug: str) -> None:
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert b"application/problem+json" in top
    assert json.loads(body)["type"] == f"/problems/{slug}"


def pour(connection: socket.socket, piece: bytes, total: int) -> int:
    """Send pieces until `total` bytes are sent or nobody takes more; how many were taken."""
    sent = 0
    try:
        while sent < total:
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        return sent
    return sent


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(front: Front) -> None:
    with front.connect(head(300 * MIB)) as connection:
        is_refused(read_all(connection), 413, "payload-too-large")
    assert front.served == []


def test_300_mib_are_not_taken_whatever_the_other_side_sends(front: Front) -> None:
    with front.connect(head(300 * MIB)) as connection:
        taken = pour(connection, b"x" * 65_536, 300 * MIB)
    assert taken < LINGER_BYTES + BUFFERED_BYTES
    assert front.served == []
    assert front.ask().endswith(b"fine")


def test_a_body_in_chunks_is_refused_while_it_comes(front: Front) -> None:
    with front.connect(CHUNKED) as connection:
        taken = pour(connection, b"10000\r\n" + b"x" * 65_536 + b"\r\n", 300 * MIB)
    assert taken < MAX_FORM_BYTES + LINGER_BYTES + BUFFERED_BYTES
    with front.connect(CHUNKED) as connection:
        pour(connection, b"10000\r\n" + b"x" * 65_536 + b"\r\n", 2 * MIB)
        is_refused(read_all(connection), 413, "payload-too-large")
    assert front.served == []


def test_a_line_between_chunks_that_never_ends_is_refused(front: Front) -> None:
    with front.connect(CHUNKED + b"0" * 5000) as connection:
        is_refused(read_all(connection), 400, "invalid-request")


def test_a_length_of_more_digits_than_a_number_has_is_refused(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    with front.connect(b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n") as one:
        is_refused(read_all(one), 400, "invalid-request")
    assert caplog.records == []


def test_what_a_proxy_says_of_the_caller_reaches_the_app() -> None:
    told: list[str] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        told.append(environ["HTTP_X_FORWARDED_FOR"])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    caller = b"GET / HTTP/1.0\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    with running_front(app, of_one=0) as front, front.connect(caller) as proxy:
        assert read_all(proxy).startswith(b"HTTP/1.0 200")
    assert told == ["203.0.113.9"]


def test_somebody_with_a_slightly_too_large_file_can_read_why_it_is_refused(front: Front) -> None:
    connection = HTTPConnection("127.0.0.1", front.port, timeout=LIMIT_S)
    connection.request("POST", "/v1/batches", b"x" * (5 * MIB))
    answer = connection.getresponse()
    assert answer.status == 413
    assert f"{MAX_FORM_BYTES:,}" in json.loads(answer.read())["detail"]
    connection.close()


def test_the_largest_body_that_any_route_takes_gets_through(front: Front) -> None:
    connection = HTTPConnection("127.0.0.1", front.port, timeout=LIMIT_S)
    connection.request("POST", "/v1/batches", b"x" * MAX_FORM_BYTES)
    assert connection.getresponse().read() == b"fine"
    assert front.served == [f"POST /v1/batches {MAX_FORM_BYTES}"]
    connection.close()


def test_a_refused_connection_is_not_listened_to_for_ever(front: Front) -> None:
    with front.connect(head(300 * MIB)) as connection:
        is_refused(read_all(connection), 413, "payload-too-large")
        front.wait_for_channels(lambda channel: channel.due_at == front.now_s + LINGER_S)
        front.now_s += LINGER_S + 1
        wait_until(lambda: not channels(front.server), LIMIT_S)


def test_headers_have_a_deadline_that_more_bytes_do_not_move(front: Front) -> None:
    with front.connect(HALF) as connection:
        front.wait_for_channels(lambda channel: channel.request)
        front.now_s += HEADERS_S - 1
        connection.sendall(b"x")
        front.wait_for_channels(lambda channel: channel.request.header_plus.endswith(b" x"))
        front.now_s += 2
        assert read_all(connection) == b""


def test_a_body_has_a_deadline_of_its_own(front: Front) -> None:
    with front.connect(head(100)) as connection:
        front.wait_for_channels(lambda channel: channel.request)
        front.now_s += HEADERS_S + 1
        connection.sendall(b"x" * 50)
        front.wait_for_channels(lambda channel: channel.request.body_bytes_received == 50)
        front.now_s += BODY_S
        assert read_all(connection) == b""
    assert front.served == []


def test_a_connection_is_kept_between_requests_and_not_for_ever(front: Front) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with front.connect(request) as connection:
        assert read_until(connection, b"fine")
        front.wait_for_channels(lambda channel: channel.due_at == front.now_s + IDLE_S)
        front.now_s += IDLE_S - 1
        connection.sendall(request)
        assert read_until(connection, b"fine")
        front.wait_for_channels(lambda channel: channel.due_at == front.now_s + IDLE_S)
        front.now_s += IDLE_S + 1
        assert read_all(connection) == b""


def test_an_answer_that_nobody_reads_is_given_up(front: Front) -> None:
    front.body = b"x" * (64 * MIB)
    with front.connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        # As much as is held for one connection: the thread that answers waits for room.
        front.wait_for_channels(lambda channel: channel.total_outbufs_len > UNREAD_BYTES)
        front.now_s += STALLED_S + 1
        wait_until(lambda: not channels(front.server), LIMIT_S)
        assert len(read_all(connection)) < 64 * MIB
    front.body = b"fine"
    assert front.ask().endswith(b"fine")


def test_half_sent_headers_do_not_keep_others_out() -> None:
    with running_front(connections=100, of_one=40) as front:
        slow = [front.connect(HALF) for _ in range(200)]
        assert [front.ask().endswith(b"fine") for _ in range(20)] == [True] * 20
        assert len(front.server.active_channels) <= 41
        for connection in slow:
            connection.close()


def test_behind_a_proxy_one_address_may_have_all_and_still_keeps_nobody_out() -> None:
    with running_front(connections=100, of_one=0) as front:
        slow = [front.connect(HALF) for _ in range(200)]
        assert [front.ask().endswith(b"fine") for _ in range(20)] == [True] * 20
        assert 40 < len(front.server.active_channels) <= 100
        for connection in slow:
            connection.close()
