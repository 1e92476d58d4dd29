"""Rules that are broken on purpose, one by one: each is noticed within 200 seeds."""

import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.simulation import stand_ins
from tests.simulation.broken_events import BROKEN_EVENTS
from tests.simulation.broken_rules import BROKEN_RULES, BrokenRule
from tests.simulation.world import Simulation

SEEDS = 200
RULES = [*BROKEN_RULES, *BROKEN_EVENTS]


@contextmanager
def broken(rule: BrokenRule) -> Iterator[None]:
    """The rule is broken in every module that has imported it."""
    module_name, _, path = rule.place.partition(":")
    owner: Any = importlib.import_module(module_name)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    true = getattr(owner, name)
    successor = rule.breaks(true)
    places = [(owner, name, successor)]
    if not classes:
        places += [
            (module, each, successor)
            for module in [sys.modules[key] for key in sorted(sys.modules)]
            if module.__name__.startswith(stand_ins.ROOMS) and module is not owner
            for each, value in list(vars(module).items())
            if value is true
        ]
    with stand_ins.put(places):
        yield


def first_seed_that_notices(rule: BrokenRule) -> tuple[int, str] | None:
    """The seed and what it says; None if no seed notices."""
    with broken(rule):
        for seed in range(SEEDS):
            try:
                Simulation(seed).run()
            except AssertionError as noticed:
                if not isinstance(noticed.__cause__, AssertionError):
                    raise  # a fault of the broken rule itself, which says nothing
                return seed, str(noticed).partition("\n")[0]
    return None


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=[rule.meaning for rule in RULES])
def test_a_rule_broken_on_purpose_is_noticed(
    rule: BrokenRule, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    noticed = first_seed_that_notices(rule)
    assert noticed, f"no seed up to {SEEDS} notices that {rule.meaning}"
    print(f"{rule.meaning}: {noticed[1]}")


def test_there_are_thirty_rules_and_each_breaks_a_rule_that_is_there() -> None:
    assert len(RULES) >= 30
    for rule in RULES:
        with broken(rule):
            pass
