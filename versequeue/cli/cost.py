"""The command `versequeue cost`: options in, tables, JSON or a picture out."""

import json
from dataclasses import asdict, replace
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
from versequeue.planning.chart import Axis, Series, line_chart
from versequeue.planning.costs import PAY_PER_USE, Load, bill, total_usd
from versequeue.planning.hosting import choices, grid, machine_usd, turns
from versequeue.planning.prices import DAYS_PER_MONTH, Prices, load_prices
from versequeue.planning.service_times import ServiceTimes
from versequeue.rules.batch import MAX_ROWS


@click.command(context_settings=SHOW_DEFAULTS)
@click.option(
    "--jobs-per-day", type=click.FloatRange(0, 1e9), default=300.0, help="Songs asked for a day."
)
@click.option("--lines", type=SONG_LINES, default=16, help="Lines per song.")
@effort_option
@click.option("--burst", type=click.IntRange(1, MAX_ROWS), default=1, help="Jobs sent as one file.")
@click.option("--polls", type=click.IntRange(0, 1000), default=6, help="Questions per submission.")
@click.option(
    "--min-instances", type=click.IntRange(0, 1000), default=0, help="Workers that are always kept."
)
@click.option(
    "--hold",
    "hold_s",
    type=click.FloatRange(0, 60),
    default=0.0,
    help="Seconds for which each question is held until there is something new.",
)
@click.option(
    "--failing",
    "failing_percent",
    type=click.FloatRange(0, 100),
    default=0.0,
    help="Of a hundred attempts so many fail and are tried again.",
)
@model_option
@report_options("Draw 10 to 10 million jobs a day to an SVG.")
def cost(as_json: bool, plot: Path | None, model: str | None, **options: Any) -> None:
    """What a month costs on pay-per-use services, and on machines that run all day."""
    load = Load(**options)
    prices, times = load_prices(), times_of(model).at_effort(load.effort)
    if plot is not None:
        save(plot, cost_chart(load, prices, times))
    click.echo(cost_json(load, prices, times) if as_json else cost_text(load, prices, times))


def cost_json(load: Load, prices: Prices, times: ServiceTimes) -> str:
    """The bill, the choices and the turns as JSON."""
    lines = bill(load, prices, times)
    total = total_usd(lines)
    monthly_jobs = load.jobs_per_day * DAYS_PER_MONTH
    document = {
        "object": "cost",
        "load": asdict(load),
        "lines": [{**asdict(line), "pay_usd": line.pay_usd} for line in lines],
        "total_usd": total,
        "usd_per_1000_jobs": total / monthly_jobs * 1000 if monthly_jobs else None,
        "choices": [asdict(choice) for choice in choices(load, prices, times)],
        "cheapest_from": [asdict(turn) for turn in turns(load, prices, times)],
        "prices_date": prices.date,
        "service_times": {"date": times.date, "machine": times.machine, "source": times.source},
    }
    return json.dumps(document, indent=2)


def cost_text(load: Load, prices: Prices, times: ServiceTimes) -> str:
    """The same as tables to read."""
    lines = bill(load, prices, times)
    rows = [
        [line.service, line.usage, usd(line.list_usd), usd(line.free_usd), usd(line.pay_usd)]
        for line in lines
    ]
    rows.append(["Total", "", "", "", usd(total_usd(lines))])
    songs = length(load.lines, load.effort)
    found = choices(load, prices, times)
    kinds = [[c.name, str(c.machines or "-"), usd(c.month_usd)] for c in found]
    steps = [[f"{turn.jobs_per_day:,.0f}", turn.name] for turn in turns(load, prices, times)]
    return "\n".join(
        [
            f"{load.jobs_per_day:,.0f} jobs a day of {songs}, in a month:",
            table(["Service", "Use", "List", "Free", "To pay"], rows, right_from=2),
            "",
            table(["Choice", "Machines", "A month"], kinds, right_from=1),
            "",
            "The cheapest, by load (machines come whole, so a choice may win twice):",
            table(["Jobs a day from", "Cheapest"], steps, right_from=2),
            "",
            f"Prices of {prices.date}; service times of {times.date}, {times.machine}.",
            "A machine keeps no spare for its own failure, and its queue grows at the day's peak.",
        ]
    )


def cost_chart(load: Load, prices: Prices, times: ServiceTimes) -> str:
    """The month's bill of every choice, for 10 to 10 million jobs a day."""
    grown = [replace(load, jobs_per_day=jobs) for jobs in grid()]
    curves = {PAY_PER_USE: [total_usd(bill(each, prices, times)) for each in grown]}
    for name in prices.machines:
        curves[name] = [machine_usd(name, each, prices, times)[1] for each in grown]
    loads = [each.jobs_per_day for each in grown]
    most = 10 * max(max(curve) for curve in curves.values())
    return line_chart(
        f"A month's bill, songs of {length(load.lines, load.effort)}",
        Axis("jobs a day", loads[0], loads[-1], logarithmic=True),
        Axis("dollars a month", 0.01, most, logarithmic=True, prefix="$"),
        [Series(name, list(zip(loads, curve, strict=True))) for name, curve in curves.items()],
    )
