"""How long songs take: alone, in one pass, and behind others."""

import pytest

from versequeue.rules.waits import (
    USUAL_LINES,
    Pace,
    Queue,
    Work,
    batch_s,
    end_s,
    in_passes,
    line_s,
    pass_ends_s,
    song_s,
)

PACE = Pace({"quick": 0.1, "best": 0.5}, song_s=0.4, start_s=2.0, written=0.75, beside=0.4)


@pytest.mark.parametrize(
    ("work", "seconds"),
    [
        (Work(4), 0.8),
        (Work(32), 3.6),
        (Work(16, "best"), 8.4),
        (Work(16, has_chorus=True), 1.6),
    ],
)
def test_a_song_takes_its_lines_by_effort_and_a_part_of_its_own(work: Work, seconds: float) -> None:
    assert song_s(work, PACE) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("known", "kind", "seconds"),
    [
        ("quick", "normal", 2.5),
        ("quick", "best", 4.0),
        ("best", "quick", 0.25),
        ("quick", "quick unrhymed", 0.75),
    ],
)
def test_a_line_that_was_not_measured_is_reckoned_from_one_that_was(
    known: str, kind: str, seconds: float
) -> None:
    assert line_s(kind, Pace({known: 1.0})) == seconds


def test_in_one_pass_a_short_song_ends_before_a_long_one_which_then_goes_on_alone() -> None:
    short, long = pass_ends_s([Work(4), Work(16)], PACE)
    assert short == pytest.approx(0.8 * 1.4)
    assert long == pytest.approx(0.8 * 1.4 + 1.2)


def test_equal_songs_of_one_pass_end_together_and_later_than_one_alone() -> None:
    assert pass_ends_s([Work(16)] * 3, PACE) == pytest.approx([2.0 * 1.8] * 3)


def test_songs_of_more_effort_come_one_after_another_behind_the_quick_ones() -> None:
    first, quick, second = pass_ends_s([Work(4, "best"), Work(4), Work(4, "best")], PACE)
    assert quick == pytest.approx(0.8)
    assert first == pytest.approx(0.8 + 2.4)
    assert second == pytest.approx(0.8 + 2.4 + 0.75 * 2.4)


@pytest.mark.parametrize(
    ("songs", "passes"),
    [
        ([Work(64)] * 9, [8, 1]),
        ([Work(16, "best")] * 6, [5, 1]),
        ([Work(64, "best")] * 3, [1, 1, 1]),
        ([Work(4), Work(64, "best"), Work(64, "best"), Work(4), Work(4)], [1, 1, 1, 2]),
        ([], []),
    ],
)
def test_no_pass_is_longer_than_the_longest_song_alone(
    songs: list[Work], passes: list[int]
) -> None:
    found = in_passes(songs, lambda work: work)
    assert [len(each) for each in found] == passes
    assert [song for each in found for song in each] == songs
    assert all(max(pass_ends_s(each, Pace(USUAL_LINES))) <= 64 * 4 for each in found)


def test_a_song_waits_for_every_pass_before_its_own() -> None:
    before = [Work(64, "best")] * 2
    alone_s = song_s(Work(64, "best"), PACE)
    assert end_s(Work(4), Queue(0.0, before, 2), PACE) == pytest.approx(2 * alone_s + 0.8)
    assert batch_s(before, PACE) == pytest.approx(2 * alone_s)


def test_a_waiting_song_ends_after_what_is_being_written_and_what_was_there_before() -> None:
    assert end_s(Work(16), Queue(), PACE) == pytest.approx(2.0)
    assert end_s(Work(16), Queue(busy_s=5.0), PACE) == pytest.approx(7.0)
    beside_one = end_s(Work(16), Queue(5.0, [Work(4)], 1), PACE)
    assert beside_one == pytest.approx(5.0 + 0.8 * 1.4 + 1.2)
    after_a_full_pass = end_s(Work(16), Queue(0.0, [Work(16)] * 8, 8), PACE)
    assert after_a_full_pass == pytest.approx(2.0 * (1 + 7 * 0.4) + 2.0)


def test_a_file_takes_one_pass_after_the_other() -> None:
    assert batch_s([Work(16)] * 9, PACE) == pytest.approx(2.0 * (1 + 7 * 0.4) + 2.0)
