"""The Idempotency-Key: one key of one client stands for one request for a day, ended or not."""

import hashlib
import hmac
from datetime import datetime, timedelta

from versequeue.errors import IdempotencyKeyReused
from versequeue.ports.store import IdempotencyRecord, Store

KEPT = timedelta(hours=24)


def client_hash(secret: str, identity: str) -> str:
    """What is stored of a client's address or API key: a keyed hash, 32 hex digits."""
    return hmac.new(secret.encode(), identity.encode(), hashlib.sha256).hexdigest()[:32]


def record_for(
    client: str, key: str, body: bytes, resource_id: str, now: datetime
) -> IdempotencyRecord:
    """The record that the first request with `key` leaves behind."""
    return IdempotencyRecord(
        key=hashlib.sha256(f"{client}/{key}".encode()).hexdigest(),
        body_digest=hashlib.sha256(body).hexdigest(),
        resource_id=resource_id,
        created_at=now,
        expires_at=now + KEPT,
    )


def first_answer(store: Store, wanted: IdempotencyRecord) -> str | None:
    """Id of what an earlier request with this key made; None if there was none.

    Raises IdempotencyKeyReused if that request had another body.
    """
    found = store.get_record(wanted.key)
    if found is None or found.expires_at <= wanted.created_at:
        return None
    return same_request(found, wanted)


def same_request(found: IdempotencyRecord, wanted: IdempotencyRecord) -> str:
    """The id behind `found`. Raises IdempotencyKeyReused if the bodies differ."""
    if found.body_digest != wanted.body_digest:
        raise IdempotencyKeyReused()
    return found.resource_id
