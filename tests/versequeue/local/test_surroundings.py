"""A real server whose surroundings fail: descriptors, disk, locks. It waits, says so, goes on."""

import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.model_bundles import tiny_bundle
from tests.support.server import Server, running_server
from tests.support.waiting import wait_until
from versequeue.clock import utc_now
from versequeue.records import format_time

__all__ = ["tiny_bundle"]
pytestmark = [pytest.mark.processes, pytest.mark.long]
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


def hint_at(server: Server, job_id: str) -> None:
    """A message of our own, past the server: it needs a worker, and so a descriptor."""
    with closing(sqlite3.connect(server.data_dir / "queue.sqlite3")) as queue, queue:
        now = format_time(utc_now())
        queue.execute(
            "INSERT INTO messages (topic, body, published_at, due_at) VALUES ('jobs', ?, ?, ?)",
            (json.dumps({"job_ids": [job_id]}), now, now),
        )


def test_descriptors_used_up_by_idle_connections_end_nothing(server: Server) -> None:
    job_id = server.submit("rain", lines=4)["id"]
    server.wait_done(job_id)
    wait_until(lambda: server.worker_pid() is None, 60)
    address = urlsplit(server.url)
    with ExitStack() as stack:
        stack.enter_context(limited(server, resource.RLIMIT_NOFILE, open_files(server) + 20))
        for _ in range(40):
            idle = socket.create_connection((address.hostname, address.port), timeout=10)
            stack.callback(idle.close)
        hint_at(server, job_id)
        wait_until(lambda: said(server, "the dispatcher met a fault"), 60)
        assert try_to_submit(server) in (None, 202, 503)
    assert server.wait_done(server.submit("sun", lines=4)["id"])["status"] == "succeeded"
    wait_until(lambda: said(server, "the dispatcher goes on"), 60)


def test_a_server_opens_as_many_files_as_it_may() -> None:
    code = (
        "import resource; from versequeue.local.loops import raise_descriptor_limit;"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard));"
        "assert raise_descriptor_limit() == hard;"
        "assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_disk_that_takes_no_more_ends_nothing(server: Server) -> None:
    server.wait_done(server.submit("rain", lines=4)["id"])
    with limited(server, resource.RLIMIT_FSIZE, 0):
        assert wait_until(lambda: try_to_submit(server) == 503, 60)
        # Also at its idle time-out, when it writes that the worker has stopped.
        wait_until(lambda: server.worker_pid() is None, 60)
    assert server.wait_done(server.submit("sun", lines=4)["id"])["status"] == "succeeded"


def test_a_model_that_is_away_for_a_while_costs_no_job_its_attempts(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    model = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    with running_server(tmp_path / "data", model, env=QUICK) as server:
        away = model.rename(tmp_path / "away")
        ids = [server.submit("rain", lines=4)["id"] for _ in range(3)]

        def told(job_id: str) -> bool:
            return any("no model in" in event["detail"] for event in server.job(job_id)["events"])

        wait_until(lambda: all(map(told, ids)), 60)
        assert {server.job(job_id)["status"] for job_id in ids} <= {"queued", "running"}
        away.rename(model)
        jobs = [server.wait_done(job_id) for job_id in ids]
    assert {job["status"] for job in jobs} == {"succeeded"}
    assert {job["max_attempts"] - job["attempt"] for job in jobs} == {4}, "one attempt counts"


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
