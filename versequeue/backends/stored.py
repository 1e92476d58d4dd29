"""What a store keeps of a document: the fields that it is searched by, and all of it as JSON."""

from typing import Any

from versequeue.ports.store import IdempotencyRecord
from versequeue.records import to_json
from versequeue.rules.batch import Batch
from versequeue.rules.job import Job


def stored_fields(document: Job | Batch | IdempotencyRecord) -> dict[str, Any]:
    """The index fields of `document`, and `body`, from which it is read again."""
    fields = {"expires_at": document.expires_at, "body": to_json(document)}
    if isinstance(document, Job | Batch):
        fields["due_at"] = document.due_at
    if isinstance(document, Job):
        fields |= {
            "status": document.status.value,
            "batch_id": document.batch_id,
            "position": document.position,
            "client": document.client,
            "created_at": document.created_at,
        }
    return fields
