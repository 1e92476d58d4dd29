"""What a dead parent leaves behind is ended, and nothing else."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from versequeue.emulated.reaper import Reaper, end_groups

pytestmark = pytest.mark.processes
SLEEP = [sys.executable, "-c", "import time; time.sleep(120)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(120)",
]


@pytest.fixture
def started() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _start(stack: ExitStack, command: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True)
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


def test_closing_ends_what_is_watched_and_leaves_what_is_forgotten(started: ExitStack) -> None:
    watched, forgotten = _start(started, SLEEP), _start(started, SLEEP)
    reaper = Reaper()
    reaper.watch(watched.pid)
    reaper.watch(forgotten.pid)
    reaper.forget(forgotten.pid)
    # An ended process counts until somebody has asked for its status.
    with ThreadPoolExecutor(1) as pool:
        status = pool.submit(watched.wait, 30)
        reaper.close()
        assert status.result() == -15
    assert forgotten.poll() is None


def test_a_parent_that_is_killed_leaves_nothing(started: ExitStack) -> None:
    parent = textwrap.dedent(
        f"""
        import os, signal, subprocess
        from versequeue.emulated.reaper import Reaper
        child = subprocess.Popen({SLEEP!r}, start_new_session=True)
        reaper = Reaper()
        reaper.watch(child.pid)
        print(child.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    process = _start(started, [sys.executable, "-c", parent])
    # The child and the reaper have inherited the output: it ends when the last of them does.
    output, _ = process.communicate(timeout=30)
    assert int(output) > 0
    assert process.returncode == -9


def test_a_group_that_does_not_listen_is_killed_after_the_grace(started: ExitStack) -> None:
    stubborn = _start(started, STUBBORN)
    assert stubborn.stdout
    assert stubborn.stdout.readline() == "deaf\n"
    end_groups([stubborn.pid], grace_s=0.2)
    assert stubborn.wait(timeout=10) == -9


def test_groups_that_are_gone_are_no_fault(started: ExitStack) -> None:
    process = _start(started, [sys.executable, "-c", ""])
    process.wait(timeout=30)
    end_groups([process.pid])
