"""A stand-in of the Hugging Face hub on loopback: one repository, the paths that its client asks
for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "5" * 40


@dataclass
class Hub:
    """What the stand-in has, and what it was asked for."""

    url: str = ""
    name: str = "owner/tiny"
    files: dict[str, bytes] = field(default_factory=dict)
    licence: str = "mit"
    #: Answered to everything, unless 200.
    status: int = 200
    #: Files whose contents were sent.
    sent: list[str] = field(default_factory=list)

    def add_folder(self, folder: Path) -> None:
        self.files |= {path.name: path.read_bytes() for path in folder.iterdir()}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        if self.hub.status != 200:
            code = {401: "RepoNotFound", 403: "GatedRepo"}.get(self.hub.status, "Error")
            self._send(self.hub.status, b"{}", with_body, {"X-Error-Code": code})
        elif path.startswith(f"/api/models/{self.hub.name}"):
            about = self._tree() if "/tree/" in path else self._about()
            self._send(200, json.dumps(about).encode(), with_body, {})
        elif path.startswith(f"/{self.hub.name}/resolve/{COMMIT}/"):
            self._file(path.rpartition("/")[2], with_body)
        else:
            self._send(404, b"{}", with_body, {"X-Error-Code": "RepoNotFound"})

    def _tree(self) -> object:
        files = self.hub.files.items()
        return [
            {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
            for name, content in files
        ]

    def _about(self) -> object:
        files = self.hub.files.items()
        siblings = [
            {"rfilename": name, "size": len(content), "blobId": "0" * 40} for name, content in files
        ]
        card = {"license": self.hub.licence}
        return {"id": self.hub.name, "sha": COMMIT, "siblings": siblings, "cardData": card}

    def _file(self, name: str, with_body: bool) -> None:
        content = self.hub.files.get(name)
        if content is None:
            self._send(404, b"", with_body, {"X-Error-Code": "EntryNotFound"})
            return
        if with_body:
            self.hub.sent.append(name)
        etag = hashlib.sha256(content).hexdigest()
        self._send(200, content, with_body, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _send(self, status: int, body: bytes, with_body: bool, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@contextmanager
def hub() -> Iterator[Hub]:
    """A running stand-in."""
    found = Hub()
    handler = type("Handler", (_Handler,), {"hub": found})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
