"""The signature of the Standard Webhooks specification: secrets in, `v1,…` texts out. Pure."""

import base64
import binascii
import hashlib
import hmac

from versequeue.errors import StartupError

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins, not one


def read_secret(text: str) -> bytes:
    """The key in a `whsec_…` text. Raises StartupError if it is none of 24 to 64 bytes."""
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise StartupError(
            "A secret in VERSEQUEUE_WEBHOOK_SECRET is whsec_ and the base64 of 24 to 64 bytes."
        )
    return key


def receiver_key(key: bytes, receiver: str) -> bytes:
    """The key of one receiver, which tells it nothing of the owner's or of another receiver's."""
    return hmac.new(key, f"versequeue receiver\n{receiver}".encode(), hashlib.sha256).digest()


def write_secret(key: bytes) -> str:
    """The `whsec_…` text of a key."""
    return f"{SECRET_PREFIX}{base64.b64encode(key).decode()}"


def sign(key: bytes, webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """One `v1,…` signature after the Standard Webhooks specification."""
    signed = f"{webhook_id}.{timestamp_s}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
