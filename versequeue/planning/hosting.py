"""Which way of running VerseQueue is the cheapest: pay per use, or a machine that runs all day."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from versequeue.planning.arrivals import SECONDS_PER_DAY
from versequeue.planning.costs import PAY_PER_USE, Load, bill, total_usd
from versequeue.planning.prices import Prices
from versequeue.planning.service_times import ServiceTimes, message_sizes

#: The loads that are compared: six decades, from 10 to 10 million jobs a day.
LEAST_JOBS_PER_DAY = 10.0
DECADES, STEPS_PER_DECADE = 6, 40


@dataclass(frozen=True)
class Choice:
    """One way to run a load, and what it costs in a month."""

    name: str
    #: Machines rented; 0 where nothing is.
    machines: int
    month_usd: float


@dataclass(frozen=True)
class Turn:
    """From `jobs_per_day` on, `name` is the cheapest, until the next turn."""

    jobs_per_day: float
    name: str


def choices(load: Load, prices: Prices, times: ServiceTimes) -> list[Choice]:
    """Every way to run `load`, the cheapest first."""
    found = [Choice(PAY_PER_USE, 0, total_usd(bill(load, prices, times)))]
    found += [Choice(name, *machine_usd(name, load, prices, times)) for name in prices.machines]
    return sorted(found, key=lambda choice: choice.month_usd)


def machine_usd(name: str, load: Load, prices: Prices, times: ServiceTimes) -> tuple[int, float]:
    """(machines, dollars a month) when the embedded backend serves `load` on machines `name`."""
    machine = prices.machines[name]
    # All the threads that the times were measured with count as one worker's cores.
    core_s = worker_core_s(load, times)
    capacity = machine.sustained_vcpu * times.assumed.machine_busy_share * SECONDS_PER_DAY
    count = max(1, math.ceil(core_s / capacity))
    return count, count * machine.month


def worker_core_s(load: Load, times: ServiceTimes) -> float:
    """Core-seconds a day that writing takes on warm workers."""
    per_submit_s = sum(times.song_s(load.lines, size) for size in message_sizes(load.burst))
    return load.submits_per_day * per_submit_s * times.measured.threads


def grid() -> list[float]:
    """Loads from 10 to 10 million jobs a day, evenly on a logarithmic scale."""
    steps = DECADES * STEPS_PER_DECADE
    return [LEAST_JOBS_PER_DAY * 10 ** (i * DECADES / steps) for i in range(steps + 1)]


def turns(load: Load, prices: Prices, times: ServiceTimes) -> list[Turn]:
    """The loads from 10 to 10 million jobs a day at which another choice becomes the cheapest."""

    def cheapest(jobs_per_day: float) -> str:
        return choices(replace(load, jobs_per_day=jobs_per_day), prices, times)[0].name

    found = [Turn(LEAST_JOBS_PER_DAY, cheapest(LEAST_JOBS_PER_DAY))]
    loads = grid()
    for low, high in pairwise(loads):
        name = cheapest(high)
        if name == found[-1].name:
            continue
        while high - low > 0.001 * high:
            middle = (low + high) / 2
            if cheapest(middle) == found[-1].name:
                low = middle
            else:
                high = middle
        found.append(Turn(high, cheapest(high)))
    return found
