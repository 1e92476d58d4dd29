"""The worker's process, where nobody is left to watch it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from tests.support.paths import ROOT
from tests.support.rough_worker import source
from tests.support.waiting import wait_until
from versequeue.child_process import ChildProcess
from versequeue.local.worker_process import MAX_MESSAGE_BYTES, WorkerProcess

pytestmark = pytest.mark.processes


def test_a_worker_that_nobody_can_watch_is_not_left_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = tmp_path / "worker" / "main.py"
    main.parent.mkdir()
    main.write_text(source(tmp_path / "pids"))
    worker = WorkerProcess(main)
    children: list[ChildProcess] = []
    real = WorkerProcess._child_on

    def child_on(self: WorkerProcess, *about: object) -> ChildProcess:
        children.append(real(self, *about))  # type: ignore[arg-type]
        return children[-1]

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(WorkerProcess, "_child_on", child_on)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            worker.ensure()
    with pytest.raises(ProcessLookupError):
        os.killpg(children[0].pid, 0)
    assert not worker.running
    worker.ensure()
    assert worker.running
    worker.kill()


PARENT = """
import os, sys
from pathlib import Path
from versequeue.local.worker_process import WorkerProcess
worker = WorkerProcess(Path(sys.argv[1]))
worker.ensure()
children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
print(worker.pid, *(set(map(int, children.split())) - {worker.pid}), flush=True)
sys.stdin.read()
"""


def test_a_worker_ends_with_its_parent_though_the_reaper_was_killed_too(tmp_path: Path) -> None:
    main = tmp_path / "worker" / "main.py"
    main.parent.mkdir()
    main.write_text(source(tmp_path / "pids"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", PARENT, str(main)]
    with subprocess.Popen(command, cwd=ROOT, **pipes) as parent:  # type: ignore[call-overload]
        worker, reaper = map(int, parent.stdout.readline().split())
        for pid in (reaper, parent.pid):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), 60)


def test_a_worker_takes_no_more_bytes_than_a_message_has(tmp_path: Path) -> None:
    main = tmp_path / "worker" / "main.py"
    main.parent.mkdir()
    main.write_text(source(tmp_path / "pids"))
    worker = WorkerProcess(main)
    url, _ = worker.ensure()
    try:
        statuses = [
            requests.post(url, data=b"x" * size, timeout=60).status_code
            for size in (MAX_MESSAGE_BYTES - 1, MAX_MESSAGE_BYTES)
        ]
    finally:
        worker.kill()
    assert statuses == [415, 413], "the first one is read, and is no message"
