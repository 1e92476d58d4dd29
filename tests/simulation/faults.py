"""What may happen at a call to the outside of a process, and what a world's clocks may do."""

from collections.abc import Callable
from typing import TypeVar

from tests.simulation.runtime import Clock, Crash, World
from tests.simulation.weather import Weather

T = TypeVar("T")
#: What the longest outage lasts.
LONGEST_OUTAGE_S = 3 * 3600.0


class Faults:
    """The seed's misfortunes; none of them after `calm`."""

    def __init__(self, world: World, weather: Weather) -> None:
        self.world, self.weather, self.random = world, weather, world.random
        self.rough = True
        #: until when the store and the queue are away, or their disk is full
        self.away_until = {"store": 0.0, "queue": 0.0}
        self.full_until = 0.0
        self.calm_at_s = 0.0
        #: whatever is published now is lost
        self.loses_all = False

    def calm(self) -> None:
        """No more faults: from now on everything has to come right."""
        self.rough = self.loses_all = False
        self.away_until = {"store": 0.0, "queue": 0.0}
        self.full_until = 0.0
        self.calm_at_s = self.world.now_s
        self.world.note("calm")

    def strikes(self, fault: str, times: float = 1.0) -> bool:
        """Whether this kind of fault happens here and now."""
        if not self.rough or not self.weather.has(fault):
            return False
        return self.random.random() < self.weather.rate * times

    def boundary(
        self,
        what: str,
        port: str,
        call: Callable[[], T],
        lost: Callable[[str], Exception],
        *,
        writes: bool,
        uncertain: bool = True,
    ) -> T:
        """Make a call to the store or the queue, with everything that may happen around it.

        `uncertain`: a write may take effect and be reported as failed.
        """
        world = self.world
        world.pause()
        world.note(what)
        fault = "crashes" if self.strikes("crashes") else ""
        if not fault and self.strikes(f"{port}_faults"):
            fault = "fails"
        if world.now_s < self.away_until[port] or (writes and world.now_s < self.full_until):
            raise lost("it is away")
        if fault == "":
            return call()
        after = self.random.random() < 0.5
        if fault == "fails" and not (after and writes and uncertain):
            world.note("fails", what)
            raise lost("it was not reached")
        if after:
            call()
        if fault == "crashes":
            world.process.kill()
            raise Crash
        world.note("answer lost", what)
        raise lost("it timed out after it took effect")

    def new_clock(self) -> Clock:
        """The clock of a new machine, which may be off by a little."""
        skewed = self.weather.has("skewed_clocks") and self.rough
        return Clock(self.random.uniform(-1.5, 1.5) if skewed else 0.0)

    def step_clock(self, clocks: list[Clock], steps_s: tuple[float, ...]) -> None:
        """Set some machine's clock back or forward."""
        if self.weather.has("clock_steps") and self.rough and clocks:
            self.random.choice(clocks).skew_s = self.random.choice(steps_s)
            self.world.note("clock set")

    def rage(self) -> None:
        """A turn of the faults that come by themselves."""
        self.world.pause(self.random.uniform(2, 30))
        if self.rough:
            if self.weather.has("outages") and self.random.random() < 0.1:
                self._go_away(self.random.choice(("store", "queue")))
            if self.weather.has("full_disk") and self.random.random() < 0.1:
                self.full_until = self.world.now_s + self.random.uniform(10, 300)
                self.world.note("disk full", self.full_until)
            if self.weather.has("leaps") and self.random.random() < 0.2:
                self.world.now_s += self.random.choice((1, 20, 45, 700))
                self.world.note("leap")

    def _go_away(self, port: str) -> None:
        self.away_until[port] = self.world.now_s + self.random.choice((60, 600, LONGEST_OUTAGE_S))
        self.world.note("outage", port)
