"""Later jobs: held until a pass is full or their time has come; and how long a job may wait."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.samples import NOW, at, queued_job
from versequeue.rules.job import Job, Stage
from versequeue.rules.later import due_passes, look_at, release
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.outlook import Wait, WorkerOutlook, wait_of
from versequeue.rules.terms import (
    LEAD_S,
    LOOK_AT_HELD_S,
    Terms,
    deadline_at,
    fault_of,
    next_look_at,
    ready_by,
)
from versequeue.rules.transitions import FURTHEST_S, claim, counts_as_lost, settle

DAY_S = 86400.0
HOUR = at(3600)


def held(number: int = 0, ready: datetime = HOUR, model: str = "", **options: Any) -> Job:
    chosen = ResolvedOptions(seed=7, model=model, **options)
    fields: dict[str, Any] = {"when": "later", "ready_by": ready, "held": True, "options": chosen}
    look = next_look_at(ready - timedelta(seconds=LEAD_S), NOW)
    return queued_job(f"job_{number}", publish_at=look, **fields)


def named(passes: list[list[Job]]) -> list[list[str]]:
    return [[job.id for job in songs] for songs in passes]


def test_a_later_job_is_ready_in_an_hour_unless_it_is_said_or_would_expire() -> None:
    later = Terms(when="later")
    assert ready_by(later, NOW, DAY_S) == HOUR
    assert ready_by(replace(later, ready_by=at(90)), NOW, DAY_S) == at(90)
    assert ready_by(replace(later, deadline_s=600), NOW, DAY_S) == at(600)
    assert ready_by(later, NOW, 60.0) == at(60)
    assert ready_by(Terms(), NOW, DAY_S) is None


def test_a_deadline_is_within_the_owners() -> None:
    assert deadline_at(Terms(), NOW, DAY_S) == at(DAY_S)
    assert deadline_at(Terms(deadline_s=60), NOW, DAY_S) == at(60)
    assert deadline_at(Terms(deadline_s=DAY_S), NOW, 60.0) == at(60)


@pytest.mark.parametrize(
    ("terms", "name", "said"),
    [
        (Terms(deadline_s=DAY_S + 1), "deadline_s", "at most 86400"),
        (Terms(when="later", ready_by=NOW), "ready_by", "past"),
        (Terms(ready_by=HOUR), "ready_by", "later"),
        (Terms(when="later", ready_by=at(DAY_S + 1)), "ready_by", "within 86400 s"),
        (Terms(600, "later", at(601)), "ready_by", "within 600 s"),
    ],
    ids=["beyond the owner's", "past", "at once", "tomorrow", "after its deadline"],
)
def test_terms_that_cannot_be_had_are_told_in_a_sentence(
    terms: Terms, name: str, said: str
) -> None:
    fault = fault_of(terms, NOW, DAY_S)
    assert fault
    assert fault[0] == name
    assert said in fault[1]
    assert fault[1].endswith(".")


def test_terms_at_their_bounds_can_be_had() -> None:
    for terms in (Terms(), Terms(DAY_S), Terms(600, "later", at(600)), Terms(when="later")):
        assert fault_of(terms, NOW, DAY_S) is None


def test_a_pass_is_full_with_eight_songs_of_one_model() -> None:
    seven = [held(number) for number in range(7)]
    others = [held(number, model="other") for number in range(10, 17)]
    assert due_passes([*seven, *others], NOW) == []
    [songs] = due_passes([*seven, *others, held(7)], NOW)
    assert named([songs]) == [[f"job_{number}" for number in range(8)]]


def test_a_pass_into_which_the_next_song_does_not_fit_is_full() -> None:
    long = [held(number, lines=64, effort="best") for number in range(2)]
    assert named(due_passes(long, NOW)) == [["job_0"]]


def test_what_waits_goes_along_with_one_whose_time_has_come() -> None:
    soon, late, other = held(0, at(900)), held(1), held(2, model="other")
    assert due_passes([soon, late, other], at(599)) == []
    assert named(due_passes([soon, late, other], at(600))) == [["job_0", "job_1"]]
    assert due_passes([], NOW) == []


def test_a_held_job_is_looked_at_before_its_time_seems_to_be_that_of_another_clock() -> None:
    job, looks = held(ready=at(6 * 3600)), []
    while job.held:
        assert job.due_at
        moment = job.due_at
        assert moment == settle(job, moment).due_at
        assert counts_as_lost(job, moment)
        looks.append((moment - NOW).total_seconds())
        job = look_at(job, moment)
        assert not job.held or not counts_as_lost(job, moment)
    assert max(b - a for a, b in zip([0.0, *looks], looks, strict=False)) <= LOOK_AT_HELD_S
    assert LOOK_AT_HELD_S < FURTHEST_S
    assert looks[-1] == 6 * 3600 - LEAD_S
    assert job.events[-1].event == "released"


def test_a_release_is_noted_once_and_the_message_counts_as_lost_a_minute_later() -> None:
    job = release(held(), at(10), "its pass is full")
    assert (job.held, job.publish_at, job.publishes) == (False, at(70), 1)
    assert release(job, at(11), "its pass is full") is job


def test_a_held_job_that_is_claimed_all_the_same_is_held_no_longer() -> None:
    times = {"lease_s": 30.0, "attempt_limit_s": 60.0}
    assert not claim(held(), NOW, "w", stage=Stage.WRITING, **times).held


def test_a_later_job_gives_way_and_is_told_until_when_it_waits() -> None:
    job = held()
    assert job.in_bulk
    assert wait_of(job, WorkerOutlook(), at(600)) == Wait(3000.0, 3000.0)
    assert wait_of(job, WorkerOutlook(), at(4000)) is None, (
        "it is late, and nobody knows by how much"
    )
