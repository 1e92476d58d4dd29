"""The process that ends what a parent leaves behind, however the parent died.

It reads process groups from its standard input, `+` to add one and `-` to drop it. The input ends
with the parent, even after kill -9; whatever groups are left are then ended. `child_process` runs
this file by its path, so it imports nothing but the standard library.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

#: How long a group may take over SIGTERM before SIGKILL: what Cloud Run gives an instance.
GRACE_S = 10.0
LOOK_S = 0.02


def end_groups(
    groups: Iterable[int], grace_s: float = GRACE_S, collect: Callable[[], object] = lambda: None
) -> bool:
    """SIGTERM to every process of these groups, SIGKILL after the grace; whether none was killed.

    `collect` asks for the status of dead children: until then they count as processes.
    """
    limit = time.monotonic() + grace_s
    collect()
    left = [group for group in groups if _send(group, signal.SIGTERM)]
    while left and time.monotonic() < limit:
        time.sleep(LOOK_S)
        collect()
        left = [group for group in left if _send(group, 0)]
    for group in left:
        _send(group, signal.SIGKILL)
    return not left


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
