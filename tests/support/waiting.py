"""Waiting on a condition with a limit: the only way in which a test lets time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], limit_s: float, poll_s: float = 0.02) -> T:
    """Return the first truthy value of `condition`; AssertionError once `limit_s` has passed."""
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not true after {limit_s} s: {condition!r}, last {value!r}")
        time.sleep(poll_s)
    return value
