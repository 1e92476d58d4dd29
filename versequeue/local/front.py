"""The HTTP server of an `up`: waitress, with bounds on what a stranger can take of it.

A request's headers and its body have a time and a size; a connection that waits for nothing gives
way to a new one, so that no number of them keeps others out.
"""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from versequeue.api.edge import MAX_BODY_BYTES
from versequeue.api.origin import network_of
from versequeue.api.submit_batches import MAX_FORM_BYTES
from versequeue.local.host import THREADS
from versequeue.local.incoming import Parser, Refusal
from versequeue.local.loops import connections_within, starting_threads
from versequeue.local.turns import FairDispatcher

WsgiApp = Callable[..., Iterable[bytes]]
Clock = Callable[[], float]
#: Open connections; from nine tenths on, those that have waited longest are closed for new ones.
CONNECTIONS = 1000
#: Of one address, or of one /64 of IPv6: a school's pupils, and still not everybody's place.
CONNECTIONS_OF_ONE = 400
#: A batch's fields may be in the query, and non-ASCII letters are nine bytes there.
MAX_HEADER_BYTES = 64 * 1024
#: A song's body stays in memory; a larger one, which is a file of prompts, is spooled, and so is
#: what waits here of an answer until it is read.
SPOOLED_FROM_BYTES = 2 * MAX_BODY_BYTES
#: Seconds from the first byte of a request, or from the connection, to the end of its headers;
#: from there to the end of its body; for the answer; and from there to the next request.
HEADERS_S, BODY_S, ANSWER_S, IDLE_S = 10.0, 60.0, 300.0, 60.0
#: Seconds in which some of an answer has to be taken, and the bytes of it that wait here meanwhile;
#: beyond them the thread that answers waits, too.
STALLED_S, UNREAD_BYTES = 10.0, 1024 * 1024
#: Threads that answer one address: those that wait for its jobs, and as many others.
THREADS_OF_ONE = THREADS * 2 // 3
#: Threads that may wait so; for one more the reader that has taken the least is given up.
SLOW_READERS = THREADS // 3
#: Bytes of an answer that the system holds: few, so that it is seen when somebody reads slowly.
SEND_BUFFER_BYTES = 64 * 1024
#: How often deadlines are looked at.
LOOK_S = 1.0
#: How long a thread computes while others wait for the interpreter. The server's loop waits so with
#: each piece that comes in, for each thread that reads a file; Python's own 5 ms become seconds.
SWITCH_S = 0.0005
#: What is still taken from somebody whose request was refused, so that the refusal can be read: to
#: close a connection with unread bytes resets it.
LINGER_S, LINGER_BYTES = 5.0, 8 * 1024 * 1024


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection with one request at a time, and how long it may take over what it does now."""

    parser_class = Parser
    error_task_class = Refusal
    close_when_flushed: bool

    def __init__(
        self, server: "FrontServer", sock: socket.socket, addr: Any, *rest: Any, **more: Any
    ):
        self.network = network_of(str(addr[0]))
        #: since when nothing was asked for on this connection
        self.waiting_since = server.clock()
        self.due_at = self.waiting_since + HEADERS_S
        self.refused = False
        self.closed = False
        self._left_to_discard = 0
        self._behind = b""
        #: when some of an answer was last taken by the other side
        self.moved_at = self.waiting_since
        #: bytes of all answers that the other side has taken
        self.taken = 0
        #: it is about to be closed for others
        self.given_up = False
        self._stage: tuple[Any, bool] | None = None
        super().__init__(server, sock, addr, *rest, **more)
        server.make_room_beside(self)

    @property
    def waiting(self) -> bool:
        """Whether no whole request has come in that is not yet answered."""
        return not self.requests and not self.closed

    def late(self, now: float) -> bool:
        """Whether the other side has had its time. A handler's own time is its own affair."""
        if self.total_outbufs_len:
            return now > min(self.due_at, self.moved_at + STALLED_S)
        return now > self.due_at and self.waiting

    def received(self, data: bytes) -> Any:
        """Take some bytes; a new request or a new body begins its time."""
        answer = super().received(data)
        stage = (self.request, self.request.headers_finished) if self.request else None
        if stage and stage != self._stage:
            self.due_at = self.server.clock() + (BODY_S if stage[1] else HEADERS_S)
        self._stage = stage
        return answer

    def service(self) -> None:
        self.due_at = self.server.clock() + ANSWER_S
        self._behind = self.requests[0].behind
        super().service()
        self.waiting_since = now = self.server.clock()
        # What is about to be closed has another deadline, perhaps already; so has a next request.
        if self.requests or self.close_when_flushed or self._left_to_discard:
            return
        self.due_at = now + IDLE_S
        if begun := self.request:  # looked at after the line above: it may begin between the two
            self.due_at = now + (BODY_S if begun.headers_finished else HEADERS_S)

    def write_soon(self, data: Any) -> int:
        """Put a piece of the answer where it is sent from; wait if too much of it is there."""
        if not self.total_outbufs_len:
            self.moved_at = self.server.clock()
        return int(super().write_soon(data))

    def _flush_outbufs_below_high_watermark(self) -> None:
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            with self.server.thread_for(self):
                super()._flush_outbufs_below_high_watermark()

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the other side takes now; whoever reads a whole answer slowly has the time."""
        sent = int(super().send(data, do_close))
        if sent:
            self.moved_at = self.server.clock()
            self.taken += sent
            if self.waiting and self.request is None:
                self.due_at = max(self.due_at, self.moved_at + IDLE_S)
        return sent

    def readable(self) -> bool:
        """Whether more is to be read. What lies here already is looked at first."""
        if self.closed or not super().readable():
            return False
        if self._behind and not self.requests:
            behind, self._behind = self._behind, b""
            self.received(behind)
        return not self.closed and bool(super().readable())

    def writable(self) -> bool:
        return not self.closed and bool(super().writable())

    def handle_write(self) -> None:
        """Send; after a refusal only this side of the connection is closed."""
        if self.refused and self.close_when_flushed and not self.total_outbufs_len:
            self._left_to_discard = LINGER_BYTES
            self.refused = self.close_when_flushed = False
            self.due_at = self.server.clock() + LINGER_S
            self.socket.shutdown(socket.SHUT_WR)
        else:
            super().handle_write()

    def handle_read(self) -> None:
        """Read; what follows a refused request is thrown away."""
        if not self._left_to_discard:
            super().handle_read()
            return
        self._left_to_discard -= len(self.recv(65_536))
        if self._left_to_discard <= 0:
            self.handle_close()

    def handle_close(self) -> None:
        self.closed = True
        super().handle_close()


class FrontServer(TcpWSGIServer):  # type: ignore[misc]
    """Accepts connections, and ends those that have had their time."""

    channel_class = Channel

    def __init__(self, *arguments: Any, of_one: int, clock: Clock, **more: Any) -> None:
        self.clock = clock
        self._of_one = of_one
        self._next_look = 0.0
        self._slow_lock = threading.Lock()
        #: readers that a thread waits for, and those that are to be closed
        self._slow: list[Channel] = []
        self._given_up: list[Channel] = []
        super().__init__(*arguments, **more)

    def readable(self) -> bool:
        """Whether a connection may be accepted. Called in each round of the server's loop.

        Before any channel is asked the same, so that one may be closed here.
        """
        now = self.clock()
        if now >= self._next_look:
            self._next_look = now + LOOK_S
            for channel in list(self.active_channels.values()):
                if channel.late(now):
                    channel.handle_close()
        while self._given_up:
            self._given_up.pop().handle_close()
        for channel in self._longest_waiting(len(self._map) - self.adj.connection_limit * 9 // 10):
            channel.handle_close()
        return bool(super().readable())

    @contextmanager
    def thread_for(self, reader: Channel) -> Iterator[None]:
        """In this block a thread waits for `reader`: if too many do, it gives one of them up."""
        with self._slow_lock:
            self._slow.append(reader)
            if sum(not each.given_up for each in self._slow) > SLOW_READERS:
                left = [each for each in self._slow if not each.given_up]
                least = min(left, key=lambda each: each.taken)
                least.given_up = True
                self._given_up.append(least)
        try:
            yield
        finally:
            with self._slow_lock:
                self._slow.remove(reader)

    def make_room_beside(self, new: Channel) -> None:
        """Keep to the limit of one address: its longest waiting connection goes, or the new one."""
        if not self._of_one:
            return
        same = [each for each in self.active_channels.values() if each.network == new.network]
        if len(same) > self._of_one:
            others = [each for each in same if each.waiting and each is not new]
            min(others, key=lambda each: each.waiting_since, default=new).handle_close()

    def _longest_waiting(self, count: int) -> list[Channel]:
        if count <= 0:
            return []
        waiting = [each for each in self.active_channels.values() if each.waiting]
        return sorted(waiting, key=lambda each: each.waiting_since)[:count]


def front_server(
    app: WsgiApp,
    listener: socket.socket,
    *,
    of_one: int = CONNECTIONS_OF_ONE,
    connections: int = CONNECTIONS,
    clock: Clock = time.monotonic,
) -> FrontServer:
    """The HTTP server of an `up`. With `of_one` 0 one address, a proxy's, may have them all.

    Raises StartupError if the machine has no room for its threads.
    """
    sys.setswitchinterval(SWITCH_S)
    connections = connections_within(connections)
    of_one = min(of_one, max(1, connections * CONNECTIONS_OF_ONE // CONNECTIONS))
    dispatcher = FairDispatcher(THREADS_OF_ONE if of_one else 0)
    with starting_threads():
        dispatcher.set_thread_count(THREADS)
    adjustments = Adjustments(
        connection_limit=connections,
        asyncore_use_poll=True,  # select() ends at 1,024 files
        ident="VerseQueue",
        # waitress refuses what has as many bytes as this.
        max_request_body_size=MAX_FORM_BYTES + 1,
        max_request_header_size=MAX_HEADER_BYTES,
        inbuf_overflow=SPOOLED_FROM_BYTES,
        outbuf_overflow=SPOOLED_FROM_BYTES,
        outbuf_high_watermark=UNREAD_BYTES,
        # Who is believed is decided where a caller is told from others (api/origin.py).
        clear_untrusted_proxy_headers=False,
    )
    send_buffer = (socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    adjustments.socket_options = [*Adjustments.socket_options, send_buffer]
    about = (listener.family, listener.type, listener.proto, listener.getsockname())
    return FrontServer(
        app,
        {},
        _sock=listener,
        dispatcher=dispatcher,
        adj=adjustments,
        sockinfo=about,
        bind_socket=False,
        of_one=of_one,
        clock=clock,
    )
