"""The simulated fleet: cold starts, time-outs, queues and remedies, against what theory says."""

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from versequeue.cli.plan import plan
from versequeue.planning.arrivals import (
    PEAK_AT_S,
    SECONDS_PER_DAY,
    Arrival,
    Traffic,
    arrivals,
    day_curve,
)
from versequeue.planning.fleet import ROUNDING_S, Policy
from versequeue.planning.forecast import (
    forecast,
    forecast_arrivals,
    instances_needed,
    is_slice,
    month_usd,
    offered_load,
    quantiles,
)
from versequeue.planning.prices import load_prices
from versequeue.planning.quotas import limits
from versequeue.planning.service_times import ServiceTimes, load_service_times

LINES = 16
PLAIN = Policy("plain", max_instances=1)


@pytest.fixture
def times() -> ServiceTimes:
    """A worker that starts in 3 s and writes a line in 0.1 s, or 8 lines in 0.4 s."""
    loaded = load_service_times()
    measured = replace(
        loaded.measured, worker_first_line_s=2.1, seconds_per_line=((1, 0.1), (8, 0.4))
    )
    return replace(loaded, measured=measured, assumed=replace(loaded.assumed, platform_start_s=1.0))


def each(*moments_s: float) -> list[Arrival]:
    return [Arrival(at_s, 1) for at_s in moments_s]


def test_the_first_visitor_waits_for_the_start_and_the_second_does_not(times: ServiceTimes) -> None:
    outcome = forecast_arrivals(each(0, 100), PLAIN, times, LINES)
    assert outcome.waits_s == pytest.approx((3.1, 0.1))
    assert outcome.cold_share == 0.5


def test_a_worker_that_was_idle_too_long_is_gone(times: ServiceTimes) -> None:
    outcome = forecast_arrivals(each(0, 1000), PLAIN, times, LINES)
    assert outcome.waits_s == pytest.approx((3.1, 3.1))


def test_a_visitor_who_comes_while_another_is_served_waits_for_the_rest(
    times: ServiceTimes,
) -> None:
    # Given a worker that is busy from 3.0 to 4.6
    outcome = forecast_arrivals(each(0, 4), PLAIN, times, LINES)
    # Then the second song starts at 4.6 and its first line is there 0.1 s later
    assert outcome.waits_s == pytest.approx((3.1, 0.7))
    assert outcome.whole_song_s.p99 == pytest.approx(4.6)


def test_another_instance_is_started_only_up_to_the_maximum(times: ServiceTimes) -> None:
    crowd = each(*(i / 10 for i in range(20)))
    assert forecast_arrivals(crowd, PLAIN, times, LINES).most_instances == 1
    assert (
        forecast_arrivals(crowd, replace(PLAIN, max_instances=4), times, LINES).most_instances == 4
    )


def test_a_file_is_written_eight_songs_at_a_time(times: ServiceTimes) -> None:
    outcome = forecast_arrivals([Arrival(0, 16)], PLAIN, times, LINES)
    assert outcome.jobs == 16
    assert outcome.requests == 2
    assert outcome.busy_s == pytest.approx(3 + 2 * LINES * 0.4)


def test_a_kept_instance_is_never_cold_and_never_ends(times: ServiceTimes) -> None:
    outcome = forecast_arrivals(each(0, 5000), replace(PLAIN, min_instances=1), times, LINES)
    assert outcome.cold_share == 0
    assert outcome.waits_s == pytest.approx((0.1, 0.1))


def test_a_page_that_wakes_the_worker_ahead_hides_the_start(times: ServiceTimes) -> None:
    ahead = replace(PLAIN, wake_ahead_s=10.0)
    assert forecast_arrivals(each(100), ahead, times, LINES).waits_s == pytest.approx((0.1,))
    late = replace(PLAIN, wake_ahead_s=1.0)
    assert forecast_arrivals(each(100), late, times, LINES).waits_s[0] == pytest.approx(
        2.0 + 0.05 + 0.1
    )


