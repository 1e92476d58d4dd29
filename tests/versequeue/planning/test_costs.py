"""The bill: arithmetic against sums done by hand, free tiers, the comparison with machines."""

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench import outputs
from versequeue.cli.cost import cost
from versequeue.cli.plan import plan
from versequeue.functions.sizes import SIZES
from versequeue.planning.chart import Axis, Series, line_chart
from versequeue.planning.costs import (
    PAY_PER_USE,
    Load,
    WorkerUse,
    bill,
    cold_share,
    total_usd,
    worker_use,
)
from versequeue.planning.hosting import choices, machine_usd, turns
from versequeue.planning.prices import DAYS_PER_MONTH, Prices, load_prices
from versequeue.planning.service_times import (
    ServiceTimes,
    load_service_times,
    message_sizes,
    round_up,
)


@pytest.fixture
def prices() -> Prices:
    return load_prices()


@pytest.fixture
def times() -> ServiceTimes:
    return load_service_times()


def pay(
    service: str, load: Load, prices: Prices, times: ServiceTimes, use: WorkerUse | None = None
) -> float:
    return next(line.pay_usd for line in bill(load, prices, times, use) if line.service == service)


def test_a_side_project_costs_cents_a_month(prices: Prices, times: ServiceTimes) -> None:
    assert total_usd(bill(Load(10), prices, times)) < 1.0


def test_an_idle_deployment_pays_only_for_what_is_kept(prices: Prices, times: ServiceTimes) -> None:
    paid = [line.service for line in bill(Load(0), prices, times) if line.pay_usd > 0]
    assert paid == ["Artifact Registry: images"]


def test_a_cold_job_of_40_seconds_on_one_vcpu_and_two_gib_costs_what_the_price_page_gives(
    prices: Prices, times: ServiceTimes
) -> None:
    # Given a worker of one vCPU and 2 GiB, no free tier, and one job that took 40 s
    one = replace(times, assumed=replace(times.assumed, worker_vcpu=1.0, worker_gib=2.0))
    run = replace(prices.run, free_vcpu_seconds_per_month=0, free_gib_seconds_per_month=0)
    # When its worker is billed
    usd = pay("Cloud Run: worker", Load(0), replace(prices, run=run), one, WorkerUse(40.0, 0.0))
    # Then it is 40 x 0.000024 and 80 x 0.0000025
    assert usd == pytest.approx(0.00116)


def test_the_free_tier_of_cloud_run_is_given_once_for_all_functions(
    prices: Prices, times: ServiceTimes
) -> None:
    lines = [x for x in bill(Load(1e6), prices, times) if x.service.startswith("Cloud Run")]
    run = prices.run
    whole = (
        run.free_vcpu_seconds_per_month * run.vcpu_second
        + run.free_gib_seconds_per_month * run.gib_second
        + run.free_requests_per_month / 1e6 * run.million_requests
    )
    assert sum(line.free_usd for line in lines) == pytest.approx(whole)


def test_firestore_charges_only_the_operations_past_the_daily_free_ones(
    prices: Prices, times: ServiceTimes
) -> None:
    inside = pay("Firestore: writes", Load(1000), prices, times)
    assert inside == 0
    line = next(x for x in bill(Load(1e5), prices, times) if x.service == "Firestore: writes")
    free_usd = (
        prices.firestore.free_writes_per_day
        * DAYS_PER_MONTH
        * prices.firestore.writes_per_100k
        / 1e5
    )
    assert line.free_usd == pytest.approx(free_usd)


def test_deletes_by_ttl_are_never_free(prices: Prices, times: ServiceTimes) -> None:
    assert pay("Firestore: deletes", Load(1), prices, times) > 0


def test_small_messages_are_billed_as_the_minimum(prices: Prices, times: ServiceTimes) -> None:
    load = Load(1e8)
    tiny = replace(times, assumed=replace(times.assumed, message_bytes=1))
    full = replace(times, assumed=replace(times.assumed, message_bytes=1000))
    assert pay("Pub/Sub", load, prices, tiny) == pay("Pub/Sub", load, prices, full)


def test_a_message_is_billed_when_it_is_published_and_when_it_is_pushed(
    prices: Prices, times: ServiceTimes
) -> None:
    line = next(x for x in bill(Load(1e6), prices, times) if x.service == "Pub/Sub")
    tib = 2 * 1e6 * DAYS_PER_MONTH * 1000 / 2**40
    assert line.list_usd == pytest.approx(40 * tib)


