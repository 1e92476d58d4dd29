"""One push to one browser: encrypted for it alone, signed for its push service, sent once."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import VapidException

from versequeue.rules.push import AUTH_BYTES, PUBLIC_KEY_BYTES, Push, key_bytes
from versequeue.webhooks.addresses import Endpoint
from versequeue.webhooks.push_keys import PushKey
from versequeue.webhooks.sender import Outcome, Sender, Undeliverable

#: How long a push service keeps a message for a browser that is away.
KEPT_S = 86_400
SALT_BYTES = 16


@dataclass
class PushSender(Sender):
    """Sends to browsers. `key` None: there is nothing to sign with, and nothing is sent."""

    key: PushKey | None
    #: whom a push service may turn to: a mailto: or https: address
    contact: str

    def send(self, push: Push, event_id: str, message: dict[str, Any], now: datetime) -> Outcome:
        """Try once. Never raises for what the push service or the network does."""
        if self.key is None:
            return Outcome(error="This server has no key for pushes.", is_final=True)
        body = encrypted(push, json.dumps(message, ensure_ascii=False).encode())
        return self.post(push.url, partial(self._headers, self.key, event_id, now), body, now)

    def _headers(
        self, key: PushKey, event_id: str, now: datetime, endpoint: Endpoint
    ) -> dict[str, str]:
        audience = f"{endpoint.scheme}://{endpoint.host_header}"
        try:
            authorization = key.authorization(audience, self.contact, now)
        except VapidException as error:  # of an address in IPv6
            raise Undeliverable("No push can be signed for this address.") from error
        return {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(KEPT_S),
            "Urgency": "normal",
            # What is sent again takes the place of what was not yet handed on.
            "Topic": event_id.removeprefix("msg_"),
            "Authorization": authorization,
        }


def encrypted(
    push: Push,
    plain: bytes,
    *,
    salt: bytes | None = None,
    sender_key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """`plain` as the browser of `push` alone can read it, RFC 8291."""
    body: bytes = http_ece.encrypt(
        plain,
        salt=salt or secrets.token_bytes(SALT_BYTES),
        private_key=sender_key or ec.generate_private_key(ec.SECP256R1()),
        dh=key_bytes(push.p256dh, PUBLIC_KEY_BYTES),
        auth_secret=key_bytes(push.auth, AUTH_BYTES),
        version="aes128gcm",
    )
    return body
