"""Shares of the senders of webhooks."""

from versequeue.webhooks.receivers import (
    KEPT_FOR_GOOD,
    REMEMBERED,
    REST_FIRST_S,
    REST_LONGEST_S,
    SENDERS,
    SHARE,
    Receivers,
)


def a_good_one(receivers: Receivers, name: str) -> None:
    assert receivers.ask(name, 0) == 0
    receivers.done(name, 0, took_s=1, answered=True)


def test_a_receiver_has_one_sender_until_it_has_answered_and_its_share_then() -> None:
    receivers = Receivers()
    assert [receivers.ask("new", 0) == 0 for _ in range(2)] == [True, False]
    a_good_one(receivers, "good")
    assert [receivers.ask("good", 0) == 0 for _ in range(SHARE + 1)] == [True] * SHARE + [False]


def test_what_waits_for_its_receiver_comes_again_at_the_receivers_pace() -> None:
    receivers = Receivers()
    a_good_one(receivers, "good")
    for _ in range(SHARE):
        receivers.ask("good", 0)
    waits = [receivers.ask("good", 0) for _ in range(1000)]
    assert waits[:3] == [1 / SHARE, 2 / SHARE, 3 / SHARE]
    assert max(waits) == REST_LONGEST_S


def test_strangers_leave_senders_to_receivers_that_have_answered() -> None:
    receivers = Receivers()
    a_good_one(receivers, "good")
    taken = [receivers.ask(f"stranger {n}", 0) for n in range(SENDERS)]
    assert taken.count(0) == SENDERS - KEPT_FOR_GOOD
    assert receivers.ask("good", 0) == 0
    assert not receivers.full


def test_one_that_does_not_answer_rests_longer_each_time_up_to_a_bound() -> None:
    receivers = Receivers()
    now = 0.0
    rests = []
    for _ in range(9):
        assert receivers.ask("silent", now) == 0
        receivers.done("silent", now, took_s=1, answered=False)
        rests.append(receivers.ask("silent", now))
        now += rests[-1]
    # A second more: what its last delivery took.
    assert rests[:3] == [REST_FIRST_S + 1, 2 * REST_FIRST_S + 1, 4 * REST_FIRST_S + 1]
    assert rests[-1] == REST_LONGEST_S


def test_an_answer_ends_the_rests() -> None:
    receivers = Receivers()
    assert receivers.ask("x", 0) == 0
    receivers.done("x", 0, took_s=1, answered=False)
    assert receivers.ask("x", REST_FIRST_S) == 0
    receivers.done("x", REST_FIRST_S, took_s=1, answered=True)
    assert receivers.ask("x", REST_FIRST_S) == 0


def test_any_number_of_receivers_is_forgotten_but_for_the_latest() -> None:
    receivers = Receivers()
    for number in range(2 * REMEMBERED):
        assert receivers.ask(f"{number}", 0) == 0
        receivers.done(f"{number}", 0, took_s=1, answered=False)
    assert len(receivers._known) == REMEMBERED
    assert receivers.ask(f"{2 * REMEMBERED - 1}", 0) > 0
    assert receivers.ask("0", 0) == 0
