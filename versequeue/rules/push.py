"""A browser's push subscription as state, after RFC 8030 and 8291. A webhook in all but its words.

It goes to the browser's push service, encrypted for that browser alone. Whoever has the three texts
of a subscription and the server's key can write to the person behind it, so the texts are shown to
nobody and never logged.
"""

import base64
import binascii
import re
from dataclasses import dataclass, replace

from versequeue.errors import PushTaken
from versequeue.rules.webhook import HTTP_GONE, Webhook

#: What a browser is told of: who cancels a song knows of it.
PUSH_EVENTS = ("job.succeeded", "job.failed", "job.expired", "batch.completed")
#: A point of the curve P-256 without compression, and the secret that goes with it.
PUBLIC_KEY_BYTES, AUTH_BYTES = 65, 16
#: What a push service answers for a subscription that has ended.
HTTP_NOT_FOUND = 404
# The prime of P-256's field, and the b of its equation (NIST SP 800-186, 3.2.1.3); its a is -3.
_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


@dataclass(frozen=True, repr=False)
class Push(Webhook):
    """A subscription of one browser to the end of one job or batch; `url` is its endpoint."""

    #: the browser's public key, and the secret that goes with it, as base64url
    p256dh: str = ""
    auth: str = ""

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"Push(deliveries={self.deliveries}, pending={self.pending}, stopped={self.stopped})"

    @property
    def gone_statuses(self) -> tuple[int, ...]:
        """Answers after which nothing is sent any more."""
        return (HTTP_NOT_FOUND, HTTP_GONE)


def subscribed(current: Push | None, push: Push) -> Push:
    """The subscription of what has `current`, if any: the very same, if `push` is that one.

    One that has ended is replaced. Raises PushTaken if another browser was first: whoever is given
    a link must not take the notification from who asked for it.
    """
    if current is None:
        return push
    if current.stopped:
        return replace(push, deliveries=current.deliveries)
    if current.url != push.url:
        raise PushTaken()
    return current


def check_public_key(text: str) -> str:
    """`text` if it is a browser's public key. ValueError says what is wrong with it."""
    point = key_bytes(text, PUBLIC_KEY_BYTES)
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    is_on_curve = (y * y - (x * x * x - 3 * x + _B)) % _PRIME == 0
    if point[0] != 4 or not is_on_curve or max(x, y) >= _PRIME:
        raise ValueError("this is no public key of the curve P-256")
    return text


def check_auth(text: str) -> str:
    """`text` if it is a subscription's secret. ValueError says what is wrong with it."""
    key_bytes(text, AUTH_BYTES)
    return text


def key_bytes(text: str, size: int) -> bytes:
    """The `size` bytes that `text` is the base64url of. ValueError says what is wrong with it."""
    data = b""
    if re.fullmatch(r"[A-Za-z0-9_-]*={0,2}", text):
        with_padding = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        try:
            data = base64.urlsafe_b64decode(with_padding)
        except binascii.Error:  # one character too many
            data = b""
    if len(data) != size:
        raise ValueError(f"this is to be the base64url of {size} bytes")
    return data
