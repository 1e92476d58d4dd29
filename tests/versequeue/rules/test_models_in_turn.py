"""Songs for several models: which go together, who is overtaken, and what the changes take."""

import random
from itertools import pairwise

import pytest

from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.waits import (
    Pace,
    Paces,
    Queue,
    Work,
    batch_s,
    by_model,
    end_s,
    fit_together,
    in_passes,
    queue_s,
)

A, B = Work(4, model="a"), Work(4, model="b")
#: A song of four lines takes 1 s alone, with a model of twice the size 2 s.
PACES = Paces(
    {"a": Pace({"quick": 0.25}, load_s=3.0), "b": Pace({"quick": 0.5}, load_s=5.0)}, loaded="a"
)


def itself(work: Work) -> Work:
    return work


def passes(models: str) -> list[str]:
    """The models of the songs of each pass, where these wait."""
    found = in_passes([Work(4, model=model) for model in models], itself)
    return ["".join(song.model for song in each) for each in found]


def test_songs_of_two_models_are_never_one_pass() -> None:
    assert fit_together([A, A])
    assert not fit_together([A, B])


@pytest.mark.parametrize(
    ("waiting", "written"),
    [
        ("", []),
        ("a", ["a"]),
        ("abab", ["aa", "bb"]),
        ("abcabc", ["aa", "bb", "cc"]),
        ("baaab", ["bb", "aaa"]),
        ("ab" * 10, ["a" * 8, "b" * 8, "aa", "bb"]),
    ],
)
def test_the_song_that_waits_longest_says_which_model_is_next(
    waiting: str, written: list[str]
) -> None:
    assert passes(waiting) == written


def test_nobody_is_overtaken_by_more_than_one_pass() -> None:
    rng = random.Random(5)
    for _ in range(200):
        songs = [
            (at, Work(rng.choice((4, 64)), rng.choice(("quick", "best")), model=rng.choice("abc")))
            for at in range(rng.randrange(60))
        ]
        found = in_passes(songs, lambda song: song[1])
        order = [at for each in found for at, _ in each]
        assert sorted(order) == list(range(len(songs)))
        for place, at in enumerate(order):
            before = [other for other in order[:place] if other > at]
            assert len(before) < JOBS_PER_MESSAGE * len("abc")
        firsts = [each[0][0] for each in found]
        assert all(first < second for first, second in pairwise(firsts)), "the oldest is first"


def test_a_file_that_mixes_two_models_changes_once() -> None:
    rows = [A, B] * 50
    assert [song.model for song in by_model(rows, itself)] == ["a"] * 50 + ["b"] * 50
    pure_s = batch_s([A] * 50, PACES) + batch_s([B] * 50, Paces(PACES.by_model, "b"))
    assert batch_s(rows, PACES) == pytest.approx(pure_s + 5.0)


def test_a_waiting_song_waits_for_the_changes_of_model_before_it_too() -> None:
    assert end_s(A, Queue(), PACES) == pytest.approx(1.0)
    assert end_s(B, Queue(), PACES) == pytest.approx(5.0 + 2.0)
    behind_b = Queue(busy_s=10.0, ahead=[B], count=1)
    assert end_s(A, behind_b, PACES) == pytest.approx(10.0 + 5.0 + 2.0 + 3.0 + 1.0)
    assert end_s(B, behind_b, PACES) > 10.0 + 5.0 + 2.0


def test_a_song_that_joins_an_earlier_pass_is_told_that_ones_end() -> None:
    behind = Queue(ahead=[A, B], count=2)
    joined_s, alone_s = end_s(A, behind, PACES), end_s(A, Queue(ahead=[A], count=1), PACES)
    assert joined_s == pytest.approx(alone_s), "not the end of the one for the other model"


def test_a_worker_that_has_to_start_loads_the_first_model_as_a_part_of_that() -> None:
    asleep = Paces(PACES.by_model)
    assert end_s(B, Queue(busy_s=9.0), asleep) == pytest.approx(9.0 + 2.0)
    assert queue_s(Queue(ahead=[A, B], count=2), asleep) == pytest.approx(1.0 + 5.0 + 2.0)


def test_a_model_that_was_not_measured_is_taken_to_be_like_one_that_was() -> None:
    assert end_s(A, Queue(ahead=[Work(4, model="c")], count=1), PACES) == pytest.approx(
        3.0 + 1.0 + 3.0 + 1.0
    )
