"""Following a job or a batch until it is `done`: by If-None-Match, held requests, Retry-After."""

import math
from collections.abc import Callable
from typing import TypeVar

import requests

from versequeue.client.errors import UnexpectedAnswer, WaitTimeout
from versequeue.client.reading import read_answer
from versequeue.client.transport import Call, Transport, json_answer, retry_after_s
from versequeue.client.types import Batch, Job

#: how long a server is asked to hold a request until there is something new
HOLD_S = 20
SHORTEST_POLL_S, LONGEST_POLL_S = 0.2, 10.0
#: an answer that took this long was held, and one may ask again at once
HELD_S = 1.0

Watched = TypeVar("Watched", Job, Batch)


def follow(
    transport: Transport,
    cls: type[Watched],
    path: str,
    on_update: Callable[[Watched], None] | None,
    timeout_s: float | None,
) -> Watched:
    """What is at `path` once it is done; `on_update` sees each change. Raises WaitTimeout."""
    started = transport.clock()
    seen, etag = _look(transport, cls, path)
    unchanged = 0
    if on_update:
        on_update(seen)
    while not seen.done:
        left_s = math.inf if timeout_s is None else started + timeout_s - transport.clock()
        if left_s <= 0:
            raise WaitTimeout(seen, timeout_s or 0.0)
        asked_at = transport.clock()
        response = transport.send(_conditional(path, etag, left_s))
        if response.status_code == 304:
            unchanged += 1
        else:
            latest = read_answer(cls, json_answer(response))
            etag = response.headers.get("ETag", "")
            unchanged = 0 if latest != seen else unchanged + 1
            seen = latest
            if on_update and not unchanged:
                on_update(seen)
        if not seen.done:
            held_s = transport.clock() - asked_at
            transport.sleep(min(left_s, _pause_s(response, unchanged, held_s)))
    return seen


def _look(transport: Transport, cls: type[Watched], path: str) -> tuple[Watched, str]:
    """The first look is not held: whoever waits wants to see at once where things are."""
    response = transport.send(Call("GET", path))
    if response.status_code == 304:
        raise UnexpectedAnswer("The server answered 304 to a request without a condition.")
    return read_answer(cls, json_answer(response)), response.headers.get("ETag", "")


def _conditional(path: str, etag: str, left_s: float) -> Call:
    hold_s = max(1, math.floor(min(HOLD_S, left_s)))
    headers = {"Prefer": f"wait={hold_s}"}
    if etag:
        headers["If-None-Match"] = etag
    return Call("GET", path, headers, hold_s=hold_s)


def _pause_s(response: requests.Response, unchanged: int, held_s: float) -> float:
    held = "wait" in response.headers.get("Preference-Applied", "")
    if held and (held_s >= HELD_S or not unchanged):
        return SHORTEST_POLL_S
    asked_s = retry_after_s(response)
    if asked_s is None:
        asked_s = min(LONGEST_POLL_S, 0.5 * 2 ** min(unchanged, 10))
    return max(SHORTEST_POLL_S, asked_s)
