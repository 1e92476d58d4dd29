"""Shares of the senders of webhooks."""

from versequeue.webhooks.receivers import (
    KEPT_FOR_GOOD,
    REMEMBERED,
    REST_FIRST_S,
    REST_LONGEST_S,
    SENDERS,
    SHARE,
    SHARE_OF_CALLER,
    Receiver,
    Receivers,
)

GOOD = Receiver("good", client="owner")


def a_good_one(receivers: Receivers, one: Receiver = GOOD) -> None:
    assert receivers.ask(one, 0) == 0
    receivers.done(one, 0, took_s=1, answered=True)


def strangers(count: int, client: str = "") -> list[Receiver]:
    """Receivers that nobody has heard of, of one caller or each of another."""
    return [Receiver(f"{client} {n}", client or f"client {n}") for n in range(count)]


def test_a_receiver_has_one_sender_until_it_has_answered_and_its_share_then() -> None:
    receivers = Receivers()
    assert [receivers.ask(Receiver("new"), 0) == 0 for _ in range(2)] == [True, False]
    a_good_one(receivers)
    assert [receivers.ask(GOOD, 0) == 0 for _ in range(SHARE + 1)] == [True] * SHARE + [False]


def test_what_waits_for_its_receiver_comes_again_at_the_receivers_pace() -> None:
    receivers = Receivers()
    a_good_one(receivers)
    for _ in range(SHARE):
        receivers.ask(GOOD, 0)
    waits = [receivers.ask(GOOD, 0) for _ in range(1000)]
    assert waits[:3] == [1 / SHARE, 2 / SHARE, 3 / SHARE]
    assert max(waits) == REST_LONGEST_S


def test_strangers_leave_senders_to_receivers_that_have_answered() -> None:
    receivers = Receivers()
    a_good_one(receivers)
    taken = [receivers.ask(stranger, 0) for stranger in strangers(SENDERS)]
    assert taken.count(0) == SENDERS - KEPT_FOR_GOOD
    assert receivers.ask(GOOD, 0) == 0
    assert not receivers.full


def test_one_that_does_not_answer_rests_longer_each_time_up_to_a_bound() -> None:
    receivers = Receivers()
    now = 0.0
    rests = []
    for _ in range(9):
        assert receivers.ask(Receiver("silent"), now) == 0
        receivers.done(Receiver("silent"), now, took_s=1, answered=False)
        rests.append(receivers.ask(Receiver("silent"), now))
        now += rests[-1]
    # A second more: what its last delivery took.
    assert rests[:3] == [REST_FIRST_S + 1, 2 * REST_FIRST_S + 1, 4 * REST_FIRST_S + 1]
    assert rests[-1] == REST_LONGEST_S


def test_an_answer_ends_the_rests() -> None:
    receivers = Receivers()
    assert receivers.ask(Receiver("x"), 0) == 0
    receivers.done(Receiver("x"), 0, took_s=1, answered=False)
    assert receivers.ask(Receiver("x"), REST_FIRST_S) == 0
    receivers.done(Receiver("x"), REST_FIRST_S, took_s=1, answered=True)
    assert receivers.ask(Receiver("x"), REST_FIRST_S) == 0


def test_any_number_of_receivers_is_forgotten_but_for_the_latest() -> None:
    receivers = Receivers()
    for number in range(2 * REMEMBERED):
        assert receivers.ask(Receiver(f"{number}"), 0) == 0
        receivers.done(Receiver(f"{number}"), 0, took_s=1, answered=False)
    assert len(receivers._known) == REMEMBERED
    assert receivers.ask(Receiver(f"{2 * REMEMBERED - 1}"), 0) > 0
    assert receivers.ask(Receiver("0"), 0) == 0


def test_one_callers_strangers_share_few_senders_and_leave_the_others_to_other_callers() -> None:
    receivers = Receivers()
    a_good_one(receivers)
    taken = [receivers.ask(one, 0) == 0 for one in strangers(SENDERS, client="owner")]
    assert taken == [True] * SHARE_OF_CALLER + [False] * (SENDERS - SHARE_OF_CALLER)
    assert receivers.ask(Receiver("new", client="somebody else"), 0) == 0
    assert receivers.ask(GOOD, 0) == 0


def test_strangers_of_one_caller_come_again_at_the_pace_at_which_they_are_sent() -> None:
    receivers = Receivers()
    first, *others = strangers(1000, client="loud")
    assert receivers.ask(first, 0) == 0
    receivers.done(first, 0, took_s=15, answered=False)
    waits = [receivers.ask(one, 0) for one in others][SHARE_OF_CALLER:]
    assert waits[:3] == [15 / SHARE_OF_CALLER * n for n in (1, 2, 3)]
    assert waits[-1] == REST_LONGEST_S


def test_any_number_of_callers_is_forgotten_but_for_the_latest() -> None:
    receivers = Receivers()
    for one in strangers(2 * REMEMBERED):
        assert receivers.ask(one, 0) == 0
        receivers.done(one, 0, took_s=1, answered=True)
    assert len(receivers._callers) == REMEMBERED


def test_one_callers_silent_receiver_at_a_host_keeps_no_others_of_that_host_waiting() -> None:
    receivers = Receivers()
    silent, answers = (Receiver("shared.example:443", client) for client in ("loud", "owner"))
    a_good_one(receivers, answers)
    now = 0.0
    for _ in range(6):
        assert receivers.ask(silent, now) == 0
        assert [receivers.ask(answers, now) for _ in range(SHARE - 1)] == [0] * (SHARE - 1)
        for _ in range(SHARE - 1):
            receivers.done(answers, now, took_s=1, answered=True)
        receivers.done(silent, now, took_s=15, answered=False)
        assert receivers.ask(answers, now) == 0
        receivers.done(answers, now, took_s=1, answered=True)
        now += REST_LONGEST_S


def test_all_callers_together_have_few_senders_at_one_host_and_leave_one_to_who_answered() -> None:
    receivers = Receivers()
    answers = Receiver("shared", client="owner")
    a_good_one(receivers, answers)
    taken = [receivers.ask(Receiver("shared", f"client {n}"), 0) == 0 for n in range(SENDERS)]
    assert taken.count(True) == SHARE - 1
    assert [receivers.ask(answers, 0) == 0 for _ in range(2)] == [True, False]
