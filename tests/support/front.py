"""The HTTP server of an `up` over an app of the test's own, and raw connections to it."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.waiting import wait_until
from versequeue.local.front import FrontServer, WsgiApp, front_server

#: Against hangs only.
LIMIT_S = 30.0
#: Bytes that the app hands over at a time.
PIECE = 1024 * 1024


@dataclass
class Front:
    """A running server; its clock is moved by hand."""

    #: `METHOD path length` of each request that reached the app
    served: list[str] = field(default_factory=list)
    now_s: float = 1000.0
    #: what the app answers with
    body: bytes = b"fine"
    port: int = 0
    server: FrontServer = field(init=False)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """The WSGI app."""
        body = self.body  # one for the whole answer: a test gives it another while this one runs
        size = len(environ["wsgi.input"].read())
        self.served.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {size}")
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body[start : start + PIECE] for start in range(0, len(body), PIECE)]

    def connect(self, sent: bytes = b"") -> socket.socket:
        """A connection on which this much was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S)
        connection.sendall(sent)
        return connection

    def ask(self, path: str = "/") -> bytes:
        """The whole answer to a GET on a new connection."""
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with self.connect(request.encode()) as connection:
            return read_all(connection)

    def wait_for_channels(self, condition: Callable[[Any], Any], count: int = 1) -> None:
        """Wait until `count` of the server's connections are as `condition` says."""

        def enough() -> bool:
            return sum(bool(condition(each)) for each in channels(self.server)) >= count

        wait_until(enough, LIMIT_S, what=f"{count} such connections")


def channels(server: FrontServer) -> list[Any]:
    """The server's open connections."""
    return list(server.active_channels.values())


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes, or breaks, the connection."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionError:
        pass
    return b"".join(pieces)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """What comes until it ends like this."""
    read = b""
    while not read.endswith(end):
        piece = connection.recv(65_536)
        assert piece, f"the connection ended after {read[-200:]!r}"
        read += piece
    return read


@contextmanager
def running_front(app: WsgiApp | None = None, **limits: int) -> Iterator[Front]:
    """A server of `app`, or else of the front's own, that answers while the block runs."""
    front = Front()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    front.port = listener.getsockname()[1]
    front.server = front_server(app or front, listener, clock=lambda: front.now_s, **limits)
    thread = threading.Thread(target=front.server.run, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        front.server.task_dispatcher.shutdown(timeout=1)
        for channel in channels(front.server):
            channel.will_close = True
        front.server.close()
