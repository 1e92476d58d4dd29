"""The seeded worlds: every promise holds, a seed is repeatable, and they are rough enough."""

from tests.simulation.weather import FAULTS
from tests.simulation.world import Simulation, run_seeds
from versequeue.rules.job import Status

SEEDS = 200


def test_every_promise_holds_in_200_seeded_worlds() -> None:
    assert run_seeds(0, SEEDS) > SEEDS * 500


def test_a_seed_replays_to_the_letter() -> None:
    for seed in (7, 10):  # one of each kind of store
        first, second = Simulation(seed), Simulation(seed)
        first.run()
        second.run()
        assert first.world.digest == second.world.digest
        assert first.promises.jobs == second.promises.jobs


def test_the_worlds_are_rough_enough_to_mean_something() -> None:
    seen: set[str] = set()
    faults: set[str] = set()
    ends: set[Status] = set()
    for seed in range(40):
        simulation = Simulation(seed)
        simulation.run()
        faults |= simulation.weather.faults
        for job in simulation.promises.jobs.values():
            seen |= {event.event for event in job.events}
            ends.add(job.status)
    assert {"lease_lapsed", "attempt_failed", "cancel_requested", "retry_of"} <= seen
    assert ends == {status for status in Status if status.is_terminal}
    assert faults == set(FAULTS)
