"""The head of an answer has one time in all: a socket's own time-out begins anew with each byte.

A server may say `100 Continue` without an end, or let its headers drip, and `http.client` waits as
long as anything comes.
"""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection


def session() -> requests.Session:
    """A session of requests whose answers' heads have one time in all."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made


class _Timed(io.RawIOBase):
    """What comes in on a socket; until `headed`, within one time-out of the socket's own."""

    def __init__(self, sock: socket.socket, incoming: io.RawIOBase) -> None:
        self._sock, self._incoming = sock, incoming
        self._limit_s = sock.gettimeout()
        self._end = None if self._limit_s is None else time.monotonic() + self._limit_s

    def headed(self) -> None:
        """The head is there: from now on each piece has the socket's time-out again."""
        if self._end is not None:
            self._end = None
            self._sock.settimeout(self._limit_s)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None:
            left_s = self._end - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left_s)
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *rest: Any, **more: Any) -> None:
        super().__init__(sock, *rest, **more)
        self._timed = _Timed(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._timed)

    def begin(self) -> None:
        super().begin()
        self._timed.headed()


class _Plain(HTTPConnection):
    response_class = _Response


class _Secured(HTTPSConnection):
    response_class = _Response


_TIMED: dict[Any, Any] = {HTTPConnection: _Plain, HTTPSConnection: _Secured}


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *asked: Any, **more: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*asked, **more)
        # A proxy of another kind has connections of its own.
        pool.ConnectionCls = _TIMED.get(pool.ConnectionCls, pool.ConnectionCls)
        return pool
