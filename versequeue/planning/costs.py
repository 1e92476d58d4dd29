"""The monthly bill for a load, line by line, from prices and durations that are handed in."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from versequeue.config import Settings
from versequeue.planning import store_calls
from versequeue.planning.arrivals import SECONDS_PER_DAY
from versequeue.planning.prices import DAYS_PER_MONTH, GIB, Prices
from versequeue.planning.service_times import ServiceTimes, message_sizes, round_up
from versequeue.planning.store_calls import StoreCalls
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.options import Effort

SECONDS_PER_MONTH = DAYS_PER_MONTH * SECONDS_PER_DAY
PAY_PER_USE = "pay per use"


@dataclass(frozen=True)
class Load:
    """So many jobs a day of so many lines each; none has a webhook, so notify is not billed."""

    jobs_per_day: float
    lines: int = 16
    #: Jobs submitted together as one file; 1 is a single visitor.
    burst: int = 1
    #: Times that the page or program asks for a job's (or file's) state until it is done.
    polls: int = store_calls.POLLS
    min_instances: int = 0
    #: Seconds for which the server holds each such question, until there is something new.
    hold_s: float = 0.0
    #: Of a hundred attempts so many fail, and are tried again alone.
    failing_percent: float = 0.0
    #: That of the songs; the service times that go with the load are those of this effort.
    effort: Effort = "quick"

    @property
    def submits_per_day(self) -> float:
        return self.jobs_per_day / self.burst

    @property
    def retries_per_day(self) -> float:
        share = self.failing_percent / 100
        return self.jobs_per_day * sum(
            share**attempt for attempt in range(1, Settings.max_attempts)
        )

    @property
    def messages_per_day(self) -> float:
        return self.submits_per_day * len(message_sizes(self.burst)) + self.retries_per_day


@dataclass(frozen=True)
class WorkerUse:
    """What the workers did in a month: the part of the bill that depends on who came when."""

    busy_s: float
    requests: float
    #: Seconds in which minimum instances were kept and had nothing to do.
    idle_s: float = 0.0


@dataclass(frozen=True)
class BillLine:
    service: str
    usage: str
    list_usd: float
    #: What the free tier takes off.
    free_usd: float

    @property
    def pay_usd(self) -> float:
        return self.list_usd - self.free_usd


@dataclass(frozen=True)
class _RunUse:
    """One function's month on Cloud Run."""

    name: str
    seconds: float
    vcpu: float
    gib: float
    requests: float
    idle_s: float = 0.0


def cold_share(arrivals_per_day: float, kept_s: float) -> float:
    """The chance that a Poisson arrival finds no instance, an idle one being kept `kept_s`.

    Scaling out under a rush is left out here; the simulation has it.
    """
    return math.exp(-arrivals_per_day / SECONDS_PER_DAY * kept_s)


def worker_use(load: Load, prices: Prices, times: ServiceTimes) -> WorkerUse:
    """The workers' month for arrivals spread evenly over the day."""
    kept_s = times.assumed.platform_idle_s
    cold = 0.0 if load.min_instances else cold_share(load.submits_per_day, kept_s)
    start_s = cold * times.worker_start_s
    per_submit_s = sum(
        round_up(times.song_s(load.lines, size), prices.run.rounding_s) + start_s
        for size in message_sizes(load.burst)
    )
    retry_s = round_up(times.song_s(load.lines, 1), prices.run.rounding_s)
    busy_s = (load.submits_per_day * per_submit_s + load.retries_per_day * retry_s) * DAYS_PER_MONTH
    idle_s = max(0.0, load.min_instances * SECONDS_PER_MONTH - busy_s)
    return WorkerUse(busy_s, load.messages_per_day * DAYS_PER_MONTH, idle_s)


def bill(
    load: Load, prices: Prices, times: ServiceTimes, use: WorkerUse | None = None
) -> tuple[BillLine, ...]:
    """The month's bill, a line a service; `use` is a simulation's, or that of even arrivals."""
    use = use or worker_use(load, prices, times)
    return (
        *_run_lines(_run_uses(load, prices, times, use), prices),
        _pubsub_line(load, prices, times),
        *_firestore_lines(load, prices, times),
        *_kept_lines(prices, times),
        _egress_line(load, prices, times),
    )


def total_usd(lines: Iterable[BillLine]) -> float:
    """What is to be paid for all of `lines`."""
    return sum(line.pay_usd for line in lines)


def _light(
    name: str, requests: float, each_s: float, prices: Prices, times: ServiceTimes
) -> _RunUse:
    """A function without a model; billing each request apart overstates those that overlap."""
    kept_s = times.assumed.platform_idle_s
    cold = cold_share(requests / DAYS_PER_MONTH, kept_s)
    seconds = requests * (round_up(each_s, prices.run.rounding_s) + cold * times.light_start_s)
    return _RunUse(name, seconds, times.assumed.light_vcpu, times.assumed.light_gib, requests)


def _run_uses(load: Load, prices: Prices, times: ServiceTimes, use: WorkerUse) -> list[_RunUse]:
    assumed, measured = times.assumed, times.measured
    submits = load.submits_per_day * DAYS_PER_MONTH
    ticks = SECONDS_PER_MONTH / assumed.sweep_period_s
    instance = (assumed.worker_vcpu, assumed.worker_gib)
    return [
        _RunUse("worker", use.busy_s, *instance, use.requests, use.idle_s),
        _light("submit", submits, measured.submit_request_s, prices, times),
        _light(
            "results",
            submits * load.polls,
            load.hold_s + measured.results_request_s,
            prices,
            times,
        ),
        _light("sweep", ticks, assumed.sweep_request_s, prices, times),
    ]


