"""Waiting on a condition with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None], limit_s: float, poll_s: float = 0.02, what: str = ""
) -> T:
    """The first truthy value of `condition`. After the limit TimeoutError, which names `what`."""
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            waited_for = what or f"{condition!r}, which is {value!r}"
            raise TimeoutError(f"waited {limit_s:g} s in vain for {waited_for}")
        time.sleep(poll_s)
    return value
