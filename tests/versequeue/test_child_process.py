"""A child is waited for, ended with all that it started, and never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from versequeue.child_process import ChildProcess, KeptProcess, free_port
from versequeue.errors import StartupError
from versequeue.reaper import end_groups
from versequeue.stopping import StoppedEarly

pytestmark = pytest.mark.processes
SLEEP = [sys.executable, "-c", "import time; time.sleep(120)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(120)",
]
#: A shell with a child of its own, as gcloud and gunicorn have.
FAMILY = ["/bin/sh", "-c", "sleep 120 & echo grandchild $!; wait"]


def test_a_child_has_its_environment_folder_descriptors_and_log_and_no_input(
    tmp_path: Path,
) -> None:
    readable, writable = os.pipe()
    log = tmp_path / "log"
    script = (
        "import os, sys; print(os.getcwd(), os.environ['A'], sys.stdin.read() == '', flush=True)\n"
    )
    script += f"os.write({writable}, b'passed'); sys.exit('to the log too')"
    command = [sys.executable, "-c", script]
    with ChildProcess(
        command, environ={"A": "b c"}, cwd=tmp_path, log=log, pass_fds=[writable]
    ) as child:
        assert child.wait(30) == 1
    os.close(writable)
    with os.fdopen(readable) as pipe:
        assert pipe.read() == "passed"
    assert child.printed() == f"{tmp_path} b c True\nto the log too\n"


def test_ending_a_child_ends_what_it_started_and_nothing_else(tmp_path: Path) -> None:
    with ChildProcess(SLEEP) as other:
        child = ChildProcess(FAMILY, log=tmp_path / "log")
        grandchild = int(child.wait_for_line("grandchild", 10, "It"))
        assert child.stop()
        wait_until(lambda: not _lives(grandchild), 10)
        assert not child.running
        assert other.running


def test_a_child_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path) -> None:
    child = ChildProcess(STUBBORN, log=tmp_path / "log", grace_s=0.2)
    assert child.wait_for_line("dea", 10, "It") == "f"
    assert not child.stop()
    assert child.wait() == -signal.SIGKILL


def test_ending_a_child_that_has_ended_is_no_fault() -> None:
    child = ChildProcess([sys.executable, "-c", ""])
    child.wait(30)
    assert child.stop()
    assert end_groups([child.pid])


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(0)", "1 / 0"])
def test_a_parent_leaves_nothing_however_it_ends(end: str, tmp_path: Path) -> None:
    parent = textwrap.dedent(
        f"""
        import os, signal, sys
        from versequeue.child_process import ChildProcess
        for _ in range(3):
            child = ChildProcess({FAMILY!r})
        {end}
        """
    )
    # Its descendants inherit the output: that ends when the last of them does.
    done = subprocess.run([sys.executable, "-c", parent], stdout=subprocess.PIPE, timeout=30)
    left = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert len(left) <= 3
    # A process closes its output a moment before it has ended.
    wait_until(lambda: not any(map(_lives, left)), 10)


def test_a_child_that_finds_no_reaper_starts_and_says_nothing_of_it() -> None:
    script = textwrap.dedent(
        """
        import os, signal
        from pathlib import Path
        from versequeue.child_process import ChildProcess
        ChildProcess(["true"]).stop()
        [reaper] = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        os.kill(int(reaper), signal.SIGKILL)
        os.waitpid(int(reaper), 0)
        print(ChildProcess(["echo", "started"]).wait(30))
        """
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("started\n0\n", "")


def test_waiting_for_a_child_ends_with_the_child_and_says_what_it_printed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ChildProcess([sys.executable, "-c", "print('one\\ntwo\\n')"], log=log) as child:
        child.wait(30)
        assert child.wait_for_line("tw", 10, "It") == "o"
        with pytest.raises(StartupError, match=rf"^It does not start: see {log}, .* with: two$"):
            child.wait_for_line("three", 10, "It")
    with ChildProcess(SLEEP) as silent, pytest.raises(StartupError, match="its output says why"):
        silent.wait_until_ready(lambda: False, 0.1, "It")
    with (
        ChildProcess(["/no/such/program"], log=log) as missing,
        pytest.raises(StartupError, match=r"/no/such/program.*not found"),
    ):
        missing.wait_until_ready(lambda: False, 10, "It")


class Sleeper(KeptProcess):
    """Counts how often it was started."""

    starts = 0

    def begin(self) -> ChildProcess:
        self.starts += 1
        return ChildProcess(SLEEP)


def test_many_threads_have_one_child_and_a_dead_one_is_replaced() -> None:
    kept = Sleeper()
    for starts in (1, 2):
        threads = [threading.Thread(target=kept.start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert kept.starts == starts
        assert kept.pid
        os.kill(kept.pid, signal.SIGKILL)
        wait_until(lambda: not kept.running, 10)
    kept.end()


def test_after_the_end_nothing_is_started() -> None:
    kept = Sleeper()
    kept.start()
    kept.end()
    assert kept.pid is None
    with pytest.raises(StoppedEarly):
        kept.start()
    assert kept.starts == 1


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_free_port_is_none_that_a_connection_or_another_program_is_given_by_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as any_other:
        first_given = min(32_768, any_other.getsockname()[1])
    assert free_port() < first_given
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        drawn = iter([taken.getsockname()[1] - 20_000, 77])
        monkeypatch.setattr("secrets.randbelow", lambda _count: next(drawn))
        assert free_port() == 20_077
