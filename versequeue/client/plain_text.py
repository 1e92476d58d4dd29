"""A server's text on its way to a terminal, which it must not be able to command."""

import codecs
import re
from collections.abc import Iterable, Iterator

#: Every control character but tabs and line ends: those that begin commands to a terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """`text` without what would move the cursor, change colours or name the window."""
    return _CONTROL.sub("", text)


def plain_pieces(pieces: Iterable[bytes]) -> Iterator[str]:
    """The same of UTF-8 that comes in pieces, wherever those are cut."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        yield plain(decoder.decode(piece))
    yield plain(decoder.decode(b"", final=True))
