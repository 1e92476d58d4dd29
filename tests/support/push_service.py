"""A browser that has subscribed, and its push service: on loopback, with keys of its own.

It reads what it is sent by the text of RFC 8188, 8291 and 8292, with nothing of what wrote it.
"""

import base64
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.receivers import Behaviour, Call, Receiver, answer, receiver


def base64url(data: bytes) -> str:
    """`data` as base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """The bytes of a text without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True)
class Subscriber:
    """A browser's side of a subscription."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = b"sixteen bytes!!!"

    def subscription(self, endpoint: str) -> dict[str, Any]:
        """What a page hands to the server."""
        keys = {"p256dh": base64url(point(self.key.public_key())), "auth": base64url(self.auth)}
        return {"endpoint": endpoint, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """What the one record of an `aes128gcm` body says."""
        salt, (size,), length = body[:16], struct.unpack("!L", body[16:20]), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.key.exchange(ec.ECDH(), public)
        info = b"WebPush: info\0" + point(self.key.public_key()) + sender
        secret = derived(shared, self.auth, info, 32)
        key = derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = derived(secret, salt, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert plain[-1:] == b"\2", "the mark of the last record"
        return plain[:-1]


def derived(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """HKDF with SHA-256."""
    return HKDF(hashes.SHA256(), size, salt, info).derive(secret)


@dataclass(frozen=True)
class PushService:
    """Where one browser is written to."""

    hook: Receiver
    subscriber: Subscriber

    @property
    def subscription(self) -> dict[str, Any]:
        """What the page hands to the server."""
        return self.subscriber.subscription(self.hook.url)

    def messages(self) -> list[dict[str, Any]]:
        """All that was sent, as the browser's service worker reads it."""
        return [json.loads(self.subscriber.read(call.body)) for call in self.hook.calls]


@contextmanager
def push_service(*behaviours: Behaviour) -> Iterator[PushService]:
    """A push service that listens while the block runs; it takes what comes unless told else."""
    with receiver(*(behaviours or (answer(201),))) as hook:
        yield PushService(hook, Subscriber())


def claims_of(call: Call, audience: str, public_key: str, now: datetime) -> dict[str, Any]:
    """What the signature of a push claims, after RFC 8292. Fails unless it holds."""
    scheme, _, parameters = call.headers["Authorization"].partition(" ")
    given = dict(part.strip().split("=", 1) for part in parameters.split(","))
    assert scheme == "vapid"
    assert given["k"] == public_key
    signed, _, signature = given["t"].rpartition(".")
    raw = from_base64url(signature)
    numbers = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(given["k"]))
    key.verify(encode_dss_signature(*numbers), signed.encode(), ec.ECDSA(hashes.SHA256()))
    header, claims = (json.loads(from_base64url(part)) for part in signed.split("."))
    assert header == {"typ": "JWT", "alg": "ES256"}
    assert claims["aud"] == audience
    assert 0 < claims["exp"] - now.timestamp() <= 86_400
    found: dict[str, Any] = claims
    return found
