"""A real server whose surroundings fail: descriptors, disk, locks. It waits, says so, goes on."""

import os
import resource
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.model_bundles import tiny_bundle
from tests.support.server import Server, running_server
from tests.support.waiting import wait_until

__all__ = ["tiny_bundle"]
pytestmark = pytest.mark.processes
#: A tick every second, so that what was lost is sent again soon.
QUICK = {"VERSEQUEUE_SWEEP_INTERVAL_S": "1"}


@pytest.fixture
def server(tmp_path: Path, tiny_bundle: Path) -> Iterator[Server]:
    with running_server(tmp_path, tiny_bundle, idle_timeout_s=2, env=QUICK) as started:
        yield started
        assert started.process.running, "no fault has ended it"
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(30) == 0


@contextmanager
def limited(server: Server, kind: int, soft: int) -> Iterator[None]:
    """The server's process, but not the children that it has, with another limit."""
    before = resource.prlimit(server.process.pid, kind)
    resource.prlimit(server.process.pid, kind, (soft, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, kind, before)


def open_files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def try_to_submit(server: Server) -> int | None:
    """The status of the answer to a prompt; None if there was no connection."""
    try:
        body = {"prompt": "rain", "options": {"lines": 4}}
        return requests.post(f"{server.url}/v1/jobs", json=body, timeout=30).status_code
    except requests.RequestException:
        return None


def said(server: Server, words: str) -> bool:
    return words in server.process.printed()


def test_descriptors_used_up_by_idle_connections_end_nothing(server: Server) -> None:
    """The loops that need one more say so, and go on when the connections are gone."""
    assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] > 1024 or (
        resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 1024
    )
    first = server.submit("rain", lines=4)["id"]
    server.wait_done(first)
    wait_until(lambda: server.worker_pid() is None, 60)
    waiting = server.submit("snow", lines=4)["id"] if False else None
    address = urlsplit(server.url)
    with ExitStack() as stack:
        stack.enter_context(limited(server, resource.RLIMIT_NOFILE, open_files(server) + 20))
        for _ in range(40):
            idle = socket.create_connection((address.hostname, address.port), timeout=10)
            stack.callback(idle.close)
        queue = stack.enter_context(closing(sqlite3.connect(server.data_dir / "queue.sqlite3")))
        queue.execute(
            "INSERT INTO messages (topic, body, published_at, due_at)"
            " SELECT 'jobs', '{\"job_ids\": [\"" + first + "\"]}', published, published"
            " FROM (SELECT strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', 'now') AS published)"
        )
        queue.commit()
        wait_until(lambda: said(server, "the dispatcher met a fault"), 60)
        assert try_to_submit(server) in (None, 202, 503)
    assert waiting is None
    server.wait_done(server.submit("sun", lines=4)["id"])


def test_a_disk_that_takes_no_more_ends_nothing(server: Server) -> None:
    server.wait_done(server.submit("rain", lines=4)["id"])
    with limited(server, resource.RLIMIT_FSIZE, 0):
        assert wait_until(lambda: try_to_submit(server) == 503, 60)
        # Also at its idle time-out, when it writes that the worker has stopped.
        wait_until(lambda: server.worker_pid() is None, 60)
    assert server.wait_done(server.submit("sun", lines=4)["id"])["status"] == "succeeded"


def test_somebody_who_holds_the_stores_lock_ends_nothing(server: Server) -> None:
    """As a backup does, or a shell that was left in a transaction."""
    server.wait_done(server.submit("rain", lines=4)["id"])
    wait_until(lambda: server.worker_pid() is None, 60)
    with ExitStack() as stack:
        for name in ("store", "queue"):
            path = server.data_dir / f"{name}.sqlite3"
            held = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            held.execute("BEGIN IMMEDIATE")
        wait_until(lambda: said(server, "the sweep met a fault"), 60)
        assert try_to_submit(server) == 503
    wait_until(lambda: said(server, "the sweep goes on"), 60)
    assert server.wait_done(server.submit("sun", lines=4)["id"])["status"] == "succeeded"
