"""An event that is sent once more because somebody asks for it, at a pace."""

import math
from dataclasses import replace
from datetime import datetime

from versequeue.errors import NothingToRedeliver, RateLimited
from versequeue.rules.webhook import ON_THE_WAY, Announced, W, at_once, first_hint_ends

#: Between two redeliveries of one event that somebody asks for.
REDELIVER_EVERY_S = 60


def redeliver(webhook: W, now: datetime) -> W:
    """The webhook with its last event, the end's if there is one, due again under the same id.

    One that is still pending becomes due now and keeps its count of deliveries; one that has ended
    starts anew. Raises NothingToRedeliver if none was ever sent or the receiver answered 410, and
    RateLimited within REDELIVER_EVERY_S of the last redelivery.
    """
    if webhook.stopped:
        raise NothingToRedeliver("The receiver answered 410 Gone: nothing is sent to it any more.")
    if not webhook.pending and not webhook.deliveries:
        raise NothingToRedeliver()
    _check_pace(webhook.redelivered_at, now)
    if webhook.pending:
        # Its last try may have died unreported: what is promised here has to be left to it.
        tries = min(webhook.pending.tries, webhook.most_tries - 1)
        until = first_hint_ends(now)
        pending = replace(
            webhook.pending, tries=tries, due_at=now, hinted_until=until, noted_at=now
        )
    else:
        # A report that came late may stand behind that of the end.
        ends = [one for one in webhook.deliveries if one.event not in ON_THE_WAY]
        last = (ends or webhook.deliveries)[-1]
        pending = at_once(Announced(last.event, last.id), now)
    return replace(webhook, pending=pending, redelivered_at=now)


def _check_pace(last: datetime | None, now: datetime) -> None:
    age_s = (now - last).total_seconds() if last else REDELIVER_EVERY_S
    if 0 <= age_s < REDELIVER_EVERY_S:
        wait_s = math.ceil(REDELIVER_EVERY_S - age_s)
        raise RateLimited(
            f"One redelivery a minute for each job; try again in {wait_s} s.",
            headers={"Retry-After": str(wait_s)},
        )
