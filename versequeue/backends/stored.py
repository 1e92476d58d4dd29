"""What a store keeps of a document: the fields that it is searched by, and all of it as JSON."""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from versequeue.clock import utc_now
from versequeue.errors import Unreadable
from versequeue.ports.store import IdempotencyRecord
from versequeue.records import from_json, to_json
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job
from versequeue.rules.tally import Tally

T = TypeVar("T", Job, Batch, IdempotencyRecord, Tally)
#: A document that this version cannot read is left alone for so long before it is due again.
UNREADABLE_FOR_S = 300


def stored_fields(document: Job | Batch | IdempotencyRecord | Tally) -> dict[str, Any]:
    """The index fields of `document`, and `body`, from which it is read again."""
    fields = {"expires_at": document.expires_at, "body": to_json(document)}
    if isinstance(document, Job | Batch):
        fields |= {"due_at": document.due_at, "notify_at": document.notify_at}
    if isinstance(document, Job):
        fields |= {
            "status": document.status.value,
            "batch_id": document.batch_id,
            "position": document.position,
            "client": document.client,
            "created_at": document.created_at,
        }
    return fields


def read_stored(kind: type[T], body: str) -> T:
    """The document in `body`. Raises Unreadable, for example if a newer version wrote it."""
    try:
        return from_json(kind, body)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"This {kind.__name__.lower()} cannot be read: {error}.") from error


def put_off(now: datetime) -> datetime:
    """When a document that cannot be read is due again; by then somebody may know it.

    Whoever asks what will be due one day does not put it off until then.
    """
    return min(now, utc_now()) + timedelta(seconds=UNREADABLE_FOR_S)
