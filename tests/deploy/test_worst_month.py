"""What a month can cost at most, as docs/costs.md reckons it, from the sizes and the prices."""

from pathlib import Path

from versequeue.functions.sizes import SIZES
from versequeue.planning.prices import DAYS_PER_MONTH, load_prices
from versequeue.planning.service_times import load_service_times

MONTH_S = DAYS_PER_MONTH * 86_400
GIB = 2**30


def instances_usd(*names: str) -> float:
    """All instances of these services, busy all month."""
    run = load_prices().run
    return sum(
        SIZES[name].max_instances
        * MONTH_S
        * (SIZES[name].cpu * run.vcpu_second + SIZES[name].memory_mib / 1024 * run.gib_second)
        for name in names
    )


def worst_month_usd() -> dict[str, float]:
    """The rows of the table: what is used without a pause, and its price."""
    prices, times = load_prices(), load_service_times()
    submits = SIZES["submit"].max_instances / times.measured.submit_request_s
    results = SIZES["results"].max_instances / times.measured.results_request_s
    answered_gib = results * times.assumed.poll_bytes * MONTH_S / GIB
    return {
        "submit and results": instances_usd("submit", "results"),
        "worker and bulk": instances_usd("worker", "bulk"),
        "notify and sweep": instances_usd("notify", "sweep"),
        "requests": (submits + results) * MONTH_S / 1e6 * prices.run.million_requests,
        "documents read": 2 * results * MONTH_S / 1e5 * prices.firestore.reads_per_100k,
        "answers": answered_gib * prices.egress.gib,
    }


def test_the_worst_month_is_reckoned_from_the_deployed_sizes_and_the_prices() -> None:
    page = Path("docs/costs.md").read_text(encoding="utf-8")
    table = page.partition("## The worst month")[2]

    rows = worst_month_usd()
    for what, usd in rows.items():
        assert f"| {what} |" in table
        row = next(line for line in table.splitlines() if line.startswith(f"| {what} |"))
        assert row.endswith(f"| ${usd:,.0f} |"), (what, usd)
    assert f"**${sum(rows.values()):,.0f}**" in table
    assert f"${sum(rows.values()) / DAYS_PER_MONTH:,.0f} a day" in table
