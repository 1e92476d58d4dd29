"""Songs whose lines are longer, shorter or given: what they take is not what others will take."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.samples import NOW, queued_job
from versequeue.ports.store import State
from versequeue.rules.job import Job, Metrics, Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.outlook import wait_of
from versequeue.service import estimates

USUAL = ResolvedOptions(seed=1)
GIVEN = ("a line that takes long to be read",) * 15 + (None,)


def written(generate_s: float, options: ResolvedOptions = USUAL, **fields: Any) -> Job:
    """A job that a warm worker wrote alone in so many seconds."""
    metrics = Metrics(0.0, False, 0.0, generate_s)
    done = {"status": Status.SUCCEEDED, "attempt": 1, "options": options, "metrics": metrics}
    return queued_job(**{**done, **fields})


def told_s(state: State) -> float:
    """What is told of a usual song."""
    wait = wait_of(queued_job(options=USUAL), estimates.read(state, NOW, 60), NOW)
    assert wait
    return wait.expected_s


@pytest.mark.parametrize(
    ("options", "given", "took_s"),
    [
        (replace(USUAL, syllables="3"), (), 1.5),
        (replace(USUAL, syllables="16"), (), 60.0),
        (replace(USUAL, tune="oh the sea\n" * 16), (), 60.0),
        (USUAL, GIVEN, 30.0),
    ],
    ids=["short lines", "long lines", "a tune", "given lines"],
)
def test_a_song_of_unusual_lines_hardly_changes_what_is_told_to_others(
    options: ResolvedOptions, given: tuple[str | None, ...], took_s: float
) -> None:
    state: State = {}
    for job in (written(5.0), written(5.0), written(took_s, options, given=given)):
        state = estimates.measured(state, job, None, NOW)
    assert told_s(state) == pytest.approx(5.0, rel=0.2)


def test_a_song_of_unusual_lines_tells_something_where_nothing_else_does() -> None:
    state = estimates.measured({}, written(3.0, replace(USUAL, syllables="5")), None, NOW)
    assert told_s(state) == pytest.approx(3.0)
