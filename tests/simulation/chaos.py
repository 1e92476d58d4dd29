"""A world in which everything that can go wrong does, from one seed: the simulation's ground.

Actors are greenlets that run the real service. Every call to the store or the queue is a place
where others may run, where the actor may crash before or after the call took effect, where the
call may fail, or succeed and be reported as failed. Time moves only when the scheduler moves it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from greenlet import GreenletExit, greenlet

from tests.support.memory import MemoryQueue, MemoryStore
from versequeue.errors import QueueUnavailable, StoreUnavailable
from versequeue.ports.queue import Message, Topic

START = datetime(2026, 1, 1, tzinfo=UTC)
WRITES = ("create", "update_job", "update_jobs", "update_batch", "update_state")


class Crash(BaseException):
    """The process of this actor is gone, wherever it was."""


@dataclass
class Actor:
    """Something that runs again and again until it returns; started anew after a crash."""

    name: str
    run: Callable[[], None]
    coroutine: Any = None
    wakes_at: datetime = START
    done: bool = False


@dataclass
class World:
    """The scheduler, its clock and its faults."""

    seed: int
    #: chance of a fault at each call while `faulty`
    fault_rate: float = 0.06
    faulty: bool = True
    #: time that passes at each step beside what actors wait for
    drift_s: float = 0.0
    now: datetime = START
    actors: list[Actor] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.hub = greenlet.getcurrent()

    def clock(self) -> datetime:
        """The present moment in this world."""
        return self.now

    def spawn(self, name: str, run: Callable[[], None]) -> None:
        """Add an actor."""
        self.actors.append(Actor(name, run))

    def pause(self, seconds: float = 0.0) -> None:
        """Called inside an actor: let others run, and time pass, for at least this long."""
        current = greenlet.getcurrent()
        actor = next(actor for actor in self.actors if actor.coroutine is current)
        actor.wakes_at = self.now + timedelta(seconds=seconds)
        self.hub.switch()

    def run(self, until: Callable[[], bool], max_steps: int) -> None:
        """Let actors run in a random order until `until`; AssertionError after `max_steps`."""
        for _ in range(max_steps):
            if until():
                return
            self._step()
        raise AssertionError(f"seed {self.seed}: not at rest after {max_steps} steps")

    def end(self) -> None:
        """Let go of every actor that still stands somewhere in its code."""
        for actor in self.actors:
            if actor.coroutine is not None and not actor.coroutine.dead:
                actor.coroutine.throw(GreenletExit)

    def _step(self) -> None:
        self.steps += 1
        waiting = [actor for actor in self.actors if not actor.done]
        ready = [actor for actor in waiting if actor.wakes_at <= self.now]
        if not ready:
            self.now = min(actor.wakes_at for actor in waiting)
            return
        if self.faulty and self.random.random() < 0.02:
            # Long enough for every lease to lapse while whoever holds it stands still.
            self.now += timedelta(seconds=self.random.choice((1, 20, 45, 700)))
        self.now += timedelta(milliseconds=self.random.randrange(50), seconds=self.drift_s)
        self._resume(self.random.choice(ready))

    def _resume(self, actor: Actor) -> None:
        if actor.coroutine is None or actor.coroutine.dead:
            actor.coroutine = greenlet(lambda: self._live(actor))
        actor.coroutine.switch()

    def _live(self, actor: Actor) -> None:
        try:
            actor.run()
        except Crash:
            # The process starts anew a little later.
            actor.wakes_at = self.now + timedelta(seconds=self.random.uniform(0.1, 5))
        else:
            actor.done = True

    def boundary(self, call: Callable[[], Any], lost: type[Exception], *, writes: bool) -> Any:
        """Make a call to the outside, with everything that may happen around it."""
        self.pause()
        if not self.faulty or self.random.random() >= self.fault_rate:
            return call()
        fault = self.random.choice(("crash before", "crash after", "fails", "reported failed"))
        if fault == "crash before":
            raise Crash
        if fault == "fails":
            raise lost("not reached")
        result = call()
        if fault == "crash after":
            raise Crash
        if writes:
            raise lost("timed out after the write took effect")
        return result


class ChaosStore:
    """A store whose every call is a boundary; `watch` sees every write that takes effect."""

    def __init__(self, world: World, store: MemoryStore, watch: Callable[[], None]) -> None:
        self._world = world
        self._store = store
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if name.startswith("update_") and self._world.random.random() < 0.1:
                # A transaction that met another one is rolled back and its change runs again.
                args = _with_changes_run_twice(args)
            result = method(*args, **kwargs)
            if name in WRITES:
                self._watch()
            return result

        return lambda *args, **kwargs: self._world.boundary(
            lambda: call(*args, **kwargs), StoreUnavailable, writes=name in WRITES
        )


def _with_changes_run_twice(args: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(args) == 1:
        return ({key: _run_twice(change) for key, change in args[0].items()},)
    return (args[0], _run_twice(args[1]))


def _run_twice(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def twice(current: Any) -> Any:
        change(current)
        return change(current)

    return twice


class ChaosQueue:
    """A queue that drops, doubles, delays and reorders what is published."""

    def __init__(self, world: World, queue: MemoryQueue) -> None:
        self._world = world
        self._queue = queue
        self._held: list[tuple[Topic, Message]] = []

    def publish(self, topic: Topic, messages: list[Message]) -> None:
        """Publish what the faults leave of `messages`, and perhaps what was held back before."""
        self._world.boundary(lambda: self._publish(topic, messages), QueueUnavailable, writes=True)

    def close(self) -> None:
        """Nothing to let go of."""

    def _publish(self, topic: Topic, messages: list[Message]) -> None:
        for message in messages:
            fate = self._world.random.random() if self._world.faulty else 1.0
            if fate < 0.08:
                continue
            if fate < 0.2:
                self._held.append((topic, message))
                continue
            copies = 2 if fate < 0.3 else 1
            self._queue.publish(topic, [message] * copies)
        self._world.random.shuffle(self._held)
        if self._held and self._world.random.random() < 0.3:
            late_topic, late = self._held.pop()
            self._queue.publish(late_topic, [late])
