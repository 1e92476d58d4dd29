"""What a push says: what has ended, its title, and where it is. No lyrics, no prompt, no words."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from versequeue.rules.batch import Batch
from versequeue.rules.job import Job, Status

#: A longer title is cut: a push has little room, and a notification less.
MOST_CHARACTERS = 120


def push_message(
    found: Job | Batch, event: str, counts: Mapping[Status, int] | None = None
) -> dict[str, Any]:
    """What the page's service worker reads; `link` is relative to the page.

    The words of the notification are the page's, in its own language.
    """
    if isinstance(found, Job):
        title, link = (found.output or {}).get("title"), {"job": found.id}
        more: dict[str, Any] = {}
    else:
        title, link = found.metadata.get("file"), {"batch": found.id}
        more = {"succeeded": (counts or {}).get(Status.SUCCEEDED, 0), "total": found.total}
    text = title if isinstance(title, str) else ""
    return {"type": event, "title": text[:MOST_CHARACTERS], "link": f"?{urlencode(link)}", **more}
