"""A server that is not what it says: what does not end, or has no shape of ours, is refused."""

import gzip
import itertools
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from tests.support.clients import FakeTime, connect
from tests.support.fake_api import FakeApi
from tests.support.receivers import certificates, receiver
from versequeue.client import heads
from versequeue.client.client import Client
from versequeue.client.errors import ServerUnreachable, UnexpectedAnswer
from versequeue.client.transport import MAX_ANSWER_BYTES

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PIECE = 1024 * 1024


def endless(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"\r\n")
    while True:  # until the client hangs up
        connection.sendall(b" " * PIECE)


def packed(connection: socket.socket) -> None:
    body = gzip.compress(b" " * (2 * MAX_ANSWER_BYTES))
    length = f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(HEAD + length.encode() + body)


@pytest.mark.parametrize("behaviour", [endless, packed])
def test_an_answer_without_an_end_is_refused(
    time: FakeTime, behaviour: Callable[[socket.socket], None]
) -> None:
    with (
        receiver(behaviour) as server,
        connect(server.url, time) as client,
        pytest.raises(UnexpectedAnswer, match="without an end"),
    ):
        client.status()


def test_a_row_without_an_end_is_refused() -> None:
    with (
        receiver(endless) as server,
        Client(server.url, retry_for_s=0) as client,
        pytest.raises(UnexpectedAnswer, match="a line without an end"),
    ):
        next(iter(client.results("batch_1")))


def test_an_answer_that_only_drips_has_the_time_of_a_call_and_no_more() -> None:
    ticks = itertools.count(0.0, 10.0)
    with receiver(endless) as server:
        client = Client(server.url, timeout_s=15, retry_for_s=0, clock=lambda: next(ticks))
        with client, pytest.raises(ServerUnreachable, match="in time"):
            client.status()


def always_continuing(connection: socket.socket) -> None:
    connection.settimeout(5)
    for _ in range(1000):  # until the client hangs up
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_always_says_continue_has_the_time_of_a_call_and_no_more(
    scheme: str, tmp_path: Path
) -> None:
    tls = certificates(tmp_path, "localhost")["server"] if scheme == "https" else None
    session = heads.session()
    session.verify = session.trust_env = False
    with receiver(always_continuing, tls=tls) as server:
        url = f"{scheme}://127.0.0.1:{server.port}"
        client = Client(url, timeout_s=0.5, retry_for_s=0, session=session)
        with client, pytest.raises(ServerUnreachable, match="in time"):
            client.status()


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        json.dumps({"worker": "warm", "queue_depth": "many"}),
        json.dumps({"worker": "warm", "expected_wait_seconds": {"warm": [1]}}),
        '{"worker": "warm", "expected_wait_seconds": {"warm": NaN}}',
        '{"worker": "warm", "expected_wait_seconds": {"cold": Infinity}}',
        '{"worker": 5}',
    ],
)
def test_what_has_no_shape_of_ours_is_an_unexpected_answer(
    api: FakeApi, client: Client, body: str
) -> None:
    api.faults = [lambda: Response(body, content_type="application/json")]
    with pytest.raises(UnexpectedAnswer):
        client.status()


@pytest.mark.parametrize("place", ["http://[", "http://127.0.0.1:99999/"])
def test_a_redirect_to_no_address_is_an_unexpected_answer(
    api: FakeApi, client: Client, place: str
) -> None:
    api.faults = [lambda: Response("", 302, {"Location": place})]
    with pytest.raises(UnexpectedAnswer):
        client.get("job_1")


def test_a_connection_is_used_again_after_its_answer_was_read(api: FakeApi, client: Client) -> None:
    pools = client._transport.session.adapters["http://"].poolmanager  # type: ignore[attr-defined]
    for _ in range(3):
        client.submit("rain")
    [pool] = [pools.pools[key] for key in pools.pools.keys()]  # noqa: SIM118 - no mapping
    assert (pool.num_requests, pool.num_connections) == (3, 1)
