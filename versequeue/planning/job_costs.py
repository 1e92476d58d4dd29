"""What a job, a file or a file that is not queued yet costs in the cloud, at list prices.

From what was measured of it and the two dated files. Left out are the free tiers, and what costs
the same with no job at all: the sweep, the model's bundle, the images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from versequeue.planning import store_calls
from versequeue.planning.prices import DAYS_PER_MONTH, GIB, Machine, Prices, load_prices
from versequeue.planning.service_times import ServiceTimes, load_service_times, round_up
from versequeue.rules.batch import JOBS_PER_MESSAGE, Batch
from versequeue.rules.job import Job
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.waits import Pace, Paces, Work, batch_s, by_model, in_passes


@dataclass(frozen=True)
class Usage:
    """What some jobs that were asked for together have used."""

    #: the worker's time for all of them, and how many workers had to start for them
    worker_s: float = 0.0
    starts: float = 0.0
    jobs: int = 1
    #: by all of them, and how many songs a pass had
    attempts: float = 1.0
    together: int = 1
    #: requests that brought them; a row of a file has no part in that of the file
    submissions: int = 1
    #: nobody watches them line by line
    later: bool = False


@dataclass(frozen=True)
class JobCost:
    """The parts of a cost, in dollars."""

    #: the worker's instances: their seconds, their starts, the messages that are pushed to them
    worker: float
    #: the requests to submit and to results
    requests: float
    queue: float
    #: what is read, written, deleted and kept of documents
    store: float
    #: bytes of the answers
    answers: float

    @property
    def usd(self) -> float:
        return self.worker + self.requests + self.queue + self.store + self.answers


def cost_of(usage: Usage, prices: Prices, times: ServiceTimes) -> JobCost:
    """The cost of this usage."""
    assumed, measured = times.assumed, times.measured
    messages = usage.attempts / usage.together
    # Each request's time is rounded up, by half a step on average.
    worker_s = usage.worker_s + messages * prices.run.rounding_s / 2
    worker_s += usage.starts * (assumed.platform_start_s + assumed.framework_start_s)
    request = prices.run.million_requests / 1e6
    instance_second = _instance_second(assumed.worker_vcpu, assumed.worker_gib, prices)
    light_second = _instance_second(assumed.light_vcpu, assumed.light_gib, prices)
    polls = usage.submissions * store_calls.POLLS
    light_s = usage.submissions * round_up(measured.submit_request_s, prices.run.rounding_s)
    light_s += polls * round_up(measured.results_request_s, prices.run.rounding_s)
    # Where no worker was awake, submit and results were not either.
    light_s += 2 * usage.starts * times.light_start_s
    message_bytes = 2 * prices.pubsub.counted_bytes(assumed.message_bytes)
    return JobCost(
        worker=worker_s * instance_second + messages * request,
        requests=light_s * light_second + (usage.submissions + polls) * request,
        queue=messages * message_bytes / 2**40 * prices.pubsub.tib,
        store=_store_usd(usage, prices, times),
        answers=polls * usage.jobs * assumed.poll_bytes / GIB * prices.egress.gib,
    )


def job_usd(job: Job) -> float | None:
    """What a job cost, from its first attempt to its end; None as long as it has none."""
    if not job.done:
        return None
    measured = job.metrics
    # An older version measured only the attempt that brought the song.
    took_s = (measured.model_load_s or 0.0) + (measured.generate_s or 0.0)
    usage = Usage(
        worker_s=took_s / job.together if measured.worker_s is None else measured.worker_s,
        starts=measured.starts or 0,
        attempts=job.attempt,
        together=job.together,
        submissions=0 if job.batch_id else 1,
        later=job.when == "later",
    )
    return _usd(usage)


def batch_usd(batch: Batch) -> float | None:
    """What a file cost, all its jobs together; None until they have ended."""
    if batch.finished_at is None or batch.worker_s is None:
        return None
    return _usd(_of_file(batch.total, batch.worker_s))


def file_usd(works: Sequence[Work], paces: Paces | None, *, starts: int) -> float:
    """What a file with these songs is going to cost, at these paces or at the usual one."""
    worker_s = batch_s(works, paces or Paces({"": usual_pace(_files()[1])}, loaded=None))
    passes = in_passes(by_model(works, _itself), _itself)
    usage = _of_file(len(works), worker_s, starts)
    return _usd(usage if passes else Usage(jobs=0, attempts=0))


def day_and_night() -> Machine:
    """The cheapest machine that runs all day, which pay-per-use goes without."""
    return min(_files()[0].machines.values(), key=lambda machine: machine.month)


def usual_pace(times: ServiceTimes) -> Pace:
    """The pace that was measured for the bill, as long as a server has none of its own."""
    quick_s = times.line_s(1) / Work(1, scheme=ResolvedOptions.rhyme_scheme).size
    return Pace({"quick": quick_s}, lanes=times.measured.threads)


def _of_file(rows: int, worker_s: float, starts: int = 0) -> Usage:
    return Usage(worker_s, starts, rows, rows, min(max(1, rows), JOBS_PER_MESSAGE))


def _usd(usage: Usage) -> float:
    return round(cost_of(usage, *_files()).usd, 9)


@cache
def _files() -> tuple[Prices, ServiceTimes]:
    return load_prices(), load_service_times()


def _instance_second(vcpu: float, gib: float, prices: Prices) -> float:
    return vcpu * prices.run.vcpu_second + gib * prices.run.gib_second


def _store_usd(usage: Usage, prices: Prices, times: ServiceTimes) -> float:
    store, attempts = prices.firestore, max(1.0, usage.attempts)
    is_file = usage.jobs > 1
    calls = store_calls.StoreCalls(writes=usage.jobs, deletes=usage.jobs)
    if usage.submissions:
        rows = usage.jobs if is_file else 1
        calls = store_calls.of_a_submission(rows)
        calls = calls.plus(store_calls.of_a_poll(rows).times(store_calls.POLLS))
    written_s = usage.worker_s * usage.together / attempts
    is_row = is_file or not usage.submissions or usage.later
    calls = calls.plus(store_calls.of_an_attempt(written_s, is_row=is_row).times(usage.attempts))
    gib_months = usage.jobs * times.assumed.gib_per_daily_job / DAYS_PER_MONTH
    return (
        calls.reads * store.reads_per_100k / 1e5
        + calls.writes * store.writes_per_100k / 1e5
        + calls.deletes * store.deletes_per_100k / 1e5
        + gib_months * store.gib_month
    )


def _itself(work: Work) -> Work:
    return work