def test_pages_opened_together_wake_one_worker_only(times: ServiceTimes) -> None:
    ahead = Policy("ahead", max_instances=9, wake_ahead_s=10.0)
    outcome = forecast_arrivals(each(100, 100.5, 101), replace(ahead, name="once"), times, LINES)
    # Then the second and third instance come from the jobs themselves, not from the calls
    assert outcome.requests == 4
    assert outcome.most_instances == 3


def test_pings_keep_a_worker_between_visitors(times: ServiceTimes) -> None:
    pinged = replace(PLAIN, ping_every_s=600.0)
    outcome = forecast_arrivals(each(100, 5000), pinged, times, LINES)
    assert outcome.cold_share == 0


def test_the_share_of_cold_starts_is_that_of_poisson_arrivals(times: ServiceTimes) -> None:
    # Given a flat day with a visitor every 15 minutes on average
    traffic = Traffic(96, peak=1)
    outcome = forecast(traffic, replace(PLAIN, max_instances=5), times, LINES)
    # Then about exp(-1) of them find nothing
    assert outcome.cold_share == pytest.approx(math.exp(-1), abs=0.04)


def test_a_lone_worker_queues_as_long_as_theory_says(times: ServiceTimes) -> None:
    # Given one kept worker, busy half of the time with songs of equal length (M/D/1)
    song_s = times.song_s(LINES, 1)
    traffic = Traffic(0.5 / song_s * SECONDS_PER_DAY, peak=1)
    outcome = forecast(traffic, replace(PLAIN, min_instances=1), times, LINES)
    # Then the mean wait before the first line is half a song's length
    mean_s = sum(outcome.waits_s) / len(outcome.waits_s) - times.line_s(1)
    assert mean_s == pytest.approx(0.5 * song_s, rel=0.1)


def test_the_same_seed_draws_the_same_day_and_another_seed_another() -> None:
    traffic = Traffic(500)
    day = arrivals(traffic, 0, SECONDS_PER_DAY, seed=1)
    assert day == arrivals(traffic, 0, SECONDS_PER_DAY, seed=1)
    assert day != arrivals(traffic, 0, SECONDS_PER_DAY, seed=2)


@pytest.mark.parametrize("peak", [1.0, 2.0, 6.0])
def test_the_day_curve_has_its_peak_and_a_mean_of_one(peak: float) -> None:
    curve = day_curve(peak)
    rates = [curve.rate(i * SECONDS_PER_DAY / 1000) for i in range(1000)]
    assert sum(rates) / len(rates) == pytest.approx(1.0, abs=1e-3)
    assert curve.rate(PEAK_AT_S) == pytest.approx(peak)


def test_more_come_at_the_peak_than_half_a_day_from_it() -> None:
    drawn = arrivals(Traffic(5000, peak=3), 0, SECONDS_PER_DAY, seed=4)
    evening = sum(abs(a.at_s - PEAK_AT_S) < 7200 for a in drawn)
    morning = sum(abs(a.at_s - (PEAK_AT_S - SECONDS_PER_DAY / 2)) < 7200 for a in drawn)
    assert evening > 10 * morning


def test_files_and_visitors_together_are_the_load() -> None:
    traffic = Traffic(20_000, file_share=0.5, file_size=10)
    drawn = arrivals(traffic, 0, SECONDS_PER_DAY, seed=3)
    assert sum(a.jobs for a in drawn) == pytest.approx(20_000, rel=0.05)
    assert {a.jobs for a in drawn} == {1, 10}


def test_a_peak_below_the_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Traffic(10, peak=0.5)


def test_enough_instances_for_a_rush_are_at_least_the_offered_load(times: ServiceTimes) -> None:
    traffic = Traffic(300_000)
    needed = instances_needed(traffic, PLAIN, times, LINES, p95_s=10.0)
    assert needed is not None
    offered = offered_load(traffic, times, LINES)
    assert offered <= needed <= 1.5 * offered
    enough = forecast(traffic, replace(PLAIN, max_instances=needed), times, LINES)
    assert enough.first_line_s.p95 <= 10.0


