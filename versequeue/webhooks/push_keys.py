"""The key that pushes are signed with, RFC 8292 (VAPID): a browser subscribes with its public half.

A push service takes messages for a subscription only from who holds the private half.
"""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from versequeue.errors import StartupError

KEY_BYTES = 32
#: How long a signature holds; a push service takes none of more than a day.
HOLDS = timedelta(hours=12)


@dataclass(frozen=True)
class PushKey:
    """A private key of the curve P-256."""

    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def read(cls, text: str) -> "PushKey":
        """The key in `text`, base64 in either alphabet. Raises StartupError if it is none."""
        try:
            data = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
            if len(data) != KEY_BYTES:
                raise ValueError  # noqa: TRY301 - what follows is the same for all faults
            return cls(ec.derive_private_key(int.from_bytes(data, "big"), ec.SECP256R1()))
        except (binascii.Error, ValueError) as error:
            raise StartupError(
                f"VERSEQUEUE_PUSH_KEY is the base64 of {KEY_BYTES} bytes, a key of P-256."
            ) from error

    @property
    def public_key(self) -> str:
        """The public half as base64url, which a page hands to `PushManager.subscribe`."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).decode().rstrip("=")

    def authorization(self, audience: str, contact: str, now: datetime) -> str:
        """The Authorization header for a push service at the origin `audience`."""
        from py_vapid import Vapid02  # needed by who sends, and not by who tells the public key

        expires_s = int((now + HOLDS).timestamp())
        claims = {"aud": audience, "sub": contact, "exp": expires_s}
        # Its own look at the contact refuses paths and ports.
        signed: str = Vapid02(self._key, {"no-strict": True}).sign(claims)["Authorization"]
        return signed
