"""How the benchmarks reckon and report; nothing is timed here."""

import json
from collections.abc import Mapping

import pytest

from bench import report
from bench.harness import Goal, Measurement, alternate, is_met, pair_ratios, spread


def measurement(*goals: Goal) -> Measurement:
    return Measurement(
        "Speed",
        "jobs/s",
        {"ours": [20.0, 22.0, 24.0], "theirs": [10.0, 10.0, 12.0]},
        "theirs",
        goals,
    )


def test_contenders_run_in_turn_and_the_order_turns_each_round() -> None:
    order: list[str] = []

    def runner(name: str) -> Mapping[str, float]:
        order.append(name)
        return {"value": float(len(order))}

    found = alternate({"a": lambda: runner("a"), "b": lambda: runner("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert found["value"] == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_ratios_are_taken_round_by_round() -> None:
    assert pair_ratios([2, 9], [1, 3]) == [2, 3]
    with pytest.raises(ValueError, match="shorter"):
        pair_ratios([1, 2], [1])


def test_the_spread_is_not_moved_by_one_bad_round() -> None:
    assert spread([10, 11, 12, 13, 1000]) == 1


def test_a_goal_is_judged_by_the_median_of_the_ratios() -> None:
    assert is_met(Goal("ours", "theirs", at_least=2.0), measurement()) is True
    assert is_met(Goal("ours", "theirs", at_least=2.1), measurement()) is False
    assert is_met(Goal("ours", None, at_most=21.0), measurement()) is False
    assert is_met(Goal("ours", None, at_most=22.0), measurement()) is True


def test_a_goal_against_somebody_who_is_missing_is_not_judged() -> None:
    assert is_met(Goal("ours", "nobody", at_least=1.0), measurement()) is None
    assert is_met(Goal("nobody", None, at_least=1.0), measurement()) is None


def test_the_page_gives_values_ratios_and_verdicts() -> None:
    raw = json.loads(json.dumps(entry([Goal("ours", "theirs", at_least=3.0)])))
    page = report.page({"speed": raw})
    assert "| ours | 22.0 ± 2.0 | 2.00 (2.00 to 2.20) |" in page
    assert "| theirs | 10.0 ± 0.0 | 1 |" in page
    assert "at least 3 times theirs: **missed**" in page
    assert "Not measured: others, not installed." in page
    assert "2 cores of a processor" in page


def test_a_single_round_claims_no_spread() -> None:
    single = Measurement("Wait", "s", {"ours": [2.0], "theirs": [1.0]}, "theirs")
    raw = {**entry([]), "measurements": [vars(single)]}
    assert "| ours | 2.0 | 2.00 |" in report.tables(raw)


def test_the_page_is_written_from_the_results_and_not_by_hand() -> None:
    kept = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    assert report.PAGE.read_text(encoding="utf-8") == report.page(kept)


def entry(goals: list[Goal]) -> dict[str, object]:
    found = measurement()
    return {
        "date": "2026-01-02T03:04:05+00:00",
        "machine": {
            "processor": "a processor",
            "cores": "2",
            "system": "Linux",
            "python": "3.11",
            "load_at_start": "0.10",
            "niceness": "0",
            "huey": "3",
        },
        "title": "Speed",
        "method": "Both were run.",
        "measurements": [{**vars(found), "goals": [vars(goal) for goal in goals]}],
        "remarks": [],
        "skipped": {"others": "not installed"},
    }
