"""What `threading` and its pools offer, in the hands of the simulation's scheduler."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, TypeVar

from tests.simulation.runtime import FOREVER, Actor, Process, World

T = TypeVar("T")


class SimEvent:
    """`threading.Event` in a world."""

    def __init__(self, world: World) -> None:
        self._world, self._set = world, False

    def is_set(self) -> bool:
        """As in threading."""
        return self._set

    def set(self) -> None:
        """As in threading."""
        self._set = True

    def clear(self) -> None:
        """As in threading."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """As in threading."""
        self._world.pause(FOREVER if timeout is None else timeout, self.is_set)
        return self._set


class SimSemaphore:
    """`threading.Semaphore` in a world; with a value of one also its `Lock`.

    The processes of a world are given one store and one queue, and share no memory: what one of
    them holds while it stands still keeps no other from anything.
    """

    def __init__(self, world: World, value: int = 1) -> None:
        self._world, self._value = world, value
        #: how often each process holds it
        self._held: Counter[Process] = Counter()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """As in threading."""
        process = self._world.process
        if not self._is_free(process) and blocking:
            limit_s = FOREVER if timeout is None or timeout < 0 else timeout
            self._world.pause(limit_s, lambda: self._is_free(process))
        taken = self._is_free(process)
        self._held[process] += taken
        return taken

    def release(self, n: int = 1) -> None:
        """As in threading."""
        self._held[self._world.process] -= n

    def locked(self) -> bool:
        """As in threading."""
        return not self._is_free(self._world.process)

    def _is_free(self, process: Process) -> bool:
        return self._held[process] < self._value

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class SimCondition(SimSemaphore):
    """`threading.Condition` in a world."""

    def __init__(self, world: World, _lock: object = None) -> None:
        super().__init__(world)
        self._calls = 0

    def wait(self, timeout: float | None = None) -> bool:
        """As in threading."""
        seen = self._calls
        self.release()
        self._world.pause(FOREVER if timeout is None else timeout, lambda: self._calls > seen)
        self.acquire()
        return self._calls > seen

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """As in threading."""
        self.release()
        self._world.pause(FOREVER if timeout is None else timeout, predicate)
        self.acquire()
        return predicate()

    def notify(self, n: int = 1) -> None:
        """As in threading, but that it wakes everybody: a spurious wake-up is allowed."""
        self._calls += 1

    def notify_all(self) -> None:
        """As in threading."""
        self._calls += 1


class SimThread:
    """`threading.Thread` in a world: it belongs to the process that starts it."""

    def __init__(
        self,
        world: World,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str = "thread",
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        self._world, self.name = world, name
        self._run = lambda: target(*args, **(kwargs or {})) if target else None
        self._actor: Actor | None = None

    def start(self) -> None:
        """As in threading."""
        self._actor = self._world.process.start(self.name, self._run)

    @property
    def ident(self) -> int | None:
        """As in threading."""
        return 1 if self._actor else None

    def is_alive(self) -> bool:
        """As in threading."""
        return self._actor is not None and not self._actor.done

    def join(self, timeout: float | None = None) -> None:
        """As in threading."""
        self._world.pause(FOREVER if timeout is None else timeout, lambda: not self.is_alive())


class SimExecutor:
    """`ThreadPoolExecutor` in a world; a future knows whether it is done, and no more."""

    def __init__(
        self, world: World, max_workers: int | None = None, thread_name_prefix: str = "pool"
    ) -> None:
        self._world, self._most, self._name = world, max_workers or 4, thread_name_prefix
        self._waiting: deque[tuple[SimEvent, Callable[[], object]]] = deque()
        self._threads = 0

    def submit(self, run: Callable[..., object], *args: Any, **kwargs: Any) -> SimEvent:
        """As in concurrent.futures."""
        future = SimEvent(self._world)
        self._waiting.append((future, lambda: run(*args, **kwargs)))
        if self._threads < self._most:
            self._threads += 1
            self._world.process.start(f"{self._name}-{self._threads}", self._work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As in concurrent.futures."""
        if cancel_futures:
            self._waiting.clear()

    def _work(self) -> None:
        while self._waiting:
            future, run = self._waiting.popleft()
            run()
            future.set()
        self._threads -= 1
