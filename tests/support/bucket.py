"""A small Cloud Storage for tests: media downloads with Range, by the JSON API's paths.

Serves bytes that a test put there; can fail a number of times first. Knows no bundles.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class FakeStorage:
    """Objects by "bucket/name", and what was asked for."""

    objects: dict[str, bytes] = field(default_factory=dict)
    #: answers to give before serving, last one first
    failures: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    ignore_ranges: bool = False
    #: ranged requests that are served only when so many of them are there at once
    meeting: threading.Barrier | None = None
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, ranged: str, token: str) -> tuple[int, bytes]:
        """Status and body of one GET."""
        with self._lock:
            self.paths.append(path)
            self.ranges.append(ranged)
            self.tokens.add(token)
            failure = self.failures.pop() if self.failures else 0
        if failure:
            return failure, b""
        if ranged and self.meeting:
            self.meeting.wait()
        return self._serve(path, ranged)

    def _serve(self, path: str, ranged: str) -> tuple[int, bytes]:
        parts = urlsplit(path)
        words = parts.path.split("/")
        if words[:4] != ["", "storage", "v1", "b"] or words[5] != "o" or parts.query != "alt=media":
            return 400, b""
        content = self.objects.get(f"{unquote(words[4])}/{unquote(words[6])}")
        if content is None:
            return 404, b""
        if not ranged or self.ignore_ranges:
            return 200, content
        start, end = (int(number) for number in ranged.removeprefix("bytes=").split("-"))
        return (206, content[start : end + 1]) if start < len(content) else (416, b"")


@contextmanager
def storage() -> Iterator[FakeStorage]:
    """A running storage on a free port of loopback."""
    fake = FakeStorage()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = self.headers
            token = headers.get("Authorization", "")
            status, body = fake.answer(self.path, headers.get("Range", ""), token)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
