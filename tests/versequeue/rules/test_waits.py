"""How long songs take: alone, in one pass, behind others, and while they are written."""

import pytest

from versequeue.rules.options import Effort, ResolvedOptions
from versequeue.rules.waits import (
    ANSWER,
    BESIDE,
    LANE_SLOWER,
    LONGEST,
    USUAL_LINES,
    Pace,
    Paces,
    Queue,
    Span,
    Work,
    batch_s,
    end_s,
    in_passes,
    left_s,
    line_s,
    pass_s,
    pass_spans_s,
    song_s,
    work_of,
)

PACE = Pace({"quick": 0.1, "best": 0.5}, song_s=0.4, start_s=2.0)
PACES = Paces({"": PACE})
TWO_LANES = Pace(PACE.line_s, song_s=0.4, lanes=2)


@pytest.mark.parametrize(
    ("work", "seconds"),
    [
        (Work(4), 0.8),
        (Work(32), 3.6),
        (Work(16, "best"), 8.4),
        (Work(16, structure="song"), 1.6),
        (Work(16, scheme="AABB"), 0.4 + 8 * 0.1 + 8 * 0.1 * ANSWER["quick"]),
        (Work(16, "best", scheme="AAAA"), 0.4 + 4 * 0.5 + 12 * 0.5 * ANSWER["best"]),
        (
            Work(8, structure="verse 2 AA, chorus 2, chorus, verse 2"),
            0.4 + 0.5 + 0.1 * ANSWER["quick"],
        ),
    ],
)
def test_a_song_takes_its_lines_by_effort_and_rhyme_and_a_part_of_its_own(
    work: Work, seconds: float
) -> None:
    assert song_s(work, PACE) == pytest.approx(seconds)


def test_given_lines_take_no_time() -> None:
    options = ResolvedOptions(seed=1, lines=8, rhyme_scheme="none")
    given = (None, "One", "Two", None, None, None, None, None)
    assert song_s(work_of(options, given), PACE) == pytest.approx(0.4 + 6 * 0.1)


@pytest.mark.parametrize(
    ("known", "effort", "seconds"),
    [("quick", "normal", 2.45), ("quick", "best", 3.6), ("best", "quick", 1 / 3.6)],
)
def test_a_line_that_was_not_measured_is_reckoned_from_one_that_was(
    known: Effort, effort: Effort, seconds: float
) -> None:
    assert line_s(effort, Pace({known: 1.0})) == pytest.approx(seconds)


def ends(songs: list[Work], pace: Pace) -> list[float]:
    return [span.end_s for span in pass_spans_s(songs, pace)]


def test_on_one_lane_a_short_song_ends_before_a_long_one_which_then_goes_on_alone() -> None:
    short, long = ends([Work(4), Work(16)], PACE)
    assert short == pytest.approx(0.8 * (1 + BESIDE))
    assert long == pytest.approx(0.8 * (1 + BESIDE) + 1.2)


def test_songs_are_dealt_out_to_lanes_that_are_slower_than_a_worker_that_writes_one_alone() -> None:
    quick, best = ends([Work(16), Work(16, "best")], TWO_LANES)
    assert quick == pytest.approx(2.0 * LANE_SLOWER["quick"])
    assert best == pytest.approx(8.4 * LANE_SLOWER["best"])
    three = ends([Work(16)] * 3, TWO_LANES)
    assert three[1] == pytest.approx(2.0 * LANE_SLOWER["quick"])
    assert three[0] == three[2] == pytest.approx(2.0 * LANE_SLOWER["quick"] * (1 + BESIDE))


def test_songs_of_more_effort_come_one_after_another_behind_the_quick_ones_of_their_lane() -> None:
    first, quick, second = pass_spans_s([Work(4, "best"), Work(4), Work(4, "best")], PACE)
    assert quick == pytest.approx((0.0, 0.8))
    assert first == pytest.approx((0.8, 0.8 + 2.4))
    assert second == pytest.approx((0.8 + 2.4, 0.8 + 4.8))


@pytest.mark.parametrize(
    ("songs", "passes"),
    [
        ([Work(64)] * 9, [8, 1]),
        ([Work(16, "best", scheme="AABB")] * 6, [4, 2]),
        ([LONGEST] * 3, [1, 1, 1]),
        ([Work(4), LONGEST, LONGEST, Work(4), Work(4)], [1, 1, 1, 2]),
        ([], []),
    ],
)
def test_no_pass_is_longer_than_the_longest_song_alone(
    songs: list[Work], passes: list[int]
) -> None:
    found = in_passes(songs, lambda work: work)
    assert [len(each) for each in found] == passes
    assert [song for each in found for song in each] == songs
    assert all(
        pass_s(each, Pace(USUAL_LINES)) <= song_s(LONGEST, Pace(USUAL_LINES)) for each in found
    )


def test_a_song_waits_for_every_pass_before_its_own() -> None:
    before = [LONGEST] * 2
    alone_s = song_s(LONGEST, PACE)
    assert end_s(Work(4), Queue(0.0, before, 2), PACES) == pytest.approx(2 * alone_s + 0.8)
    assert batch_s(before, PACES) == pytest.approx(2 * alone_s)


def test_a_waiting_song_ends_after_what_is_being_written_and_what_was_there_before() -> None:
    assert end_s(Work(16), Queue(), PACES) == pytest.approx(2.0)
    assert end_s(Work(16), Queue(busy_s=5.0), PACES) == pytest.approx(7.0)
    beside_one = end_s(Work(16), Queue(5.0, [Work(4)], 1), PACES)
    assert beside_one == pytest.approx(5.0 + 0.8 * (1 + BESIDE) + 1.2)
    after_a_full_pass = end_s(Work(16), Queue(0.0, [Work(16)] * 8, 8), PACES)
    assert after_a_full_pass == pytest.approx(2.0 * (1 + 7 * BESIDE) + 2.0)


def test_a_file_takes_one_pass_after_the_other() -> None:
    assert batch_s([Work(16)] * 9, PACES) == pytest.approx(2.0 * (1 + 7 * BESIDE) + 2.0)


def test_a_song_whose_lines_come_slower_than_expected_has_more_left_and_it_converges() -> None:
    work, span = Work(16), Span(0.0, 2.0)
    as_expected = left_s(work, 8, 0.4 + 8.5 * 0.1, span, PACE)
    assert as_expected == pytest.approx(7.5 * 0.1)
    # Each line takes twice as long.
    off = [
        left_s(work, shown, 0.8 + (shown + 0.5) * 0.2, span, PACE) / ((15.5 - shown) * 0.2)
        for shown in (1, 4, 8, 15)
    ]
    assert off == sorted(off)
    assert 0.5 < off[0] < off[-1] == pytest.approx(1.0, abs=0.2)


def test_a_song_of_which_nothing_is_shown_has_most_of_it_left_however_late_it_is() -> None:
    assert left_s(Work(16), 0, 0.0, Span(0.0, 2.0), PACE) == 2.0
    assert left_s(Work(16), 0, 60.0, Span(0.0, 2.0), PACE) == pytest.approx(12 * 0.1)
    behind_others = left_s(Work(16), 0, 1.0, Span(3.0, 5.0), PACE)
    assert behind_others == 4.0


def test_a_song_whose_chorus_alone_is_to_come_again_is_as_good_as_done() -> None:
    work = Work(16, structure="song")
    assert left_s(work, 12, 1.6, Span(0.0, 1.6), PACE) == 0.0
    assert left_s(work, 16, 9.9, Span(0.0, 1.6), PACE) == 0.0