def test_a_file_of_jobs_needs_less_worker_time_than_the_same_jobs_alone(
    prices: Prices, times: ServiceTimes
) -> None:
    alone = worker_use(Load(10_000), prices, times)
    together = worker_use(Load(10_000, burst=8), prices, times)
    assert together.busy_s < alone.busy_s
    assert together.requests == pytest.approx(alone.requests / 8)


def test_a_kept_instance_replaces_cold_starts_by_idle_seconds(
    prices: Prices, times: ServiceTimes
) -> None:
    never, kept = (
        worker_use(Load(20), prices, times),
        worker_use(Load(20, min_instances=1), prices, times),
    )
    assert kept.busy_s < never.busy_s
    assert never.idle_s == 0
    usd = pay("Cloud Run: worker", Load(20, min_instances=1), prices, times)
    assert usd > 5


def test_more_polls_cost_more_and_nothing_else_changes(prices: Prices, times: ServiceTimes) -> None:
    few = {x.service: x.list_usd for x in bill(Load(1e5, polls=5), prices, times)}
    many = {x.service: x.list_usd for x in bill(Load(1e5, polls=50), prices, times)}
    changed = {name for name in few if many[name] > few[name] * 1.0001}
    assert changed == {"Cloud Run: results", "Firestore: reads", "Network: answers"}


def test_a_held_question_is_billed_while_it_is_held(prices: Prices, times: ServiceTimes) -> None:
    asked, held = (
        {x.service: x.list_usd for x in bill(Load(1e5, hold_s=hold_s), prices, times)}
        for hold_s in (0.0, 10.0)
    )
    dearer = {name for name in asked if held[name] > asked[name] * 1.0001}
    assert dearer == {"Cloud Run: results", "Firestore: reads"}
    assert held["Cloud Run: results"] > 10 * asked["Cloud Run: results"]


def test_a_model_that_fails_often_costs_its_attempts_again(
    prices: Prices, times: ServiceTimes
) -> None:
    sound, failing = (
        {x.service: x.list_usd for x in bill(Load(1e5, failing_percent=share), prices, times)}
        for share in (0.0, 50.0)
    )
    dearer = {name for name in sound if failing[name] > sound[name] * 1.0001}
    assert {"Cloud Run: worker", "Firestore: writes", "Pub/Sub"} <= dearer
    # 1/2 + 1/4 + 1/8 + 1/16 more, for five attempts at most.
    assert failing["Cloud Run: worker"] / sound["Cloud Run: worker"] == pytest.approx(1.94, rel=0.1)


def test_the_bill_never_falls_as_the_load_grows(prices: Prices, times: ServiceTimes) -> None:
    loads = [10 * 1.3**i for i in range(50)]
    totals = [total_usd(bill(Load(n), prices, times)) for n in loads]
    assert totals == sorted(totals)


@pytest.mark.parametrize("lines", [8, 64])
def test_longer_songs_cost_more_worker_time(
    lines: int, prices: Prices, times: ServiceTimes
) -> None:
    usual = worker_use(Load(1000), prices, times).busy_s
    assert (worker_use(Load(1000, lines=lines), prices, times).busy_s > usual) is (lines > 16)


def test_songs_of_more_effort_cost_more_and_the_bill_says_which_they_are() -> None:
    many = ["--json", "--jobs-per-day", "100000"]
    quick, best = (
        json.loads(CliRunner().invoke(cost, [*many, "--effort", effort]).output)
        for effort in ("quick", "best")
    )
    assert best["load"]["effort"] == "best"
    assert best["total_usd"] > 1.5 * quick["total_usd"]
    said = CliRunner().invoke(cost, ["--effort", "best"]).output
    assert "300 jobs a day of 16 lines at effort best, in a month:" in said


def test_pay_per_use_wins_small_loads_and_machines_win_large_ones(
    prices: Prices, times: ServiceTimes
) -> None:
    found = turns(Load(1), prices, times)
    assert found[0].name == PAY_PER_USE
    assert found[-1].name in prices.machines


def test_at_a_turn_the_two_choices_cost_about_the_same(prices: Prices, times: ServiceTimes) -> None:
    for before, turn in zip(
        turns(Load(1), prices, times), turns(Load(1), prices, times)[1:], strict=False
    ):
        just_under = choices(Load(turn.jobs_per_day * 0.99), prices, times)
        just_over = choices(Load(turn.jobs_per_day), prices, times)
        assert (just_under[0].name, just_over[0].name) == (before.name, turn.name)


def test_machines_are_added_when_one_is_not_enough(prices: Prices, times: ServiceTimes) -> None:
    count, usd = machine_usd("e2-small", Load(1e6), prices, times)
    assert count > 10
    assert usd == count * prices.machines["e2-small"].month


