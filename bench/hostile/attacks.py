"""The attacks, each a process: `python -m bench.hostile.attacks NAME URL COUNT [more]`.

An attack is so many attackers at once, from one address of loopback, until SIGTERM. It prints
BEGUN when each of them has done its first harm, and at its end ANSWERED and its answers, as JSON.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.hostile.connections import ask, head, opened
from bench.hostile.prompts import SLOW_PROMPTS
from bench.stored_jobs import queued_id

BEGUN, ANSWERED = "begun", "answered "
#: Bodies on their way at one time: what is written to the disk has a bound here, whatever the
#: server does with it.
BODIES_AT_ONCE, SUBMITS_AT_ONCE, PROMPTS_AT_ONCE = 8, 8, 2
DRIP_S, AGAIN_S, BEGIN_LIMIT_S = 5.0, 1.0, 20.0
#: Niceness.
GIVE_WAY = 10
PIECE = b"a" * 65_536


@dataclass
class Harm:
    """What the attackers of one process share."""

    host: str
    port: int
    #: the one address that all of it comes from
    source: str
    body_mib: int
    at_once: asyncio.Semaphore
    #: what was answered, and how often
    tally: Counter[str] = field(default_factory=Counter)
    begun: int = 0


Attacker = Callable[[Harm, int], Coroutine[None, None, None]]


async def slow_header(harm: Harm, _number: int) -> None:
    """A header that never ends, a letter every few seconds; a new one when it is cut off."""
    first = True
    while True:
        try:
            async with opened(harm.host, harm.port, harm.source) as (reader, writer):
                writer.write(head("GET", "/v1/status", harm).rstrip() + b"\r\nX-Slow: ")
                harm.begun, first = harm.begun + first, False
                answer = await _drip(reader, writer)
            harm.tally[answer or "cut off"] += 1
        except (OSError, TimeoutError):
            harm.tally["refused"] += 1
        await asyncio.sleep(DRIP_S)


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    while True:
        writer.write(b"a")
        await writer.drain()
        try:
            line = await asyncio.wait_for(reader.readline(), DRIP_S)
        except TimeoutError:
            continue
        return line.decode("latin-1")[9:12]


async def waiter(harm: Harm, number: int) -> None:
    """Asks to be kept waiting for a job that nobody writes, over and over."""
    path = f"/v1/jobs/{queued_id(number)}"
    harm.begun += 1
    while True:
        harm.tally[await ask(harm, "GET", path, {"Prefer": "wait=30"})] += 1
        await asyncio.sleep(2 * AGAIN_S)


async def big_body(harm: Harm, number: int) -> None:
    """One body of hundreds of MiB, made while it is sent; every other one without its length."""
    path = ("/v1/jobs", "/v1/batches", "/v1/warmup")[number % 3]
    total = harm.body_mib * 2**20
    chunked = number % 2 == 1
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {total}"
    piece = b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if chunked else PIECE
    harm.begun += 1
    async with harm.at_once:
        try:
            async with opened(harm.host, harm.port, harm.source) as (reader, writer):
                writer.write(head("POST", path, harm, "Content-Type: text/plain", length))
                answer = asyncio.create_task(reader.readline())
                for _ in range(total // len(PIECE)):
                    writer.write(piece)
                    await writer.drain()
                    if answer.done():
                        break
                writer.write(b"0\r\n\r\n" if chunked else b"")
                line = await asyncio.wait_for(answer, 60)
            harm.tally[line.decode("latin-1")[9:12] or "cut off"] += 1
        except (OSError, TimeoutError):
            harm.tally["cut off"] += 1


async def dead_receiver(harm: Harm, number: int) -> None:
    """Listens and never answers, and has an event sent there: a job that is canceled at once."""
    place = f"127.9.{number // 250}.{number % 250 + 1}"
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), place, 0)
    port = server.sockets[0].getsockname()[1]
    job = {"prompt": "rain", "webhook": {"url": f"http://{place}:{port}/"}}
    async with server:
        async with harm.at_once:
            await submit_and(harm, job, "cancel")
        harm.begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            harm.tally["held open"] += len(held)


async def slow_prompt(harm: Harm, number: int) -> None:
    """A prompt that is hard to read, as a prompt and as the beginning of the first line."""
    prompt = SLOW_PROMPTS[number % len(SLOW_PROMPTS)]
    options = {"lines": 4, "continue_prompt": number % 4 < 3}
    harm.begun += 1
    async with harm.at_once:
        await submit_and(harm, {"prompt": prompt, "options": options}, "")
        await asyncio.sleep(AGAIN_S)


async def submit_and(harm: Harm, job: Mapping[str, object], then: str) -> None:
    """Submit a job, and if `then` is named, POST to that of it."""
    answers: list[bytes] = []
    kind = {"Content-Type": "application/json"}
    status = await ask(harm, "POST", "/v1/jobs", kind, json.dumps(job).encode(), answers)
    harm.tally[status] += 1
    if then and status == "202":
        harm.tally[await ask(harm, "POST", f"/v1/jobs/{json.loads(answers[0])['id']}/{then}")] += 1


#: name -> one attacker, and how many of them act at the same time (None: all)
ATTACKS: dict[str, tuple[Attacker, int | None]] = {
    "slow-headers": (slow_header, None),
    "waiters": (waiter, None),
    "big-bodies": (big_body, BODIES_AT_ONCE),
    "dead-receivers": (dead_receiver, SUBMITS_AT_ONCE),
    "slow-prompts": (slow_prompt, PROMPTS_AT_ONCE),
}


def main() -> int:
    """Attack until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    parser.add_argument("--source", default="127.0.2.1")
    parser.add_argument("--body-mib", type=int, default=300)
    asked = parser.parse_args()
    _give_way()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_attack(asked))
    return 0


def _give_way() -> None:
    """Leave the processor to the server: an attacker has a machine of his own."""
    os.nice(GIVE_WAY)
    with suppress(OSError):  # each session has a share of its own, where the system groups by it
        Path("/proc/self/autogroup").write_text(str(GIVE_WAY))


async def _attack(asked: argparse.Namespace) -> None:
    attacker, at_once = ATTACKS[asked.name]
    where = urlsplit(asked.url)
    gate = asyncio.Semaphore(at_once or asked.count)
    harm = Harm(where.hostname or "", where.port or 0, asked.source, asked.body_mib, gate)
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    tasks = [asyncio.create_task(attacker(harm, number)) for number in range(asked.count)]
    begun = asyncio.create_task(_say_begun(harm, asked.count))
    await over.wait()
    for task in (begun, *tasks):
        task.cancel()
    ended = await asyncio.gather(begun, *tasks, return_exceptions=True)
    faults = Counter(repr(one) for one in ended if isinstance(one, Exception))
    print(ANSWERED + json.dumps({**harm.tally, **faults}), flush=True)


async def _say_begun(harm: Harm, enough: int) -> None:
    deadline = asyncio.get_running_loop().time() + BEGIN_LIMIT_S
    while harm.begun < enough and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
    print(BEGUN, flush=True)


if __name__ == "__main__":
    sys.exit(main())
