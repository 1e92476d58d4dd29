"""The command `versequeue plan`: options in, tables, JSON or a picture out.

Owns the policies that are compared and the wording. What is simulated is in `planning`.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from versequeue.cli.model_times import model_option, times_of
from versequeue.cli.tables import (
    SHOW_DEFAULTS,
    SONG_LINES,
    effort_option,
    length,
    report_options,
    save,
    table,
    usd,
)
from versequeue.planning.arrivals import Traffic
from versequeue.planning.chart import Axis, Series, line_chart
from versequeue.planning.fleet import Policy
from versequeue.planning.forecast import (
    Forecast,
    forecast,
    instances_needed,
    is_slice,
    month_usd,
    offered_load,
)
from versequeue.planning.prices import Prices, load_prices
from versequeue.planning.quotas import Limit, limits
from versequeue.planning.service_times import ServiceTimes
from versequeue.rules.batch import MAX_ROWS
from versequeue.rules.options import Effort

#: How long somebody looks at the page before sending a prompt, during which it wakes a worker.
PAGE_AHEAD_S = 15.0
PING_EVERY_S = 600.0


@dataclass(frozen=True)
class PlanQuestion:
    """The command's options."""

    jobs_per_day: float
    lines: int
    effort: Effort
    peak: float
    file_share: float
    file_size: int
    max_instances: int
    idle_timeout: float
    polls: int
    target: float
    daily_budget: int
    seed: int

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.jobs_per_day, self.peak, self.file_share, self.file_size)


@dataclass(frozen=True)
class PlanAnswer:
    asked: PlanQuestion
    #: Each policy's forecast with its month's bill.
    forecasts: list[tuple[Forecast, float]]
    busy_at_peak: float
    #: None where no number of them keeps the target.
    instances: int | None
    limits: list[Limit]
    times: ServiceTimes


def policies(asked: PlanQuestion) -> list[Policy]:
    """What an owner can choose from, the plainest first."""
    plain = Policy("nothing kept", max_instances=asked.max_instances, idle_s=asked.idle_timeout)
    return [
        plain,
        replace(plain, name="the page wakes a worker", wake_ahead_s=PAGE_AHEAD_S),
        replace(plain, name="a ping every 10 minutes", ping_every_s=PING_EVERY_S),
        replace(plain, name="min-instances 1", min_instances=1),
    ]


def answer_plan(asked: PlanQuestion, prices: Prices, times: ServiceTimes) -> PlanAnswer:
    """Simulates every policy, and searches for the number of instances that keeps the target."""
    traffic, lines, seed = asked.traffic, asked.lines, asked.seed
    compared = policies(asked)
    forecasts = [forecast(traffic, policy, times, lines, seed) for policy in compared]
    bills = [month_usd(each, traffic, lines, asked.polls, prices, times) for each in forecasts]
    return PlanAnswer(
        asked=asked,
        forecasts=list(zip(forecasts, bills, strict=True)),
        busy_at_peak=offered_load(traffic, times, lines),
        instances=instances_needed(traffic, compared[0], times, lines, asked.target, seed),
        limits=limits(traffic, lines, asked.max_instances, asked.daily_budget, times, prices),
        times=times,
    )


def plan_json(answer: PlanAnswer) -> str:
    """Everything but the single waits as JSON."""
    outcomes = []
    for expected, month in answer.forecasts:
        entry = asdict(expected)
        del entry["waits_s"]
        outcomes.append({**entry, "month_usd": month})
    document = {
        "object": "plan",
        "load": asdict(answer.asked),
        "simulated": "the day's peak" if is_slice(answer.asked.traffic) else "whole days",
        "outcomes": outcomes,
        "workers_busy_at_peak": answer.busy_at_peak,
        "instances_needed": answer.instances,
        "limits": [asdict(limit) for limit in answer.limits],
        "service_times": {"date": answer.times.date, "machine": answer.times.machine},
    }
    return json.dumps(document, indent=2)


def plan_text(answer: PlanAnswer) -> str:
    """The same as tables to read."""
    asked = answer.asked
    part = "the busiest part of a day" if is_slice(asked.traffic) else "whole days"
    rows = [_forecast_row(expected, month) for expected, month in answer.forecasts]
    header = ["Policy", "p50", "p95", "p99", "whole song p95", "cold", "instances", "a month"]
    met = [_limit_row(limit) for limit in answer.limits]
    return "\n".join(
        [
            f"{asked.jobs_per_day:,.0f} jobs a day of {length(asked.lines, asked.effort)}, "
            f"{part} simulated.",
            "Seconds until the first line can be read:",
            table(header, rows, right_from=1),
            "",
            _needed(answer),
            "",
            "Limits, in the order in which a growing load meets them:",
            table(["Limit", "Bound", "Jobs a day", "Then"], met, right_from=2),
            "",
            f"Service times of {answer.times.date}, {answer.times.machine}.",
        ]
    )