def test_the_share_of_cold_starts_is_that_of_poisson_arrivals() -> None:
    assert cold_share(0, 900) == 1
    assert cold_share(96, 900) == pytest.approx(math.exp(-1))


def test_a_file_is_cut_into_messages_of_eight() -> None:
    assert message_sizes(1) == [1]
    assert message_sizes(8) == [8]
    assert message_sizes(20) == [8, 8, 4]


def test_time_is_billed_in_whole_steps() -> None:
    assert round_up(0.3, 0.1) == pytest.approx(0.3)
    assert round_up(0.301, 0.1) == pytest.approx(0.4)


def test_seconds_per_line_lie_between_the_measured_ones(times: ServiceTimes) -> None:
    assert times.line_s(2) <= times.line_s(3) <= times.line_s(4)
    with pytest.raises(ValueError, match="1 to 8"):
        times.line_s(9)


def test_the_worker_is_billed_for_the_cores_that_its_times_were_measured_with(
    times: ServiceTimes,
) -> None:
    assert times.assumed.worker_vcpu >= times.measured.threads


def test_the_bill_is_for_the_functions_as_they_are_deployed(times: ServiceTimes) -> None:
    worker, light = SIZES["worker"], SIZES["results"]
    assumed = times.assumed
    assert (assumed.worker_vcpu, assumed.worker_gib * 1024) == (worker.cpu, worker.memory_mib)
    assert (assumed.light_vcpu, assumed.light_gib * 1024) == (light.cpu, light.memory_mib)


def test_the_page_shows_what_the_commands_print() -> None:
    page = outputs.PAGE.read_text(encoding="utf-8")
    assert len(outputs.BLOCK.findall(page)) == 3
    assert outputs.filled(page) == page


def test_every_price_names_its_source_and_the_file_its_date(prices: Prices) -> None:
    raw = json.loads(Path("versequeue/planning/prices.json").read_text(encoding="utf-8"))
    entries = [v for v in raw.values() if isinstance(v, dict) and "source" not in v]
    assert entries == [raw["machines"], raw["quotas"]]
    assert all(machine.source for machine in prices.machines.values())
    assert all(quota.source for quota in prices.quotas.values())
    assert prices.date.count("-") == 2


def test_the_command_prints_a_total_and_its_dates() -> None:
    result = CliRunner().invoke(cost, ["--jobs-per-day", "300"])
    assert result.exit_code == 0
    assert "Total" in result.output
    assert "e2-small" in result.output
    assert load_prices().date in result.output


def test_the_command_gives_programs_json_whose_lines_add_up() -> None:
    result = CliRunner().invoke(cost, ["--jobs-per-day", "5000", "--burst", "8", "--json"])
    document = json.loads(result.output)
    assert sum(line["pay_usd"] for line in document["lines"]) == pytest.approx(
        document["total_usd"]
    )
    assert document["load"]["burst"] == 8


def test_the_command_draws_every_choice(tmp_path: Path) -> None:
    target = tmp_path / "bill.svg"
    result = CliRunner().invoke(cost, ["--plot", str(target)])
    assert result.exit_code == 0
    drawing = ET.fromstring(target.read_text(encoding="utf-8"))
    assert len(drawing.findall("{http://www.w3.org/2000/svg}polyline")) == 3


def test_another_kind_of_picture_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    result = CliRunner().invoke(cost, ["--plot", str(tmp_path / "bill.png")])
    assert result.exit_code == 2
    assert ".svg" in result.output
    assert not (tmp_path / "bill.png").exists()


@pytest.mark.parametrize("command", [cost, plan])
def test_a_picture_in_a_folder_that_is_not_there_is_one_sentence(command: Any) -> None:
    result = CliRunner().invoke(command, ["--plot", "/none/x.svg"])
    assert result.exit_code == 2
    assert result.output == "Error: /none is not a folder that can be written to.\n"


@pytest.mark.parametrize("command", [cost, plan])
def test_every_option_is_explained(command: Any) -> None:
    options = [each for each in command.params if not each.help]
    assert options == []


def test_no_jobs_at_all_is_a_load_too() -> None:
    result = CliRunner().invoke(cost, ["--jobs-per-day", "0", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.output)["usd_per_1000_jobs"] is None


def test_a_chart_escapes_names_and_holds_values_inside_its_frame() -> None:
    axis = Axis("a < b", 1, 100, logarithmic=True)
    text = line_chart("x & y", axis, Axis("y", 0, 10), [Series("<s>", [(0.1, -5), (1000, 50)])])
    line = ET.fromstring(text).find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    assert line.get("points") == "76.0,384.0 716.0,76.0"
