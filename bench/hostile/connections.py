"""Plain connections of an attacker: he says what he likes, and from which address.

Every wait has a limit, so that an attack can be ended.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol

CONNECT_LIMIT_S, ANSWER_LIMIT_S = 10.0, 60.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class From(Protocol):
    """Who asks whom, and from which address."""

    host: str
    port: int
    source: str


@asynccontextmanager
async def opened(host: str, port: int, source: str) -> AsyncIterator[Streams]:
    """A connection from `source`; it is reset at the end, whatever is still on its way."""
    opening = asyncio.open_connection(host, port, local_addr=(source, 0))
    reader, writer = await asyncio.wait_for(opening, CONNECT_LIMIT_S)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def head(method: str, path: str, who: From, *lines: str) -> bytes:
    """The head of a request, complete."""
    first = (f"{method} {path} HTTP/1.1", f"Host: {who.host}:{who.port}", "Connection: close")
    return "\r\n".join((*first, *lines, "", "")).encode()


async def ask(
    who: From,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    answers: list[bytes] | None = None,
) -> str:
    """The status of the answer as text, or what happened instead; its body goes to `answers`."""
    lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
    try:
        async with opened(who.host, who.port, who.source) as (reader, writer):
            writer.write(head(method, path, who, *lines, f"Content-Length: {len(body)}") + body)
            whole = await asyncio.wait_for(reader.read(-1), ANSWER_LIMIT_S)
    except TimeoutError:
        return "no answer"
    except OSError:
        return "refused"
    if answers is not None:
        answers.append(whole.partition(b"\r\n\r\n")[2])
    return whole[9:12].decode("latin-1") or "cut off"
