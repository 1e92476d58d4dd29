"""Which page of a list is asked for: how long, and behind what. A cursor is one word for callers.

A cursor has at most `MOST_CHARACTERS`, a page at most `MOST_ROWS`.
"""

import base64
import re

from werkzeug.datastructures import MultiDict

from versequeue.errors import FieldError, ValidationFailed
from versequeue.ports.store import Place
from versequeue.records import format_time, parse_time

USUAL_ROWS, MOST_ROWS = 20, 100
MOST_CHARACTERS = 200
#: A name that any store can look for.
_JOB_ID = re.compile("job_[A-Za-z0-9_]{1,100}")


def write_cursor(place: Place) -> str:
    """The word that leads on from `place`."""
    text = f"{format_time(place.created_at)} {place.job_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_page(asked: MultiDict[str, str]) -> tuple[Place | None, int]:
    """(behind what, how many) of a query with `cursor` and `limit`. Raises ValidationFailed."""
    if unknown := sorted(set(asked) - {"cursor", "limit"}):
        raise _fault(unknown[0][:MOST_CHARACTERS], "A list knows cursor and limit, and not this.")
    cursor, limit = asked.get("cursor", ""), asked.get("limit", str(USUAL_ROWS))
    if not (re.fullmatch("[0-9]{1,3}", limit) and 1 <= int(limit) <= MOST_ROWS):
        raise _fault("limit", f"A page has 1 to {MOST_ROWS} jobs.")
    return _read_cursor(cursor) if cursor else None, int(limit)


def _read_cursor(text: str) -> Place:
    if len(text) > MOST_CHARACTERS:
        raise _fault("cursor", "A cursor is not as long as this.")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        moment, _, job_id = base64.b64decode(padded, b"-_", validate=True).decode().partition(" ")
        place = Place(parse_time(moment), job_id)
    except ValueError as error:
        raise _fault("cursor", "This is no cursor that a list gave.") from error
    if write_cursor(place) != text or not _JOB_ID.fullmatch(job_id):
        raise _fault("cursor", "This is no cursor that a list gave.")
    return place


def _fault(name: str, detail: str) -> ValidationFailed:
    return ValidationFailed(detail, errors=[FieldError(f"/query/{name}", detail)])
