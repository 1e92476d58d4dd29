"""The seeded simulation holds, and finds the faults that it is there to find."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

import versequeue.rules.transitions
import versequeue.service.callers
import versequeue.service.sweep
from tests.simulation.world import Simulation, run_seeds
from versequeue.errors import LeaseLost
from versequeue.ports.store import IdempotencyRecord
from versequeue.rules.job import Job, Status
from versequeue.service.idempotency import record_for

SEEDS = 200


def test_every_promise_holds_in_200_seeded_worlds() -> None:
    assert run_seeds(0, SEEDS) > SEEDS * 1000


def test_a_seed_replays_to_the_letter() -> None:
    first, second = Simulation(7), Simulation(7)
    first.run()
    second.run()
    assert first.world.steps == second.world.steps
    assert first.store.jobs == second.store.jobs


def test_the_worlds_are_rough_enough_to_mean_something() -> None:
    seen: set[str] = set()
    most_attempts = 0
    for seed in range(20):
        simulation = Simulation(seed)
        simulation.run()
        for job in simulation.store.jobs.values():
            seen |= {event.event for event in job.events}
            most_attempts = max(most_attempts, job.attempt)
    assert {"lease_lapsed", "attempt_failed", "handed_back", "cancel_requested", "failed"} <= seen
    assert most_attempts == 5


def _attempt_only(job: Job, attempt: int, _now: Any) -> None:
    if job.status is not Status.RUNNING or job.attempt != attempt:
        raise LeaseLost("another attempt")


def _forgetful_record(
    client: str, key: str, body: bytes, resource_id: str, now: datetime
) -> IdempotencyRecord:
    return record_for(client, key + resource_id, body, resource_id, now)


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (versequeue.rules.transitions, "check_fence", lambda *_: None),
        (versequeue.rules.transitions, "check_fence", _attempt_only),
        (versequeue.rules.transitions, "_lease_is_live", lambda *_: False),
        (versequeue.service.sweep, "hint_at_jobs", lambda *_: 0),
        (versequeue.service.sweep, "settle", lambda job, _now: job),
        (versequeue.service.callers, "record_for", _forgetful_record),
    ],
    ids=[
        "no fence",
        "a fence without the lease",
        "a claim that ignores leases",
        "a sweep that publishes nothing",
        "a sweep that gives nobody up",
        "no idempotency record",
    ],
)
def test_a_rule_broken_on_purpose_is_found(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: Callable[..., Any]
) -> None:
    monkeypatch.setattr(module, name, broken)
    with pytest.raises(AssertionError, match="seed"):
        run_seeds(0, 60)
