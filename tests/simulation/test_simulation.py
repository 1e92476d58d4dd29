"""The seeded worlds: every promise holds, a seed is repeatable, and they are rough enough."""

from dataclasses import dataclass
from functools import cache

import pytest

from tests.simulation.weather import FAULTS
from tests.simulation.world import Simulation, run_seeds
from versequeue.rules.job import Job, Status

pytestmark = pytest.mark.long

SEEDS = 200
#: So many of them have met everything.
ROUGH = 40


@dataclass(frozen=True)
class Run:
    """What is kept of a world that came to its end."""

    steps: int
    digest: int
    faults: frozenset[str]
    jobs: dict[str, Job]


@cache
def runs() -> list[Run]:
    """All of them, in the order of their seeds. Raises AssertionError for a broken promise."""
    return [
        Run(each.world.steps, each.world.digest, each.weather.faults, dict(each.promises.jobs))
        for each in run_seeds(0, SEEDS)
    ]


def test_every_promise_holds_in_200_seeded_worlds() -> None:
    assert sum(run.steps for run in runs()) > SEEDS * 500


def test_a_seed_replays_to_the_letter() -> None:
    for seed in (7, 10):  # one of each kind of store
        again = Simulation(seed)
        again.run()
        assert again.world.digest == runs()[seed].digest
        assert again.promises.jobs == runs()[seed].jobs


def test_the_worlds_are_rough_enough_to_mean_something() -> None:
    rough = runs()[:ROUGH]
    jobs = [job for run in rough for job in run.jobs.values()]
    seen = {event.event for job in jobs for event in job.events}
    assert {"lease_lapsed", "attempt_failed", "cancel_requested", "retry_of"} <= seen
    assert {job.status for job in jobs} == {status for status in Status if status.is_terminal}
    assert set().union(*(run.faults for run in rough)) == set(FAULTS)
