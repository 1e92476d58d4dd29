"""The worker's process, where the machine has no room for what watches it."""

import os
import threading
from pathlib import Path

import pytest

from tests.support.rough_worker import source
from versequeue.child_process import ChildProcess
from versequeue.local.worker_process import WorkerProcess

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
