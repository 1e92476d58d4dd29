"""When a batch is told to be over, by what was expected of it and by its own pace."""

import pytest

from tests.support.samples import at, batch_of
from versequeue.rules.batch import BatchNow
from versequeue.rules.job import Status


def left_of(total: int, ended: int, past_s: float, expected_s: float = 100.0) -> float:
    counts = {Status.QUEUED: total - ended, Status.SUCCEEDED: ended}
    left_s = BatchNow(batch_of(total=total, expected_s=expected_s), counts).eta_s(at(past_s))
    assert left_s is not None
    return left_s


def test_what_is_told_of_a_batch_that_goes_as_expected_falls_with_the_time() -> None:
    # The rows of its one pass end together, the first of them long before the last.
    ended = {0: 0, 30: 0, 60: 0, 80: 3, 95: 6}
    told = [left_of(8, rows, past_s) for past_s, rows in ended.items()]
    assert told == pytest.approx([100 - past_s for past_s in ended], abs=7)
    passes = [left_of(80, past_s // 10 * 8, past_s) for past_s in range(0, 99, 7)]
    assert passes == pytest.approx([100 - past_s for past_s in range(0, 99, 7)], abs=0.1)


def test_a_batch_that_is_twice_as_slow_as_expected_is_told_ever_more_by_its_own_pace() -> None:
    # Of 200 seconds so many have gone, and a pass takes 16.
    off = [(200 - left_of(100, at_s // 16 * 8, at_s) - at_s) / 200 for at_s in range(16, 193, 16)]
    assert off[0] == 0.5, "none is late yet"
    assert off == sorted(off, reverse=True)
    assert abs(off[-1]) < 0.05


def test_nobody_can_tell_of_a_batch_that_is_late_and_has_no_row_yet() -> None:
    counts = {Status.QUEUED: 8}
    assert BatchNow(batch_of(total=8, expected_s=5.0), counts).eta_s(at(6)) is None
