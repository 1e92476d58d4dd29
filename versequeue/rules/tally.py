"""What has been used of the limits: songs of a day, and requests of a minute, by one key."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Over which requests are counted.
WINDOW_S = 60
#: A tally is of no use any more when its day is over and its last request was paced.
KEPT = timedelta(days=2)
#: A clock that is behind by more has been set back; less is how far two machines' may be apart.
CLOCK_STEP_S = 60
#: So often a day that is believed of one tally: clocks that stay apart by more must not let in
#: anything anew whenever the slower one is asked.
STEPS_A_DAY = 3


@dataclass(frozen=True)
class Use:
    """So many requests, counted at one whole second."""

    at: datetime
    count: int


@dataclass(frozen=True)
class Tally:
    """What was used under one key."""

    key: str
    changed_at: datetime
    expires_at: datetime
    #: beginning of the day in UTC that `used` is of
    day: datetime
    used: int = 0
    #: those of the last minute, and those that were let in ahead of their time
    recent: tuple[Use, ...] = ()
    #: how often this day the clock was found to have been set back
    steps: int = 0


def tally_at(found: Tally | None, key: str, now: datetime) -> Tally:
    """The tally at `now`: a new day begins at zero, and what is older than a minute goes.

    Of machines whose clocks differ, the one that is ahead says what the time is. If the clock was
    set back, the requests go, too: they would count for as long as it was set back. The songs of
    the day stay.
    """
    if found is None:
        return Tally(key, now, now + KEPT, start_of_day(now))
    day = day_that_counts(found.day, now)
    today = found if found.day == day else replace(found, day=day, used=0, steps=0)
    behind_s = (found.changed_at - now).total_seconds()
    if behind_s > CLOCK_STEP_S and today.steps < STEPS_A_DAY:
        return replace(today, changed_at=now, recent=(), steps=today.steps + 1)
    at = max(now, found.changed_at)
    return replace(today, changed_at=at, recent=tuple(u for u in found.recent if _end(u) > at))


def add_songs(tally: Tally, count: int, limit: int) -> Tally | None:
    """The tally with `count` more songs of its day; None if they are more than `limit`."""
    used = tally.used + count
    return None if used > limit else replace(tally, used=used, expires_at=tally.day + KEPT)


def add_requests(tally: Tally, count: int, limit: int) -> Tally | None:
    """The tally with `count` more requests; None if there is no room for one in this minute.

    More than there is room for are let in, and are counted in the minutes that follow: a file of
    200 rows uses up 20 minutes of a limit of 10.
    """
    room = limit - recent_requests(tally)
    if room <= 0:
        return None
    at = _whole_second(tally.changed_at)
    recent = {use.at: use.count for use in tally.recent}
    while count > 0:
        let_in = min(room, count)
        recent[at] = recent.get(at, 0) + let_in
        count -= let_in
        room, at = limit, at + timedelta(seconds=WINDOW_S)
    last = max(recent)
    expires_at = max(tally.expires_at, last + KEPT)
    uses = tuple(Use(at, count) for at, count in sorted(recent.items()))
    return replace(tally, recent=uses, expires_at=expires_at)


def recent_requests(tally: Tally) -> int:
    """How many requests count at the moment."""
    return sum(use.count for use in tally.recent)


def next_room_at(tally: Tally, limit: int) -> datetime:
    """When there will be room for one more request than now, or for one at all."""
    left = recent_requests(tally)
    for use in tally.recent:
        left -= use.count
        if left < limit:
            return _end(use)
    return tally.changed_at


def day_that_counts(last: datetime, now: datetime) -> datetime:
    """Beginning of the day that a use at `now` is of, after one of the day `last`.

    One that has begun on one machine has begun on all of them: their clocks do not agree.
    """
    today = start_of_day(now)
    return last if last == today + timedelta(days=1) else today


def start_of_day(now: datetime) -> datetime:
    """Midnight before `now`."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _end(use: Use) -> datetime:
    return use.at + timedelta(seconds=WINDOW_S)


def _whole_second(now: datetime) -> datetime:
    # Upwards, so that nothing is forgotten before its minute is over.
    return now + timedelta(microseconds=-now.microsecond % 1_000_000)