def test_a_target_below_the_start_itself_is_said_to_be_out_of_reach(times: ServiceTimes) -> None:
    assert instances_needed(Traffic(5), PLAIN, times, LINES, p95_s=1.0) is None


def test_a_kept_instance_costs_more_than_cold_starts(times: ServiceTimes) -> None:
    prices, traffic = load_prices(), Traffic(100)
    bills = []
    for policy in (PLAIN, replace(PLAIN, min_instances=1)):
        outcome = forecast(traffic, policy, times, LINES)
        bills.append(month_usd(outcome, traffic, LINES, 6, prices, times))
    assert bills[1] > bills[0] + 5


def test_large_loads_are_simulated_at_the_peak_only() -> None:
    assert not is_slice(Traffic(1000))
    assert is_slice(Traffic(1e6))


def test_limits_come_in_the_order_in_which_they_are_met(times: ServiceTimes) -> None:
    prices = load_prices()
    met = limits(Traffic(1), LINES, 3, 50, times, prices)
    assert [x.jobs_per_day for x in met] == sorted(x.jobs_per_day for x in met)
    assert met[0].name == "VERSEQUEUE_DAILY_BUDGET"
    assert next(x for x in met if x.name == "Cloud Run CPU").stops


def test_the_processor_quota_is_met_where_its_workers_are_all_busy_at_the_peak(
    times: ServiceTimes,
) -> None:
    prices = load_prices()
    met = limits(Traffic(1, peak=2), LINES, 1000, 0, times, prices)
    cpu = next(x for x in met if x.name == "Cloud Run CPU")
    busy = offered_load(Traffic(cpu.jobs_per_day, peak=2), times, LINES)
    assert busy * times.assumed.worker_vcpu == pytest.approx(20)


def test_the_ramp_of_writes_is_met_by_the_peak_and_not_by_the_mean(times: ServiceTimes) -> None:
    prices = load_prices()
    flat, steep = (limits(Traffic(1, peak=peak), LINES, 3, 0, times, prices) for peak in (1, 4))
    found = [next(x for x in met if x.name == "Firestore ramp") for met in (flat, steep)]
    assert found[0].jobs_per_day == pytest.approx(4 * found[1].jobs_per_day)


def test_the_fleet_rounds_as_the_bill_does() -> None:
    assert load_prices().run.rounding_s == ROUNDING_S


def test_quantiles_are_by_nearest_rank() -> None:
    found = quantiles([float(i) for i in range(1, 101)])
    assert (found.p50, found.p95, found.p99) == (50, 95, 99)
    assert quantiles([]).p99 == 0


def test_the_command_compares_the_remedies_and_names_the_first_limit() -> None:
    result = CliRunner().invoke(plan, ["--jobs-per-day", "200"])
    assert result.exit_code == 0
    assert "min-instances 1" in result.output
    assert "Instances that bring" in result.output
    assert "worker instances" in result.output


def test_the_command_gives_programs_json() -> None:
    result = CliRunner().invoke(plan, ["--jobs-per-day", "200", "--daily-budget", "20", "--json"])
    document = json.loads(result.output)
    assert document["simulated"] == "whole days"
    assert len(document["outcomes"]) == 4
    assert document["limits"][0]["name"] == "VERSEQUEUE_DAILY_BUDGET"
    assert "waits_s" not in document["outcomes"][0]


def test_the_command_draws_a_curve_for_each_remedy(tmp_path: Path) -> None:
    target = tmp_path / "wait.svg"
    result = CliRunner().invoke(plan, ["--jobs-per-day", "200", "--plot", str(target)])
    assert result.exit_code == 0
    drawing = ET.fromstring(target.read_text(encoding="utf-8"))
    assert len(drawing.findall("{http://www.w3.org/2000/svg}polyline")) == 4


def test_too_few_instances_are_said_to_fall_behind() -> None:
    result = CliRunner().invoke(plan, ["--jobs-per-day", "200000", "--max-instances", "1"])
    assert "1 fall behind" in result.output
