"""A store or a queue whose every call is a boundary, and a queue that loses what is published."""

from collections.abc import Callable
from typing import Any

from tests.simulation.faults import Faults
from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Topic

READS = (
    "get_",
    "batch_",
    "due_",
    "held_",
    "jobs_",
    "batches_",
    "count_",
    "oldest_",
    "next_",
    "depth",
    "dead_",
)


class Port:
    """A store or a queue whose every call is a boundary."""

    def __init__(
        self,
        faults: Faults,
        real: Any,
        port: str,
        lost: Callable[[str], Exception],
        flush: Callable[[bool], None],
    ) -> None:
        self._faults, self._real, self._port, self._lost = faults, real, port, lost
        self._flush = flush

    def close(self) -> None:
        """Nothing: the file is the world's."""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if not callable(method):
            return method
        reads = name.startswith(READS)

        def call(*args: Any, **kwargs: Any) -> Any:
            what = f"{self._port}.{name}"
            return self._faults.boundary(
                f"{what} {_named(args)}",
                self._port,
                lambda: self._run(method, args, kwargs),
                self._lost,
                writes=not reads,
            )

        return call

    def _run(self, method: Any, args: Any, kwargs: Any) -> Any:
        committed = False
        try:
            result = method(*args, **kwargs)
            committed = True
        finally:
            self._flush(committed)
        return result


class QueuePort(Port):
    """A queue that also drops, doubles and holds back what is published."""

    _held: tuple[Any, ...] = ()

    def __init__(self, faults: Faults, real: Any, published: Callable[[Topic, Any], None]) -> None:
        super().__init__(faults, real, "queue", QueueUnavailable, lambda _: None)
        #: is called with each message; with hints at events once the faults are over
        self._published = published

    def wait(self, seen: int, limit_s: float) -> int:
        """As the real one, which looks for other processes' writes: here there is one file."""
        world = self._faults.world
        world.pause(limit_s, lambda: self._real.publishes != seen)
        found: int = self._real.publishes
        return found

    def publish(self, topic: Any, messages: list[Any]) -> None:
        """Publish what the weather leaves of `messages`, and perhaps what it held back before."""
        self._faults.boundary(
            f"queue.publish {topic} {messages}",
            "queue",
            lambda: self._publish(topic, messages),
            self._lost,
            writes=True,
        )

    def _publish(self, topic: Any, messages: list[Any]) -> None:
        faults, rng = self._faults, self._faults.random
        if topic is not Topic.NOTIFY or not faults.rough:
            for message in messages:
                self._published(topic, message)
        kept = []
        for message in messages:
            if faults.loses_all or faults.strikes("lost_messages", 4):
                faults.world.note("message lost", message)
            elif faults.strikes("lost_messages", 4):
                self._held += ((topic, message),)
            else:
                kept += [message] * (2 if faults.strikes("lost_messages", 4) else 1)
        self._real.publish(topic, kept)
        if self._held and rng.random() < 0.3:
            late_topic, late = self._held[0]
            self._held = self._held[1:]
            self._real.publish(late_topic, [late])


def _named(args: tuple[Any, ...]) -> str:
    return " ".join(str(arg) if isinstance(arg, str) else "" for arg in args[:1])
