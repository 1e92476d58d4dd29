"""A simulated fleet of workers: cold starts, idle time-outs, bounds, one message at a time each."""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from versequeue.planning.arrivals import Arrival
from versequeue.planning.service_times import ServiceTimes, message_sizes, round_up

#: What a warm-up call takes.
PING_S = 0.05
#: What a request's time is rounded up to on the bill; prices.json says the same.
ROUNDING_S = 0.1


@dataclass(frozen=True)
class Policy:
    """How the workers are kept."""

    name: str
    min_instances: int = 0
    max_instances: int = 3
    idle_s: float = 900.0
    #: Visitors' pages wake a worker this long before they send; 0 is never.
    wake_ahead_s: float = 0.0
    #: A scheduled warm-up call; 0 is never.
    ping_every_s: float = 0.0


@dataclass(frozen=True)
class _Message:
    sent_s: float
    jobs: int


@dataclass(frozen=True)
class Wait:
    """How long the sender of one job waits for the first line and for the whole song."""

    sent_s: float
    first_s: float
    whole_s: float
    #: whether its worker had to start first
    cold: bool


class Fleet:
    """Instances that start for waiting messages, take one at a time, and end when idle."""

    def __init__(self, env: Any, policy: Policy, times: ServiceTimes, lines: int) -> None:
        self.env, self.policy, self.times = env, policy, times
        # A hundred thousand passes are of eight sizes.
        self.line_s, self.song_s = cache(times.line_s), cache(partial(times.song_s, lines))
        self.waiting: deque[_Message] = deque()
        self.idle: list[Any] = []  # the latest idle one is woken first, so that the others may end
        self.alive = self.starting = self.most = self.requests = 0
        self.busy_s = 0.0
        self.waits: list[Wait] = []
        for _ in range(policy.min_instances):
            env.process(self._run(kept=True))

    def send(self, message: _Message) -> None:
        """Gives the message to an idle instance, or lets it wait and starts one where it may."""
        if self.idle:
            self.idle.pop().succeed(message)
            return
        self.waiting.append(message)
        if self.starting < len(self.waiting) and self.alive < self.policy.max_instances:
            self.env.process(self._run(kept=False))
            self.alive += 1
            self.starting += 1
            self.most = max(self.most, self.alive)

    def wake(self) -> None:
        """A warm-up call; one that is already on its way is enough."""
        if not self.starting:
            self.send(_Message(self.env.now, 0))

    def _run(self, kept: bool) -> Generator[Any, Any, None]:
        fresh = not kept
        if kept:
            self.alive += 1
            self.most = max(self.most, self.alive)
        else:
            yield self.env.timeout(self.times.worker_start_s)
            self.starting -= 1
            self.busy_s += self.times.worker_start_s
        while True:
            if self.waiting:
                message: _Message | None = self.waiting.popleft()
            else:
                message, fresh = (yield from self._rest(kept)), False
            if message is None:
                self.alive -= 1
                return
            yield from self._serve(message, fresh)
            fresh = False

    def _rest(self, kept: bool) -> Generator[Any, Any, _Message | None]:
        """The next message, or None where none came in time."""
        woken = self.env.event()
        self.idle.append(woken)
        yield woken if kept else woken | self.env.timeout(self.policy.idle_s)
        if woken.triggered:
            message: _Message = woken.value
            return message
        self.idle.remove(woken)
        return None

    def _serve(self, message: _Message, fresh: bool) -> Generator[Any, Any, None]:
        started_s = self.env.now
        song_s = self.song_s(message.jobs) if message.jobs else PING_S
        yield self.env.timeout(song_s)
        self.busy_s += round_up(song_s, ROUNDING_S)
        self.requests += 1
        if message.jobs:
            first_s = started_s + self.line_s(message.jobs) - message.sent_s
            wait = Wait(message.sent_s, first_s, self.env.now - message.sent_s, fresh)
            self.waits.extend([wait] * message.jobs)


def run_fleet(sent: Sequence[Arrival], policy: Policy, times: ServiceTimes, lines: int) -> Fleet:
    """The fleet after the last message is served."""
    import simpy  # the heavy part of this module, for `versequeue plan` only

    start_s = sent[0].at_s - policy.wake_ahead_s if sent else 0.0
    env = simpy.Environment(initial_time=start_s)
    fleet = Fleet(env, policy, times, lines)
    env.process(_send_all(env, fleet, sent))
    if policy.wake_ahead_s:
        env.process(_wake_ahead(env, fleet, [a.at_s - policy.wake_ahead_s for a in sent]))
    if policy.ping_every_s and sent:
        env.process(_ping(env, fleet, sent[-1].at_s))
    env.run()
    return fleet


def _send_all(env: Any, fleet: Fleet, sent: Sequence[Arrival]) -> Generator[Any, Any, None]:
    for arrival in sent:
        yield env.timeout(max(0.0, arrival.at_s - env.now))
        for size in message_sizes(arrival.jobs):
            fleet.send(_Message(arrival.at_s, size))


def _wake_ahead(env: Any, fleet: Fleet, moments: Sequence[float]) -> Generator[Any, Any, None]:
    for moment in moments:
        yield env.timeout(max(0.0, moment - env.now))
        fleet.wake()


def _ping(env: Any, fleet: Fleet, until_s: float) -> Generator[Any, Any, None]:
    while env.now < until_s:
        fleet.wake()
        yield env.timeout(fleet.policy.ping_every_s)
