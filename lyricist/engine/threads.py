"""How many threads the network may use on this machine, now."""

import os

#: More threads than this wait for each other most of the time: one token is little work.
MOST_THREADS = 4


def usable_threads() -> int:
    """For one engine: as many as there are idle processors, 1 to 4.

    Threads wait for each other by spinning: two on one free processor are half as fast as one.
    """
    return idle_processors(len(os.sched_getaffinity(0)), os.getloadavg()[0])


def usable_processors() -> int:
    """For engines of one thread: as many as this process may run on, busy or not, at most 4."""
    return min(MOST_THREADS, len(os.sched_getaffinity(0)))


def idle_processors(processors: int, load: float) -> int:
    """`load` is the mean number of processes that wanted a processor in the last minute."""
    return max(1, min(MOST_THREADS, round(processors - load)))
