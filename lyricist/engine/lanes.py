"""Several songs at once on several processors: for each processor a lane, an engine of one thread.

Two threads within one pass wait for each other after each of its hundreds of small operations;
two engines never do, and Python's part of one runs beside the passes of the other.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lyricist.engine.port import Engine


class Lanes:
    """Engines that are made when they are first needed, and kept. Not thread-safe."""

    def __init__(self, make_engine: Callable[[], Engine], most: int) -> None:
        self._make_engine = make_engine
        #: So many songs are written at the same time.
        self.most = most
        self._engines: list[Engine] = []

    def take(self, songs: int) -> Sequence[Engine]:
        """An engine for each processor, but no more than there are songs."""
        wanted = min(songs, self.most)
        while len(self._engines) < wanted:
            self._engines.append(self._make_engine())
        return self._engines[:wanted]


def run_side_by_side(works: Sequence[Callable[[Callable[[], bool]], None]]) -> None:
    """Runs each to its end, in a thread of its own if there are several.

    Each is given a function that says whether another one has failed, upon which it should stop.
    Raises what the first of them raised.
    """
    has_failed = threading.Event()
    if len(works) == 1:
        works[0](has_failed.is_set)
        return

    def run(work: Callable[[Callable[[], bool]], None]) -> None:
        try:
            work(has_failed.is_set)
        except BaseException:
            has_failed.set()
            raise

    with ThreadPoolExecutor(len(works), thread_name_prefix="lane") as pool:
        futures = [pool.submit(run, work) for work in works]
    for future in futures:
        future.result()
