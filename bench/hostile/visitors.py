"""Ordinary visitors: each writes a few songs, one after the other, and waits for every one.

A visitor sends his prompt until it is accepted, always under one key, looks until it is done, and
has the end told to a receiver of ours as well. He has an address of loopback of his own.
"""

import http.client
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

ANSWER_LIMIT_S, LOOK_S, AGAIN_S = 15.0, 0.25, 0.5
TOLD_LIMIT_S = 20.0
TOPICS = ("the sea", "a rainy street", "my first guitar", "the last train", "a paper boat")


@dataclass
class Song:
    """One prompt and what became of it."""

    token: str
    submitted_at: float
    #: None: not within the limit
    done_at: float | None = None
    status: str = ""
    told_at: float | None = None
    #: every status of an answer on the way, 0 where there was none
    answers: Counter[int] = field(default_factory=Counter)


@dataclass
class Receiver:
    """Where the ends are told: when which one came first."""

    url: str
    arrived: dict[str, float] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, token: str, until: float) -> float | None:
        """When the event of this song came, None if it has not come by `until`."""
        with self.changed:
            self.changed.wait_for(lambda: token in self.arrived, until - time.perf_counter())
            return self.arrived.get(token)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that takes every event, on loopback, for the length of a block."""
    kept = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with kept.changed:
                kept.arrived.setdefault(self.path, time.perf_counter())
                kept.changed.notify_all()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Visitor:
    """One visitor of one server."""

    url: str
    number: int
    lines: int
    limit_s: float
    told: Receiver

    def write(self, songs: int) -> list[Song]:
        """His songs, in turn; one that he does not get is his last."""
        written: list[Song] = []
        while len(written) < songs and all(song.done_at for song in written):
            written.append(self._song(len(written)))
        return written

    def _song(self, number: int) -> Song:
        song = Song(f"/{secrets.token_hex(8)}", time.perf_counter())
        until = song.submitted_at + self.limit_s
        asked = {
            "prompt": TOPICS[(self.number + number) % len(TOPICS)],
            "options": {"lines": self.lines, "seed": 100 * self.number + number},
            "webhook": {"url": self.told.url + song.token},
        }
        keyed = {"Idempotency-Key": song.token[1:], "Content-Type": "application/json"}
        body = json.dumps(asked).encode()
        job = self._until(until, partial(self._ask, song, "POST", "/v1/jobs", body, keyed))
        if job is None:
            return song
        path = f"/v1/jobs/{job['id']}"
        done = self._until(until, partial(self._done, song, path))
        if done is not None:
            song.done_at, song.status = time.perf_counter(), done["status"]
            song.told_at = self.told.wait_for(song.token, time.perf_counter() + TOLD_LIMIT_S)
        return song

    def _until(
        self, until: float, ask: Callable[[], dict[str, Any] | None]
    ) -> dict[str, Any] | None:
        while time.perf_counter() < until:
            found = ask()
            if found is not None:
                return found
            time.sleep(LOOK_S)
        return None

    def _done(self, song: Song, path: str) -> dict[str, Any] | None:
        job = self._ask(song, "GET", path)
        return job if job and job["done"] else None

    def _ask(
        self,
        song: Song,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """The answer's object if it is one of 2xx."""
        connection = http.client.HTTPConnection(
            urlsplit(self.url).netloc,
            timeout=ANSWER_LIMIT_S,
            source_address=(f"127.0.1.{self.number + 1}", 0),
        )
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            read = answer.read()
        except (OSError, http.client.HTTPException):
            song.answers[0] += 1
            return None
        finally:
            connection.close()
        song.answers[answer.status] += 1
        found: dict[str, Any] | None = json.loads(read) if answer.status < 300 else None
        return found


def write_songs(
    url: str, told: Receiver, *, visitors: int, songs: int, lines: int, limit_s: float
) -> list[Song]:
    """The songs of so many visitors at once; returns when all of them are done or given up."""
    everybody = [Visitor(url, number, lines, limit_s, told) for number in range(visitors)]
    with ThreadPoolExecutor(max_workers=visitors) as pool:
        written = pool.map(lambda visitor: visitor.write(songs), everybody)
        return [song for one in written for song in one]
