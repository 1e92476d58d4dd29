"""Hears the webhooks of a run and records each as it arrives; now and then it says 503 first."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.histories.history import Recorder

REFUSED_AT_FIRST = 0.15


@contextmanager
def receiver(recorder: Recorder, seed: int) -> Iterator[str]:
    """Its URL, while it listens on loopback."""
    known: set[str] = set()
    dice = random.Random(f"receiver {seed}")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook_id = self.headers["webhook-id"]
            with recorder.operation("webhook", "receiver") as asked:
                asked.seen = {"webhook_id": webhook_id, **json.loads(body)}
            with lock:
                refused = webhook_id not in known and dice.random() < REFUSED_AT_FIRST
                known.add(webhook_id)
            self.send_response(503 if refused else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