def plan_chart(answer: PlanAnswer) -> str:
    """The share of visitors who see a first line within so many seconds, a curve a policy."""
    curves = []
    for expected, _ in answer.forecasts:
        waits = sorted(expected.waits_s)
        step = max(1, len(waits) // 400)
        points = [(waits[i], 100 * (i + 1) / len(waits)) for i in range(0, len(waits), step)]
        curves.append(Series(expected.policy.name, [*points, (waits[-1], 100.0)]))
    ends = [point[0] for curve in curves for point in curve.points]
    return line_chart(
        f"Wait for a first line, {answer.asked.jobs_per_day:,.0f} jobs a day",
        Axis("seconds", 0.9 * min(ends), 1.1 * max(ends), logarithmic=True),
        Axis("% of visitors", 0, 100),
        curves,
    )


def _forecast_row(expected: Forecast, month: float) -> list[str]:
    first = expected.first_line_s
    seconds = [first.p50, first.p95, first.p99, expected.whole_song_s.p95]
    waits = [f"{value:,.1f}" for value in seconds]
    cold, most = f"{expected.cold_share:.1%}", str(expected.most_instances)
    return [expected.policy.name, *waits, cold, most, usd(month)]


def _needed(answer: PlanAnswer) -> str:
    within = f"95 of 100 first lines within {answer.asked.target:g} s"
    workers, most = answer.busy_at_peak, answer.asked.max_instances
    number = f"{workers:,.0f}" if workers >= 10 else f"{workers:.2g}"
    busy = f"at the peak {number} workers are busy"
    if answer.instances is None:
        return f"No number of instances brings {within}: a start alone takes longer ({busy})."
    behind = f"\n{most} fall behind: the wait grows while the peak lasts." if workers > most else ""
    return f"Instances that bring {within}: {answer.instances} ({busy}).{behind}"


def _limit_row(limit: Limit) -> list[str]:
    effect = "jobs wait" if limit.stops else "begins to cost"
    return [limit.name, limit.bound, f"{limit.jobs_per_day:,.0f}", effect]


@click.command(context_settings=SHOW_DEFAULTS)
@click.option(
    "--jobs-per-day", type=click.FloatRange(0.1, 1e8), default=300.0, help="Songs asked for a day."
)
@click.option("--lines", type=SONG_LINES, default=16, help="Lines of each song.")
@effort_option
@click.option(
    "--peak",
    type=click.FloatRange(1, 20),
    default=3.0,
    help="The busiest moment's rate over the day's mean.",
)
@click.option(
    "--file-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Share of jobs that come in files.",
)
@click.option(
    "--file-size", type=click.IntRange(1, MAX_ROWS), default=20, help="Prompts in each file."
)
@click.option(
    "--max-instances", type=click.IntRange(1, 5000), default=3, help="Workers at once at most."
)
@click.option(
    "--idle-timeout",
    type=click.FloatRange(1),
    default=900.0,
    help="Seconds for which an idle worker is kept.",
)
@click.option(
    "--polls",
    type=click.IntRange(0, 1000),
    default=6,
    help="Times that a page asks for a song's state until it is done.",
)
@click.option(
    "--target",
    type=click.FloatRange(0.1),
    default=10.0,
    help="Seconds within which 95 of 100 should see a first line.",
)
@click.option(
    "--daily-budget",
    type=click.IntRange(0),
    default=0,
    show_default=False,
    help="Songs a day at most, as VERSEQUEUE_DAILY_BUDGET sets it; 0 is no limit.",
)
@click.option("--seed", type=int, default=0, help="Another seed draws other arrivals.")
@model_option
@report_options("Draw the waits to an SVG.")
def plan(as_json: bool, plot: Path | None, model: str | None, **options: Any) -> None:
    """The wait that visitors will see, by simulation, and what each remedy costs."""
    asked = PlanQuestion(**options)
    answer = answer_plan(asked, load_prices(), times_of(model).at_effort(asked.effort))
    if plot is not None:
        save(plot, plan_chart(answer))
    click.echo(plan_json(answer) if as_json else plan_text(answer))
