"""Loops that nothing in their surroundings ends, and the descriptors that they live on."""

import logging
import resource
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from versequeue.errors import StartupError, VerseQueueError

log = logging.getLogger(__name__)
#: Wait after a turn that went wrong; doubled each time, at most the second one.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
#: Descriptors that connections may not have: files, databases and pipes of all threads.
KEPT_DESCRIPTORS = 256
#: With fewer than these the threads themselves find no room for their databases.
FEWEST_DESCRIPTORS = 192
#: What is tried where the hard limit cannot be had: macOS has another one below it.
LESS_THAN_HARD = (10_240, 4096, 1024)
#: A connection's own, and that of the file that holds its request's body.
OF_ONE_CONNECTION = 2


def keep_on(turn: Callable[[], object], stopping: threading.Event, noun: str) -> None:
    """`turn` until `stopping` is set, whatever it raises; `noun` is what the log calls the loop."""
    pause_s = 0.0
    while not stopping.is_set():
        try:
            turn()
        except (VerseQueueError, OSError, MemoryError) as fault:
            if not stopping.is_set():
                log.warning("%s met a fault and will go on: %s", noun, str(fault) or repr(fault))
        except Exception:
            if not stopping.is_set():
                log.exception("%s met a fault that nobody expected, and will go on", noun)
        else:
            if pause_s:
                log.warning("%s goes on", noun)
            pause_s = 0.0
            continue
        pause_s = min(2 * pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        stopping.wait(pause_s)


def daemons(**turns: Callable[[], object]) -> list[threading.Thread]:
    """A thread for each of these, named as it is, that does not keep the process alive."""
    return [threading.Thread(target=run, name=name, daemon=True) for name, run in turns.items()]


def start_all(threads: Iterable[threading.Thread]) -> None:
    """Start these. Raises StartupError if the machine has no room for them."""
    with starting_threads():
        for thread in threads:
            thread.start()


@contextmanager
def starting_threads() -> Iterator[None]:
    """In this block threads are started. Raises StartupError if there is no room for them."""
    try:
        yield
    except RuntimeError as error:
        raise StartupError(f"The server's threads cannot be started: {error}.") from error


def raise_descriptor_limit() -> int:
    """Let this process and its children open as many files as they may; how many.

    Raises StartupError if that is too few to serve.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, *(less for less in LESS_THAN_HARD if 0 <= soft < less)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:
            log.info("the limit of open files stays %s, not %s: %s", soft, wanted, error)
        else:
            soft = wanted
            break
    if soft != resource.RLIM_INFINITY and soft < FEWEST_DESCRIPTORS:
        raise StartupError(
            f"Only {soft} files may be open here, and a server takes {FEWEST_DESCRIPTORS}. "
            "Let it have more: ulimit -n 1024."
        )
    return soft


def connections_within(most: int) -> int:
    """How many connections may be open, at most `most`, so that all else has descriptors.

    A server that cannot accept is woken by the waiting connection again at once, for ever.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    left = soft - min(KEPT_DESCRIPTORS, soft * 3 // 4)
    return max(1, min(most, left // OF_ONE_CONNECTION))
