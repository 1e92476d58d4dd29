"""The waits that are told on a recorded day, against those that they turned out to be."""

from collections.abc import Iterable

from bench.waits import NEAR, NEAR_S
from tests.support.day_of_songs import Told, recorded, told_at_submission, told_when_begun

#: The first of each effort teach what there is to tell.
LESSONS = 6


def share(told: Iterable[Told], near: bool = True) -> float:
    """How many of these were told within NEAR of what they were, or no longer than the most."""
    kept = list(told)[LESSONS:]
    assert len(kept) >= 20
    found = [
        abs(wait.expected_s - real_s) <= max(NEAR * real_s, NEAR_S)
        if near
        else real_s <= wait.at_most_s + NEAR_S
        for wait, real_s in kept
    ]
    return sum(found) / len(found)


def test_nine_of_ten_waits_are_told_as_they_were_at_submission_and_when_writing_begins() -> None:
    songs = recorded()
    assert share(told_at_submission(songs)) >= 0.9
    assert share(told_when_begun(songs)) >= 0.9


def test_nine_of_ten_waits_are_no_longer_than_the_most_that_was_told_and_that_is_no_refuge() -> (
    None
):
    songs = recorded()
    begun = list(told_when_begun(songs))
    assert share(told_at_submission(songs), near=False) >= 0.9
    assert share(begun, near=False) >= 0.9
    widths = sorted(told.wait.at_most_s / told.wait.expected_s for told in begun)
    assert widths[len(widths) // 2] < 1.5
