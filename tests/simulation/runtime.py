"""The simulation's ground: processes, threads and time, in the hands of one seeded scheduler.

Every thread is a greenlet. It runs until it waits or calls something outside of its process; then
the scheduler draws who goes on, and moves time. What a seed draws is drawn again by the same seed.
"""

import math
import random
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")
#: Shortly before midnight, so that a budget's day ends in some of the worlds.
START = datetime(2026, 1, 1, 22, tzinfo=UTC)
FOREVER = math.inf
#: Last moments of a world that a failure prints.
TRACED = 80
#: What lies between two steps of somebody who is not kept from them, in seconds.
MOMENT_S = 3.0


class Crash(BaseException):
    """The process of this thread is gone, wherever the thread was."""


class ProcessDied(Exception):
    """The process that was called is gone: no answer will come."""


class Stuck(AssertionError):
    """A world that should have come to rest has not."""


class Actor:
    """One thread of a process."""

    def __init__(self, process: "Process", name: str, run: Callable[[], object]) -> None:
        self.process = process
        self.name = name
        self.wakes_at = 0.0
        self.until: Callable[[], bool] | None = None
        self.greenlet = greenlet(run, process.world.hub)

    @property
    def done(self) -> bool:
        """Whether it has returned, or died with its process."""
        return bool(self.greenlet.dead)

    def ready(self, now: float) -> bool:
        """Whether it may go on."""
        if self.process.dead:
            return True
        if self.process.stands_until > now:
            return False
        return self.wakes_at <= now or (self.until is not None and self.until())

    @property
    def next_at(self) -> float:
        """When it may go on by itself."""
        return max(self.wakes_at, self.process.stands_until)


@dataclass
class Clock:
    """How far a machine's clock is off."""

    skew_s: float = 0.0


class Process:
    """What crashes as a whole. It shares the clock of its machine."""

    def __init__(self, world: "World", name: str, clock: Clock | None = None) -> None:
        self.world = world
        self.name = name
        self.clock = clock or Clock()
        self.dead = False
        #: it was asked to stop, as by SIGTERM
        self.stopping = False
        #: until when it stands still, as by SIGSTOP or on a processor that was taken away
        self.stands_until = 0.0
        #: since when; of two times with hardly a moment between them, since the first
        self.stands_since = 0.0

    def start(self, name: str, run: Callable[[], object]) -> Actor:
        """A new thread of this process."""
        return self.world.add(Actor(self, f"{self.name}/{name}", run))

    def stand_still(self, seconds: float) -> None:
        """Do nothing for so long, or until it is killed."""
        now_s = self.world.now_s
        if now_s > self.stands_until + MOMENT_S:
            self.stands_since = now_s
        self.stands_until = max(self.stands_until, now_s + seconds)

    def stood_s(self) -> float:
        """How long it stood still until just now."""
        stood = self.stands_until > self.world.now_s - MOMENT_S
        return self.world.now_s - self.stands_since if stood else 0.0

    def kill(self) -> None:
        """As SIGKILL: nothing that a thread of this process does afterwards has an effect."""
        if not self.dead:
            self.world.note("killed", self.name)
        self.dead = True

    def call(self, name: str, run: Callable[[], T], limit_s: float = FOREVER) -> T:
        """What `run` gives in a thread of this process, for a caller in another one.

        Raises what it raises; ProcessDied, or TimeoutError while it goes on.
        """
        answer: list[Any] = []

        def answering() -> None:
            try:
                answer.append((run(), None))
            except Exception as error:
                answer.append((None, error))

        if self.dead:
            raise ProcessDied(self.name)
        self.start(name, answering)
        self.world.pause(limit_s, lambda: bool(answer) or self.dead)
        if not answer:
            raise ProcessDied(self.name) if self.dead else TimeoutError(self.name)
        value, error = answer[0]
        if error:
            raise error
        found: T = value
        return found


class World:
    """The scheduler and the true time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now_s = 0.0
        self.steps = 0
        #: how much faster time goes by than what the actors wait for, where nothing is left to do
        self.drift_s = 0.0
        self.actors: list[Actor] = []
        self.trace: deque[tuple[float, str, str, object]] = deque(maxlen=TRACED)
        self.digest = 0
        #: those who are outside of everything that crashes: visitors, receivers, the weather
        self.outside = Process(self, "outside")
        self.hub = getcurrent()
        self._current: Actor | None = None
        #: what broke a promise, wherever the exception went
        self.failure: BaseException | None = None

    @property
    def process(self) -> Process:
        """The process that runs now."""
        return self._current.process if self._current else self.outside

    @property
    def now(self) -> datetime:
        """The true time."""
        return START + timedelta(seconds=self.now_s)

    def clock(self) -> datetime:
        """What the clock of the running process shows."""
        return START + timedelta(seconds=self.now_s + self.process.clock.skew_s)

    def monotonic(self) -> float:
        """Seconds that no clock step touches."""
        return self.now_s

    def note(self, what: str, detail: object = "") -> None:
        """Remember this moment for the trace; all moments together make the digest of a seed."""
        who = self._current.name if self._current else "world"
        self.trace.append((self.now_s, who, what, detail))
        text = f"{self.now_s:.6f}{who}{what}{detail}"
        self.digest = zlib.crc32(text.encode(), self.digest)

    def add(self, actor: Actor) -> Actor:
        """Let `actor` run from now on."""
        actor.wakes_at = self.now_s
        self.actors.append(actor)
        return actor

    def pause(self, seconds: float = 0.0, until: Callable[[], bool] | None = None) -> None:
        """Let others run, and time pass, for at least this long, or until `until` holds."""
        actor = self._current
        if actor is None:
            return
        if actor.process.dead:
            raise Crash
        actor.wakes_at, actor.until = self.now_s + seconds, until
        self.hub.switch()
        actor.until = None

    def run(self, until: Callable[[], bool], max_steps: int) -> None:
        """Let actors run in a random order until `until`; Stuck after `max_steps`."""
        for _ in range(max_steps):
            if until():
                return
            self.step()
        raise Stuck(f"not at rest after {max_steps} steps")

    def step(self) -> None:
        """One actor runs on, or time goes on to the next one's moment."""
        self.steps += 1
        now = self.now_s
        ready = [actor for actor in self.actors if actor.ready(now)]
        if not ready:
            self.now_s = min(actor.next_at for actor in self.actors)
            return
        self.now_s += self.random.random() * 0.05 + self.drift_s
        actor = ready[0] if len(ready) == 1 else self.random.choice(ready)
        self._current = actor
        try:
            if actor.process.dead:
                self._bury(actor)
            else:
                actor.greenlet.switch()
        except Crash:
            pass
        finally:
            self._current = None
        if self.failure:
            raise self.failure
        if actor.greenlet.dead:
            self.actors.remove(actor)

    def end(self) -> None:
        """Let go of every actor that still stands somewhere in its code."""
        for actor in self.actors:
            actor.process.dead = True
        for actor in self.actors:
            self._current = actor
            if actor.greenlet:
                with suppress(Crash):
                    actor.greenlet.throw(GreenletExit)
        self._current = None
        self.actors.clear()

    def _bury(self, actor: Actor) -> None:
        # What it was doing is unwound without effect: every call outside raises Crash again.
        if actor.greenlet:
            actor.greenlet.throw(Crash)
        else:
            actor.greenlet.throw(GreenletExit)
