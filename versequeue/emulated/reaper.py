"""A process that outlives its parent only to end what the parent leaves behind.

It reads process groups from its standard input, `+` to add one and `-` to drop it, and when that
input ends, by whatever death of the parent, it ends the groups that are left.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

#: How long a group may take over SIGTERM before SIGKILL.
GRACE_S = 10.0
LOOK_S = 0.1


class Reaper:
    """The parent's end. Use `watch` after each start, `forget` after each stop, `close` at last."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, group: int) -> None:
        """End this process group should the parent die."""
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """This process group has ended."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """End whatever is still watched, and the reaper itself."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin:
            # Should it be gone, the parent still ends what it started by itself.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()


def end_groups(groups: Iterable[int], grace_s: float = GRACE_S) -> None:
    """SIGTERM to every process of these groups, and SIGKILL to those that outlast the grace."""
    limit = time.monotonic() + grace_s
    left = [group for group in groups if _send(group, signal.SIGTERM)]
    while left and time.monotonic() < limit:
        time.sleep(LOOK_S)
        left = [group for group in left if _send(group, 0)]
    for group in left:
        _send(group, signal.SIGKILL)


def _send(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Read groups until the end of the input, then end them."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    end_groups(groups)


if __name__ == "__main__":
    main()
