"""When to come back: a Retry-After header, from a server or a webhook's receiver."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Nobody is waited for longer than a day, whatever is asked.
MAX_RETRY_AFTER_S = 86_400.0


def retry_after_s(text: str, sent: datetime | None) -> float | None:
    """Seconds to wait, 0 to a day; None if there is nothing to be read.

    A date counts from when the answer was `sent`, and without that says nothing.
    """
    text = text.strip(" \t")
    if re.fullmatch(r"[0-9]+", text):
        return min(float(text), MAX_RETRY_AFTER_S)  # more digits than a float has are infinity
    moment = http_date(text)
    if moment is None or sent is None:
        return None
    return min(max(0.0, (moment - sent).total_seconds()), MAX_RETRY_AFTER_S)


def http_date(text: str) -> datetime | None:
    """The moment that a date in a header names; None for what is no date of this calendar."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
