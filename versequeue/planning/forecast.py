"""The wait that people will see, what it costs, and how many workers a load needs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from versequeue.planning import costs
from versequeue.planning.arrivals import PEAK_AT_S, SECONDS_PER_DAY, Arrival, Traffic, arrivals
from versequeue.planning.fleet import Policy, run_fleet
from versequeue.planning.prices import DAYS_PER_MONTH, Prices
from versequeue.planning.service_times import ServiceTimes, message_sizes

#: Few jobs a day: enough days to draw this many.
LEAST_JOBS, MOST_DAYS = 2_000, 200
#: Above this many a day, a slice around the day's peak is simulated, of so many jobs.
MOST_JOBS_IN_A_DAY, SLICE_JOBS = 20_000, 120_000
#: The part of a slice that only fills the fleet and is not counted.
SETTLING_SHARE = 0.25


@dataclass(frozen=True)
class Quantiles:
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Forecast:
    """What people would see under one policy."""

    policy: Policy
    jobs: int
    #: Seconds from sending to the first line, and to the whole song.
    first_line_s: Quantiles
    whole_song_s: Quantiles
    #: The share of jobs that waited for their own worker to start.
    cold_share: float
    most_instances: int
    busy_s: float
    requests: int
    waits_s: tuple[float, ...]


def forecast_arrivals(
    sent: Sequence[Arrival],
    policy: Policy,
    times: ServiceTimes,
    lines: int,
    settled_s: float = 0.0,
) -> Forecast:
    """What happens when exactly these arrivals come; those before `settled_s` are not counted."""
    fleet = run_fleet(sent, policy, times, lines)
    counted = [wait for wait in fleet.waits if wait.sent_s >= settled_s]
    share = len(counted) / len(fleet.waits) if fleet.waits else 1.0
    first = [wait.first_s for wait in counted]
    return Forecast(
        policy=policy,
        jobs=len(counted),
        first_line_s=quantiles(first),
        whole_song_s=quantiles([wait.whole_s for wait in counted]),
        cold_share=sum(wait.cold for wait in counted) / len(counted) if counted else 0.0,
        most_instances=fleet.most,
        busy_s=fleet.busy_s * share,
        requests=round(fleet.requests * share),
        waits_s=tuple(first),
    )


def forecast(
    traffic: Traffic, policy: Policy, times: ServiceTimes, lines: int, seed: int = 0
) -> Forecast:
    """The wait for drawn arrivals: whole days where they are few, the peak where they are many."""
    settled_s = _window(traffic)[2]
    return forecast_arrivals(_drawn(traffic, seed), policy, times, lines, settled_s)


def is_slice(traffic: Traffic) -> bool:
    """Whether `forecast` looks at the day's peak only."""
    return traffic.jobs_per_day > MOST_JOBS_IN_A_DAY


def month_usd(
    expected: Forecast,
    traffic: Traffic,
    lines: int,
    polls: int,
    prices: Prices,
    times: ServiceTimes,
) -> float:
    """The month's bill when every day is like the simulated ones."""
    month_jobs = traffic.jobs_per_day * DAYS_PER_MONTH
    scale = month_jobs / expected.jobs if expected.jobs else 0.0
    busy_s = expected.busy_s * scale
    kept_s = expected.policy.min_instances * costs.SECONDS_PER_MONTH
    use = costs.WorkerUse(busy_s, expected.requests * scale, max(0.0, kept_s - busy_s))
    load = costs.Load(traffic.jobs_per_day, lines, 1, polls, expected.policy.min_instances)
    return costs.total_usd(costs.bill(load, prices, times, use))


def instances_needed(
    traffic: Traffic, policy: Policy, times: ServiceTimes, lines: int, p95_s: float, seed: int = 0
) -> int | None:
    """The least maximum of instances that keeps the p95 wait for a first line within `p95_s`.

    None where even a worker for every message does not: then the start itself is too slow.
    """

    def good(most: int) -> bool:
        tried = replace(policy, max_instances=max(most, policy.min_instances))
        return forecast(traffic, tried, times, lines, seed).first_line_s.p95 <= p95_s

    # Fewer than the offered load never catch up; the search is from there, in widening steps.
    low = math.floor(offered_load(traffic, times, lines))
    high = low + 1
    while not good(high):
        low, high = high, high + 2 * (high - low)
        if high > 4 * (offered_load(traffic, times, lines) + 10):
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return high


def offered_load(traffic: Traffic, times: ServiceTimes, lines: int) -> float:
    """Workers busy on average at the busiest moment (Erlang): the rate times the time for each."""
    single = traffic.jobs_per_day * (1 - traffic.file_share) * times.song_s(lines, 1)
    sizes = message_sizes(traffic.file_size)
    files = traffic.jobs_per_day * traffic.file_share / traffic.file_size
    in_files = files * sum(times.song_s(lines, size) for size in sizes)
    return (single + in_files) * traffic.peak / SECONDS_PER_DAY


def quantiles(values: Sequence[float]) -> Quantiles:
    """p50, p95 and p99 by nearest rank; zeros where there is nothing."""
    if not values:
        return Quantiles(0.0, 0.0, 0.0)
    ordered = sorted(values)
    ranks = (max(0, math.ceil(share * len(ordered)) - 1) for share in (0.5, 0.95, 0.99))
    return Quantiles(*(ordered[rank] for rank in ranks))


@lru_cache(maxsize=1)
def _drawn(traffic: Traffic, seed: int) -> tuple[Arrival, ...]:
    """What comes in the simulated time; the policies that are compared all meet the same."""
    from_s, until_s, _ = _window(traffic)
    return tuple(arrivals(traffic, from_s, until_s, seed))


def _window(traffic: Traffic) -> tuple[float, float, float]:
    """(from, until, counted from) in seconds."""
    if not is_slice(traffic):
        wanted = math.ceil(LEAST_JOBS / max(traffic.jobs_per_day, 1e-9))
        return 0.0, min(MOST_DAYS, max(1, wanted)) * SECONDS_PER_DAY, 0.0
    length_s = SLICE_JOBS / (traffic.jobs_per_day * traffic.peak) * SECONDS_PER_DAY
    from_s = PEAK_AT_S - length_s / 2
    return from_s, from_s + length_s, from_s + SETTLING_SHARE * length_s
