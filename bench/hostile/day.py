"""The day itself: each attack alone and all together, each beside visitors on a new server."""

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.harness import Goal, Measurement, Report, alternate
from bench.hostile.attacks import ANSWERED, ATTACKS, BEGUN
from bench.hostile.visitors import TOLD_LIMIT_S, Song, receiver, write_songs
from bench.hostile.watch import Watch, folder_mib
from bench.models import bundle_folder
from bench.processes import module
from bench.server import QUIET, up
from bench.stored_jobs import queued_job, store_jobs
from versequeue.child_process import ChildProcess

METHOD = (
    "`versequeue up` with its standard settings and the default model, started anew for each row; "
    "ten visitors, each from an address of his own, write songs one after the other while one "
    "attacker does harm from another address, in processes of his own: 1,000 headers that never "
    "end; 300 requests with `Prefer: wait=30` for jobs that nobody writes; 100 bodies of 300 MiB, "
    "every other one without its length, 8 at a time; 500 jobs that are canceled at once and whose "
    "webhooks go to 500 receivers that take the connection and never answer; 12 prompts that are "
    "slow to read. The attacker's processes give way to the server's. "
    "A wait is from a visitor's first try to submit until he sees the end; a song "
    "that has not ended after a minute counts as a minute. Memory is that of all processes of the "
    "server together; disk is its folder and the files without a name that it holds open."
)
UNDISTURBED, TOGETHER = "undisturbed", "all together"
MOST_TIMES = 2.0
#: Answers to an attacker that he should never get; 503 tells him to go away.
OURS = ("500", "501", "502", "504")


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    counts: Mapping[str, int]
    body_mib: int
    songs: int
    lines: int
    limit_s: float
    visitors: int = 10


FULL = Size(
    {
        "slow-headers": 1000,
        "waiters": 300,
        "big-bodies": 100,
        "dead-receivers": 500,
        "slow-prompts": 12,
    },
    body_mib=300,
    songs=3,
    lines=4,
    limit_s=60,
)


def run(quick: bool) -> Report:
    """Every attack in turn with an undisturbed run, on servers of their own."""
    model = bundle_folder("tiny" if quick else "default").resolve()
    contenders = {UNDISTURBED: (), **{name: (name,) for name in ATTACKS}, TOGETHER: tuple(ATTACKS)}
    runs = {name: partial(day, FULL, attacks, model) for name, attacks in contenders.items()}
    found = alternate(runs, 1 if quick else 2)
    return Report("hostile", "A hostile visitor's day", METHOD, _measurements(found))


def day(size: Size, attacks: Sequence[str], model: Path) -> dict[str, float]:
    """What the visitors met and what the server took, under these attacks at once."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place, spool = Path(folder) / "data", Path(folder) / "spool"
        spool.mkdir()
        _store_unwritten(place, size.counts["waiters"])
        told = stack.enter_context(receiver())
        server = stack.enter_context(up(place, model, 600, env=QUIET | {"TMPDIR": str(spool)}))
        visit = partial(write_songs, server.url, told, lines=size.lines, limit_s=size.limit_s)
        visit(visitors=1, songs=1)  # loads the model
        told.arrived.clear()
        before_mib = folder_mib(place)
        with Watch(server.process.pid, place, spool) as watch:
            attackers = _begin(size, attacks, server.url, stack)
            songs = visit(visitors=size.visitors, songs=size.songs)
            broken = _end(attacks, attackers)
        alive = server.process.running
        return {
            **waits(songs, size.limit_s),
            "ended": float(not alive),
            "broken": float(broken),
            "memory": watch.memory_mib,
            "disk": watch.disk_mib,
            "messages": float(watch.messages),
            "folder before": before_mib,
            "folder after": folder_mib(place),
        }


def waits(songs: Sequence[Song], limit_s: float) -> dict[str, float]:
    """The waits of visitors; what did not come counts as the limit."""
    written = [(song.done_at or song.submitted_at + limit_s) - song.submitted_at for song in songs]
    told = [
        (song.told_at or song.submitted_at + limit_s + TOLD_LIMIT_S) - song.submitted_at
        for song in songs
    ]
    broken = sum(count for song in songs for status, count in song.answers.items() if status >= 500)
    return {
        "p50": statistics.median(written),
        "p95": _p95(written),
        "told p95": _p95(told),
        "unfinished": float(sum(song.status != "succeeded" for song in songs)),
        "untold": float(sum(song.told_at is None for song in songs)),
        "5xx": float(broken),
        "no answer": float(sum(song.answers[0] for song in songs)),
    }


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[18]


def _store_unwritten(data_dir: Path, count: int) -> None:
    """Jobs that nobody writes, for those who wait."""
    first = datetime.now(UTC) - timedelta(seconds=count)
    jobs = [queued_job(n, first + timedelta(seconds=n)) for n in range(count)]
    store_jobs(data_dir, jobs)


def _begin(size: Size, attacks: Sequence[str], url: str, stack: ExitStack) -> list[ChildProcess]:
    """Start the attacks; return when each has begun."""
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    started = []
    for number, name in enumerate(attacks):
        more = ("--source", f"127.0.2.{number + 1}", "--body-mib", str(size.body_mib))
        command = module("bench.hostile.attacks", name, url, str(size.counts[name]), *more)
        started.append(stack.enter_context(ChildProcess(command, log=logs / name)))
    for name, process in zip(attacks, started, strict=True):
        process.wait_until_ready(lambda p=process: BEGUN in p.printed(), 60, f"The attack {name}")  # type: ignore[misc]
    return started


def _end(attacks: Sequence[str], attackers: Sequence[ChildProcess]) -> int:
    """End the attacks, and say what each was answered; how often that was an error of ours."""
    broken = 0
    for name, process in zip(attacks, attackers, strict=True):
        process.stop()
        tally = json.loads(process.printed().partition(ANSWERED)[2].partition("\n")[0] or "{}")
        broken += sum(count for answer, count in tally.items() if answer in OURS)
        print(f"{name}: {tally}", file=sys.stderr)
    return broken


def _measurements(found: Mapping[str, Mapping[str, list[float]]]) -> list[Measurement]:
    names = list(found["p95"])
    twice = [Goal(name, UNDISTURBED, at_most=MOST_TIMES) for name in names if name != UNDISTURBED]
    none = [Goal(name, None, at_most=0) for name in names]

    def table(
        key: str, title: str, unit: str, goals: Sequence[Goal] = (), digits: int = 1
    ) -> Measurement:
        base = UNDISTURBED if unit in ("s", "MiB") else None
        return Measurement(title, unit, found[key], base, goals, digits)

    return [
        table("p95", "A visitor's wait, p95", "s", twice),
        table("p50", "A visitor's wait, p50", "s"),
        table("told p95", "Until his webhook has come, p95", "s"),
        table("5xx", "Answers of 5xx to visitors", "answers", none, 0),
        table("broken", "Answers of 500 to the attacker", "answers", none, 0),
        table("no answer", "Requests of visitors without an answer", "requests", (), 0),
        table("unfinished", "Songs that did not succeed within the limit", "songs", none, 0),
        table("ended", "The server ended", "times", none, 0),
        table("memory", "Peak memory of the server", "MiB", digits=0),
        table("disk", "Peak on the disk", "MiB", digits=1),
        table("folder before", "The data folder before", "MiB", digits=1),
        table("folder after", "The data folder after", "MiB", digits=1),
        table("messages", "Most messages on the queue", "messages", digits=0),
    ]
