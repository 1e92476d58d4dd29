"""What a job is told to have cost, against the bill for a day of such jobs."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.samples import NOW, at, batch_of, queued_job
from versequeue.planning.arrivals import SECONDS_PER_DAY, Traffic, arrivals
from versequeue.planning.costs import Load, WorkerUse, bill
from versequeue.planning.fleet import Fleet, Policy, run_fleet
from versequeue.planning.job_costs import (
    batch_usd,
    day_and_night,
    file_usd,
    job_usd,
    usual_pace,
)
from versequeue.planning.prices import DAYS_PER_MONTH, load_prices
from versequeue.planning.service_times import load_service_times, message_sizes
from versequeue.rules.job import Job, Metrics, Status
from versequeue.rules.waits import Paces, Work

PRICES, TIMES = load_prices(), load_service_times()
LINES = 16
#: The part of a start that a worker measures itself: its model.
LOAD_S = TIMES.worker_start_s - TIMES.assumed.platform_start_s - TIMES.assumed.framework_start_s


def written(worker_s: float, *, cold: bool = False, **fields: Any) -> Job:
    """A job that has succeeded in its first attempt."""
    ended: dict[str, Any] = {"status": Status.SUCCEEDED, "attempt": 1, "finished_at": at(9)}
    metrics = Metrics(worker_s=worker_s, starts=int(cold))
    return queued_job(**{**ended, "metrics": metrics, **fields})


def told(usd: float | None) -> float:
    """The cost, which is known."""
    assert usd is not None
    return usd


def caused_by_jobs(load: Load, fleet: Fleet) -> float:
    """The day's part of the bill that would not be there without any job, free tiers left out."""
    use = WorkerUse(fleet.busy_s * DAYS_PER_MONTH, fleet.requests * DAYS_PER_MONTH)
    billed = sum(line.list_usd for line in bill(load, PRICES, TIMES, use))
    idle = sum(line.list_usd for line in bill(replace(load, jobs_per_day=0.0), PRICES, TIMES))
    return (billed - idle) / DAYS_PER_MONTH


@pytest.mark.parametrize("jobs_per_day", [30, 300, 3000])
def test_the_costs_of_a_simulated_days_jobs_add_up_to_the_bill(jobs_per_day: int) -> None:
    sent = arrivals(Traffic(jobs_per_day), 0.0, SECONDS_PER_DAY, seed=1)
    fleet = run_fleet(sent, Policy("nothing kept"), TIMES, LINES)
    song_s = TIMES.song_s(LINES, 1)
    jobs = [written(song_s + (LOAD_S if each.cold else 0), cold=each.cold) for each in fleet.waits]
    assert sum(told(job_usd(job)) for job in jobs) == pytest.approx(
        caused_by_jobs(Load(len(jobs), LINES), fleet), rel=0.1
    )


def test_the_costs_of_a_simulated_days_files_add_up_to_the_bill() -> None:
    rows = 20
    sent = arrivals(Traffic(2000, file_share=1.0, file_size=rows), 0.0, SECONDS_PER_DAY, seed=1)
    fleet = run_fleet(sent, Policy("nothing kept"), TIMES, LINES)
    worker_s = sum(TIMES.song_s(LINES, size) for size in message_sizes(rows))
    file = batch_of(total=rows, finished_at=at(9), worker_s=worker_s)
    load = Load(rows * len(sent), LINES, burst=rows)
    starts = len(sent) * told(batch_usd(file))
    assert starts == pytest.approx(caused_by_jobs(load, fleet), rel=0.1)


def test_a_file_costs_less_than_its_prompts_one_by_one() -> None:
    together = file_usd([Work(LINES)] * 8, None, starts=0)
    alone = 8 * told(job_usd(written(TIMES.song_s(LINES, 1))))
    assert together < 0.6 * alone


def test_the_rows_of_a_file_cost_what_the_file_does_but_for_its_request_and_its_questions() -> None:
    rows = [written(1.0, batch_id="batch_1", together=8)] * 8
    whole = told(batch_usd(batch_of(total=8, finished_at=at(9), worker_s=8.0)))
    parts = sum(told(job_usd(row)) for row in rows)
    assert parts < whole < 1.2 * parts


def test_the_job_that_had_a_worker_started_pays_for_the_start() -> None:
    run, start_s = PRICES.run, TIMES.assumed.platform_start_s + TIMES.assumed.framework_start_s
    worker = start_s * (2 * run.vcpu_second + 2 * run.gib_second)
    asleep_as_well = 2 * TIMES.light_start_s * (run.vcpu_second + run.gib_second / 2)
    more = told(job_usd(written(2.0, cold=True))) - told(job_usd(written(2.0)))
    assert more == pytest.approx(worker + asleep_as_well, rel=1e-4)


def test_a_job_of_an_older_version_costs_what_its_own_times_tell() -> None:
    old = written(0.0, metrics=Metrics(model_load_s=0.0, generate_s=2.0))
    assert job_usd(old) == job_usd(written(2.0))


def test_what_has_not_ended_has_no_cost_and_what_nobody_wrote_costs_its_requests() -> None:
    assert job_usd(queued_job()) is None
    assert batch_usd(batch_of()) is None
    canceled = queued_job(status=Status.CANCELED, finished_at=NOW)
    assert 0 < told(job_usd(canceled)) < told(job_usd(written(2.0)))


def test_a_file_is_estimated_at_the_pace_that_a_server_was_measured_to_have() -> None:
    works, usual = [Work(LINES)] * 8, usual_pace(TIMES)
    slower = replace(usual, line_s={"quick": 3 * usual.line_s["quick"]})
    as_usual = file_usd(works, Paces({"": usual}), starts=0)
    assert as_usual == file_usd(works, None, starts=0)
    assert file_usd(works, Paces({"": slower}), starts=0) > 1.5 * as_usual


def test_the_machine_that_is_not_running_is_the_cheapest_one() -> None:
    assert day_and_night().month == 12.0