def _run_lines(uses: list[_RunUse], prices: Prices) -> list[BillLine]:
    """Cloud Run's lines; its free tier is one for the account and is shared out by use."""
    run = prices.run
    cpu_free = _free_part(sum(u.seconds * u.vcpu for u in uses), run.free_vcpu_seconds_per_month)
    gib_free = _free_part(sum(u.seconds * u.gib for u in uses), run.free_gib_seconds_per_month)
    request_free = _free_part(sum(u.requests for u in uses), run.free_requests_per_month)
    lines = []
    for use in uses:
        cpu = use.seconds * use.vcpu * run.vcpu_second
        gib = use.seconds * use.gib * run.gib_second
        requests = use.requests / 1e6 * run.million_requests
        idle = use.idle_s * (use.vcpu * run.idle_vcpu_second + use.gib * run.idle_gib_second)
        kept = f", {use.idle_s:,.0f} s kept idle" if use.idle_s else ""
        usage = f"{use.requests:,.0f} requests, {use.seconds:,.0f} s{kept}"
        free_usd = cpu * cpu_free + gib * gib_free + requests * request_free
        total = cpu + gib + requests + idle
        lines.append(BillLine(f"Cloud Run: {use.name}", usage, total, free_usd))
    return lines


def _pubsub_line(load: Load, prices: Prices, times: ServiceTimes) -> BillLine:
    each = prices.pubsub.counted_bytes(times.assumed.message_bytes)
    messages = load.messages_per_day * DAYS_PER_MONTH
    gib = 2 * messages * each / GIB  # published once, pushed once
    free = _free_part(gib, prices.pubsub.free_gib_per_month)
    cost = gib / 1024 * prices.pubsub.tib
    return BillLine("Pub/Sub", f"{messages:,.0f} messages, {gib:,.3g} GiB", cost, cost * free)


def calls_per_day(load: Load, times: ServiceTimes) -> StoreCalls:
    """What all songs and questions of a day ask of the store, and the sweep whether or not any."""
    submission = store_calls.of_a_submission(load.burst)
    submission = submission.plus(store_calls.of_a_poll(load.burst, load.hold_s).times(load.polls))
    took_s = times.song_s(load.lines, min(load.burst, JOBS_PER_MESSAGE))
    attempt = store_calls.of_an_attempt(took_s, is_row=load.burst > 1)
    retry = store_calls.of_an_attempt(times.song_s(load.lines, 1), is_row=False)
    sweeps = SECONDS_PER_DAY / times.assumed.sweep_period_s
    return (
        submission.times(load.submits_per_day)
        .plus(attempt.times(load.jobs_per_day))
        .plus(retry.times(load.retries_per_day))
        .plus(StoreCalls(reads=store_calls.READS_TO_SWEEP).times(sweeps))
    )


def writes_per_job(load: Load, times: ServiceTimes) -> float:
    """Document writes that one job causes."""
    one = replace(load, jobs_per_day=1.0)
    return calls_per_day(one, times).writes


def _firestore_lines(load: Load, prices: Prices, times: ServiceTimes) -> list[BillLine]:
    """Its free tier is by the day, for reads and writes; deletes by TTL have none."""
    store, days = prices.firestore, DAYS_PER_MONTH
    calls = calls_per_day(load, times)
    gib = load.jobs_per_day * times.assumed.gib_per_daily_job
    rows = [
        ("reads", calls.reads * days, store.reads_per_100k / 1e5, store.free_reads_per_day * days),
        (
            "writes",
            calls.writes * days,
            store.writes_per_100k / 1e5,
            store.free_writes_per_day * days,
        ),
        ("deletes", calls.deletes * days, store.deletes_per_100k / 1e5, 0.0),
        ("GiB kept", gib, store.gib_month, store.free_gib),
    ]
    return [_counted_line(f"Firestore: {name}", name, *numbers) for name, *numbers in rows]


def _kept_lines(prices: Prices, times: ServiceTimes) -> list[BillLine]:
    bundle, images, ticks = prices.storage, prices.artifact_registry, prices.scheduler
    assumed = times.assumed
    rows = [
        ("Cloud Storage: model", "GB", assumed.bundle_gb, bundle.gb_month, bundle.free_gb),
        ("Artifact Registry: images", "GB", assumed.images_gb, images.gb_month, images.free_gb),
        ("Cloud Scheduler: sweep", "job", 1.0, ticks.job_month, ticks.free_jobs),
    ]
    return [_counted_line(*row) for row in rows]


def _egress_line(load: Load, prices: Prices, times: ServiceTimes) -> BillLine:
    polls = load.submits_per_day * load.polls * DAYS_PER_MONTH
    gib = polls * times.assumed.poll_bytes * load.burst / GIB
    egress = prices.egress
    return _counted_line("Network: answers", "GiB", gib, egress.gib, egress.free_gib_per_month)


def _counted_line(service: str, unit: str, amount: float, unit_usd: float, free: float) -> BillLine:
    number = f"{amount:,.0f}" if amount >= 1000 else f"{amount:,.3g}"
    cost = amount * unit_usd
    return BillLine(service, f"{number} {unit}", cost, cost * _free_part(amount, free))


def _free_part(amount: float, free: float) -> float:
    return 1.0 if amount <= free else free / amount
