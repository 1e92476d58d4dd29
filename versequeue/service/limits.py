"""How much one client, and everybody together, may ask for.

Derived from counting the jobs that exist, so nothing can drift. Two requests at the very same
moment may both pass at the edge of a limit; the overshoot is at most the number of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from versequeue.config import Settings
from versequeue.errors import BudgetExhausted, RateLimited
from versequeue.ports.store import Store

#: Over which `rate_per_minute` is counted.
WINDOW_S = 60


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
            "RateLimit-Policy": f'"jobs";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"jobs";r={self.remaining};t={self.reset_s}',
        }


NO_LIMIT = Allowance()


def check_limits(
    store: Store, settings: Settings, client: str, now: datetime, jobs: int
) -> Allowance:
    """Let `jobs` new jobs of `client` pass. Raises RateLimited or BudgetExhausted.

    A batch passes when the client has room for one more job, and then fills the window.
    """
    if settings.daily_budget:
        _check_budget(store, settings.daily_budget, now, jobs)
    if not settings.rate_per_minute:
        return NO_LIMIT
    since = now - timedelta(seconds=WINDOW_S)
    used = store.count_created(since, client)
    oldest = store.oldest_created(since, client) if used else None
    reset_s = _seconds_until((oldest or now) + timedelta(seconds=WINDOW_S), now)
    if used >= settings.rate_per_minute:
        refused = Allowance(settings.rate_per_minute, 0, reset_s)
        raise RateLimited(
            f"At most {settings.rate_per_minute} jobs a minute; try again in {reset_s} s.",
            headers={"Retry-After": str(reset_s), **refused.headers()},
        )
    left = max(0, settings.rate_per_minute - used - jobs)
    return Allowance(settings.rate_per_minute, left, reset_s)


def _check_budget(store: Store, budget: int, now: datetime, jobs: int) -> None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if store.count_created(today) + jobs <= budget:
        return
    wait_s = _seconds_until(today + timedelta(days=1), now)
    raise BudgetExhausted(
        f"Today's budget of {budget} songs is used up; it is renewed at midnight UTC.",
        headers={"Retry-After": str(wait_s)},
    )


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, int((moment - now).total_seconds()) + 1)
