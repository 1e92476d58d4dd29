"""Child processes of a benchmark: started, awaited, and always stopped."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A child process for the length of a block; its words are shown only if it dies."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=15)
        if process.poll() is None:
            process.kill()
            process.communicate()


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules in this Python."""
    return [sys.executable, "-m", name, *arguments]


def wait_for(
    condition: Callable[[], bool], limit_s: float, what: str, step_s: float = 0.005
) -> None:
    """Return once `condition` holds. Raises RuntimeError naming `what` after `limit_s`."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {limit_s:g} s in vain for {what}")
        time.sleep(step_s)
