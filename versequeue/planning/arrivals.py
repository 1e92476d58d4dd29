"""When jobs arrive: a day's curve, single visitors and whole files, drawn from a seed."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

SECONDS_PER_DAY = 86_400.0
#: The busiest moment of the day: eight in the evening.
PEAK_AT_S = 20 * 3600.0


@dataclass(frozen=True)
class Traffic:
    """How many jobs come, how unevenly, and how many of them in files."""

    jobs_per_day: float
    #: The busiest moment's rate over the day's mean; 1 is a flat day.
    peak: float = 3.0
    #: The share of jobs that come in files.
    file_share: float = 0.0
    file_size: int = 20

    def __post_init__(self) -> None:
        if self.peak < 1:
            raise ValueError(
                "the busiest moment cannot be quieter than the mean: peak is at least 1"
            )


@dataclass(frozen=True)
class Arrival:
    at_s: float
    #: Jobs that came together: 1, or a file's.
    jobs: int


@dataclass(frozen=True)
class Curve:
    """A bell round the clock (von Mises), so that midnight has no seam."""

    concentration: float
    peak: float

    def rate(self, at_s: float) -> float:
        """The rate at a moment, over the day's mean."""
        angle = 2 * math.pi * (at_s - PEAK_AT_S) / SECONDS_PER_DAY
        return self.peak * math.exp(self.concentration * (math.cos(angle) - 1))


def day_curve(peak: float) -> Curve:
    """The curve whose highest rate is `peak` times its mean."""
    low, high = 0.0, 400.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if 1 / _scaled_bessel(middle) < peak:
            low = middle
        else:
            high = middle
    return Curve(concentration=low, peak=peak)


def arrivals(traffic: Traffic, from_s: float, until_s: float, seed: int) -> list[Arrival]:
    """Everything that comes between two moments, in order; the same for the same seed."""
    rng = random.Random(seed)
    curve = day_curve(traffic.peak)
    single = traffic.jobs_per_day * (1 - traffic.file_share)
    files = traffic.jobs_per_day * traffic.file_share / traffic.file_size
    found = [Arrival(at, 1) for at in _moments(curve, single, from_s, until_s, rng)]
    found += [Arrival(at, traffic.file_size) for at in _moments(curve, files, from_s, until_s, rng)]
    return sorted(found, key=lambda arrival: arrival.at_s)


def _moments(
    curve: Curve, per_day: float, from_s: float, until_s: float, rng: random.Random
) -> Iterator[float]:
    """A Poisson process by thinning: candidates at the highest rate, kept by their moment's."""
    highest = per_day * curve.peak / SECONDS_PER_DAY
    if highest <= 0:
        return
    at_s = from_s + rng.expovariate(highest)
    while at_s < until_s:
        if rng.random() * curve.peak < curve.rate(at_s):
            yield at_s
        at_s += rng.expovariate(highest)


def _scaled_bessel(x: float) -> float:
    """exp(-x) I0(x), the mean of a von Mises bell whose top is 1, by the midpoint rule."""
    steps = 512
    angles = (2 * math.pi * (i + 0.5) / steps for i in range(steps))
    return sum(math.exp(x * (math.cos(angle) - 1)) for angle in angles) / steps
