"""How much one client, and everybody together, may ask for.

Tallies are changed in the transaction that creates the jobs: of two requests for the last song one
is refused. Nothing goes beyond a limit, but for one file that a client's minute still has room for,
which is counted against the minutes that follow.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from versequeue.config import Settings
from versequeue.errors import BudgetExhausted, RateLimited
from versequeue.ports.store import Store, TallyChange
from versequeue.rules import tally as rules
from versequeue.rules.tally import Tally

#: Key of the tally of all songs; a client's tally has its hash behind the prefix.
EVERYBODY, CLIENT_PREFIX = "everybody", "client:"


@dataclass(frozen=True)
class Allowance:
    """What is left to a client in this window; `limit` 0 means that nothing is limited."""

    limit: int = 0
    remaining: int = 0
    reset_s: int = 0

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` as the IETF draft writes them; empty without limit."""
        if not self.limit:
            return {}
        return {
            "RateLimit-Policy": f'"jobs";q={self.limit};w={rules.WINDOW_S}',
            "RateLimit": f'"jobs";r={self.remaining};t={self.reset_s}',
        }


NO_LIMIT = Allowance()


@dataclass
class Bill:
    """What one request is about to use, and the `allowance` that is left after it.

    `charges` goes into the transaction that creates what was asked for: there they raise
    RateLimited or BudgetExhausted.
    """

    store: Store
    settings: Settings
    client: str
    now: datetime
    allowance: Allowance = NO_LIMIT

    def charges(self, *, songs: int, requests: int) -> dict[str, TallyChange]:
        """The changes of tallies for so many songs and requests; none where nothing is limited."""
        rate, share = self.settings.rate_per_minute, client_share(self.settings)
        charges: dict[str, TallyChange] = {}
        if songs and self.settings.daily_budget:
            charges[EVERYBODY] = partial(self._charge_everybody, songs)
        key = CLIENT_PREFIX + self.client

        def charge_client(found: Tally | None) -> Tally:
            tally = rules.tally_at(found, key, self.now)
            if songs and share:
                tally = self._add_songs(tally, songs, share)
            return self._add_requests(tally, requests, rate) if rate else tally

        if rate or (songs and share):
            charges[key] = charge_client
        return charges

    def _charge_everybody(self, songs: int, found: Tally | None) -> Tally:
        tally = rules.tally_at(found, EVERYBODY, self.now)
        if found is None or found.day != tally.day:
            # A tally begins at what was created without it, as by a version that kept none.
            tally = replace(tally, used=self.store.count_created(tally.day))
        return self._add_songs(tally, songs, self.settings.daily_budget)

    def _add_songs(self, tally: Tally, songs: int, limit: int) -> Tally:
        if added := rules.add_songs(tally, songs, limit):
            return added
        wait_s = _seconds_until(tally.day + timedelta(days=1), self.now)
        whose = f"Today's budget of {limit} songs"
        if tally.key != EVERYBODY:
            whose = f"Your share of today's budget, {limit} songs,"
        raise BudgetExhausted(
            f"{whose} is used up; it is renewed at midnight UTC.",
            headers={"Retry-After": str(wait_s)},
        )

    def _add_requests(self, tally: Tally, requests: int, limit: int) -> Tally:
        reset_s = _seconds_until(rules.next_room_at(tally, limit), self.now)
        added = rules.add_requests(tally, requests, limit)
        if added is None:
            refused = Allowance(limit, 0, reset_s)
            raise RateLimited(
                f"At most {limit} jobs a minute; try again in {reset_s} s.",
                headers={"Retry-After": str(reset_s), **refused.headers()},
            )
        left = max(0, limit - rules.recent_requests(added))
        reset_s = _seconds_until(rules.next_room_at(added, limit), self.now)
        self.allowance = Allowance(limit, left, reset_s)
        return added


def client_share(settings: Settings) -> int:
    """How many of a day's songs one client may have that needs no key; 0: all there are."""
    if settings.api_keys or not (settings.daily_budget and settings.client_share):
        return 0
    return max(1, int(settings.daily_budget * settings.client_share))


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, int((moment - now).total_seconds()) + 1)
