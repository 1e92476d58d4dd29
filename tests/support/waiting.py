"""Waiting on a condition with a limit: the only way in which a test lets time pass."""

from versequeue.waiting import wait_until

__all__ = ["wait_until"]
