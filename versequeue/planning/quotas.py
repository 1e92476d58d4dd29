"""Which limit a growing load meets first: quotas, free tiers, the owner's own settings."""

from dataclasses import dataclass

from versequeue.planning.arrivals import SECONDS_PER_DAY, Traffic
from versequeue.planning.costs import Load, worker_use, writes_per_job
from versequeue.planning.forecast import offered_load
from versequeue.planning.prices import Prices
from versequeue.planning.service_times import ServiceTimes


@dataclass(frozen=True)
class Limit:
    """A bound, and the jobs a day at which it is met at the day's peak."""

    name: str
    bound: str
    jobs_per_day: float
    #: False where passing it only begins to cost money.
    stops: bool


def limits(
    traffic: Traffic,
    lines: int,
    max_instances: int,
    daily_budget: int,
    times: ServiceTimes,
    prices: Prices,
) -> list[Limit]:
    """Every limit in the order in which a load of this shape meets them."""
    found = [
        *_platform_limits(traffic, lines, max_instances, times, prices),
        *_free_tiers(lines, times, prices),
    ]
    if daily_budget:
        bound = f"{daily_budget:,} generations a day"
        found.append(Limit("VERSEQUEUE_DAILY_BUDGET", bound, float(daily_budget), stops=True))
    return sorted(found, key=lambda limit: limit.jobs_per_day)


def _platform_limits(
    traffic: Traffic, lines: int, max_instances: int, times: ServiceTimes, prices: Prices
) -> list[Limit]:
    """Those that refuse or delay work; met when the workers busy at the peak fill them."""
    assumed, quotas = times.assumed, prices.quotas
    workers_per_job = offered_load(Traffic(1.0, traffic.peak), times, lines)
    vcpu, gib = quotas["vcpu_per_region"].limit, quotas["gib_per_region"].limit
    peak_per_s = traffic.peak / SECONDS_PER_DAY
    writes_per_s = peak_per_s * writes_per_job(Load(1.0, lines), times)
    bytes_per_s = peak_per_s * prices.pubsub.counted_bytes(assumed.message_bytes)
    first_writes = quotas["firestore_first_writes_per_second"].limit
    publish = quotas["pubsub_publish_bytes_per_second"].limit
    rows = [
        ("worker instances", f"{max_instances} at most", max_instances / workers_per_job),
        ("Cloud Run CPU", f"{vcpu:g} vCPU", vcpu / assumed.worker_vcpu / workers_per_job),
        ("Cloud Run memory", f"{gib:g} GiB", gib / assumed.worker_gib / workers_per_job),
        ("Firestore ramp", f"{first_writes:g} writes a second", first_writes / writes_per_s),
        ("Pub/Sub publish", f"{publish / 1e6:g} MB a second", publish / bytes_per_s),
    ]
    return [Limit(*row, stops=True) for row in rows]


def _free_tiers(lines: int, times: ServiceTimes, prices: Prices) -> list[Limit]:
    """Those past which a month begins to cost; the workers alone, warm."""
    load = Load(1.0, lines, min_instances=1)
    vcpu_s = worker_use(load, prices, times).busy_s * times.assumed.worker_vcpu
    free_s, store = prices.run.free_vcpu_seconds_per_month, prices.firestore
    writes, kept_gib = store.free_writes_per_day, times.assumed.gib_per_daily_job
    jobs_to_write = writes / writes_per_job(load, times)
    rows = [
        ("Cloud Run, free CPU", f"{free_s:,.0f} vCPU-s a month", free_s / vcpu_s),
        ("Firestore, free writes", f"{writes:,.0f} a day", jobs_to_write),
        ("Firestore, free room", f"{store.free_gib:g} GiB", store.free_gib / kept_gib),
    ]
    return [Limit(*row, stops=False) for row in rows]
