"""The waits that a server tells of mixed songs, against those that they turn out to be."""

import json
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import Goal, Measurement, Report
from bench.models import bundle_folder
from bench.report import BUILD
from bench.server import QUIET, Connection, up
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.records import to_record
from versequeue.rules.job import Job
from versequeue.waiting import wait_until

SONGS, BATCHES, ROWS = 34, 2, 8
LOOK_S, LIMIT_S = 0.1, 1800.0
#: Told waits count as right within so much of the real one, or within so many seconds.
NEAR, NEAR_S = 0.3, 0.3
EFFORTS = ("quick", "quick", "quick", "normal", "best")
LINES = (4, 8, 12, 16, 24, 32)
PROMPTS = ("a paper boat", "the last train", "my first guitar", "rain on a tin roof")
#: Written first, so that there is something to tell from.
LESSONS = tuple((effort, lines) for effort in ("quick", "normal", "best") for lines in (4, 16))
METHOD = (
    "A real `versequeue up` writes six songs and has then to tell how long others take: "
    f"{SONGS} single ones of 4 to 32 lines, every effort, verses and songs with a chorus, about a "
    f"third of which come while others are written, and {BATCHES} files of {ROWS} prompts. "
    "A wait is told when a song is submitted and again when its writing begins; the rows of a file "
    "are told of when their writing begins, the file as a whole when it is submitted. It is near "
    f"the real one within {NEAR:.0%} of it, or within {NEAR_S:g} s."
)
#: Where a run leaves a line for each song: what it was, what it took, what was told of it.
DAY = BUILD / "waits.jsonl"
SUBMITTED, BEGUN, WHOLE = "at submission", "at the start of writing", "a file, at submission"


@dataclass(frozen=True)
class Told:
    """One wait in seconds: as it was told, with the most of it, and as it was."""

    when: str
    told_s: float
    at_most_s: float
    real_s: float

    @property
    def is_near(self) -> bool:
        """Whether it was told as it was."""
        return abs(self.told_s - self.real_s) <= max(NEAR * self.real_s, NEAR_S)

    @property
    def is_within(self) -> bool:
        """Whether it took no longer than the most that was told."""
        return self.real_s <= self.at_most_s + NEAR_S


@dataclass
class Notes:
    """What was seen of one song or file while it was followed, by the monotonic clock."""

    #: (when, moment, what was told then)
    answers: list[tuple[str, float, dict[str, Any]]]
    #: the moment at which lines were first seen, and how many
    first: tuple[float, int] | None = None
    ended: float = 0.0

    def told(self) -> list[Told]:
        """The waits that were told, once it has ended."""
        return [
            Told(
                when,
                answer["eta_seconds"],
                answer.get("eta_at_most_seconds") or answer["eta_seconds"],
                self.ended - at,
            )
            for when, at, answer in self.answers
            if answer["eta_seconds"]
        ]


class Watch:
    """Follows songs until they end, and notes what was told of each of them."""

    def __init__(self, server: Connection) -> None:
        self._server = server
        self._open: dict[str, Notes] = {}
        #: those that have ended, by their paths
        self.ended: dict[str, Notes] = {}

    def add(self, path: str, answer: dict[str, Any] | None, when: str = SUBMITTED) -> None:
        """Follow what is at `path`; `answer` is that of its submission."""
        self._open[path] = Notes([(when, time.monotonic(), answer)] if answer else [])

    def look(self) -> bool:
        """Ask for all that is unfinished; whether all of it has ended."""
        for path, notes in [*self._open.items()]:
            now, found = time.monotonic(), self._server.get(path).json()
            lines = found.get("progress", {}).get("completed", 0)
            if lines and not notes.first:
                notes.first = now, lines
            if found["done"]:
                notes.ended = now
                self.ended[path] = self._open.pop(path)
            elif found.get("stage") == "writing" and all(
                each[0] != BEGUN for each in notes.answers
            ):
                notes.answers.append((BEGUN, now, found))
        return not self._open


def run(quick: bool) -> Report:
    """The mixed songs once; a quick run has a third of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with up(folder, bundle_folder(), idle_timeout_s=3600, env=_no_limits()) as server:
            lessons, watch = measure(server.connect(), SONGS // 3 if quick else SONGS)
        keep(folder, {**lessons.ended, **watch.ended})
    told = [each for notes in watch.ended.values() for each in notes.told()]
    whens = (SUBMITTED, BEGUN, WHOLE)
    return Report(
        "waits",
        "Waits, told and real",
        METHOD,
        [
            _table("Near the real one", "%", told, whens, lambda each: 100.0 * each.is_near, 90),
            _table(
                "Not longer than the most that was told",
                "%",
                [each for each in told if each.when != WHOLE],
                whens[:2],
                lambda each: 100.0 * each.is_within,
                90,
            ),
            Measurement("Told over real", "times", _by(told, whens, _ratio), digits=2),
            Measurement("Most told over told", "times", _by(told, whens[:2], _width), digits=2),
        ],
        remarks=(f"{len(told)} waits were told.",),
    )


def measure(server: Connection, songs: int, seed: int = 1) -> tuple[Watch, Watch]:
    """What was told of the lessons, and then of so many single songs and the files among them."""
    rng, lessons, watch = random.Random(seed), Watch(server), Watch(server)
    for effort, lines in LESSONS:
        lessons.add(*_submit(server, rng, effort=effort, lines=lines))
        wait_until(lessons.look, LIMIT_S, LOOK_S)
    files = {songs * (n + 1) // (BATCHES + 1) for n in range(BATCHES)}
    for number in range(songs):
        watch.add(*_submit(server, rng))
        if number in files:
            _submit_file(server, rng, watch)
        if rng.random() < 0.65:
            wait_until(watch.look, LIMIT_S, LOOK_S)
        else:
            _look_for(watch, rng.uniform(0.2, 3.0))
    wait_until(watch.look, LIMIT_S, LOOK_S)
    return lessons, watch


def _look_for(watch: Watch, seconds: float) -> None:
    until = time.monotonic() + seconds
    wait_until(lambda: watch.look() or time.monotonic() > until, LIMIT_S, LOOK_S)


def _submit(server: Connection, rng: random.Random, **options: object) -> tuple[str, Any]:
    asked = {"prompt": rng.choice(PROMPTS), "options": {**_options(rng), **options}}
    job = server.post("/v1/jobs", asked).json()
    return f"/v1/jobs/{job['id']}", job


def _submit_file(server: Connection, rng: random.Random, watch: Watch) -> None:
    prompts = "\n".join(f"{rng.choice(PROMPTS)} {n}" for n in range(ROWS))
    lines = rng.choice(LINES[:4])
    batch = server.post(f"/v1/batches?lines={lines}", prompts.encode()).json()
    path = f"/v1/batches/{batch['id']}"
    watch.add(path, batch, WHOLE)
    rows = server.get(f"{path}/results?format=jsonl").body.decode().splitlines()
    for row in rows:
        watch.add(f"/v1/jobs/{json.loads(row)['id']}", None)


def _options(rng: random.Random) -> dict[str, Any]:
    return {
        "lines": rng.choice(LINES),
        "effort": rng.choice(EFFORTS),
        "structure": rng.choice(("verse", "verse", "song")),
        "rhyme_scheme": rng.choice(("AABB", "AABB", "ABAB", "none")),
        "seed": rng.randrange(2**32),
    }


def keep(folder: Path, ended: Mapping[str, Notes]) -> None:
    """Write a line for each song that was written in the data folder `folder`."""
    store = SqliteStore(folder / "store.sqlite3")
    lines = []
    for path, notes in ended.items():
        if job := store.get_job(path.rpartition("/")[2]):
            lines.append(json.dumps(_line(job, notes)))
    store.close()
    DAY.parent.mkdir(parents=True, exist_ok=True)
    DAY.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _line(job: Job, notes: Notes) -> dict[str, Any]:
    fields = ("id", "batch_id", "options", "together", "created_at", "finished_at", "metrics")
    record = to_record(job)
    first_s = notes.first and (notes.first[1], round(notes.ended - notes.first[0], 2))
    events = [(each["event"], each["at"], each["detail"]) for each in record["events"]]
    told = [vars(each) for each in notes.told()]
    return {
        **{name: record[name] for name in fields},
        "events": events,
        "first": first_s,
        "told": told,
    }


def _no_limits() -> dict[str, str]:
    return {**QUIET, "VERSEQUEUE_RATE_PER_MINUTE": "0", "VERSEQUEUE_DAILY_BUDGET": "0"}


def _ratio(told: Told) -> float:
    return told.told_s / max(told.real_s, 0.1)


def _width(told: Told) -> float:
    return told.at_most_s / max(told.told_s, 0.1)


def _by(
    told: Sequence[Told], whens: Sequence[str], value: Callable[[Told], float]
) -> dict[str, list[float]]:
    return {when: [value(each) for each in told if each.when == when] for when in whens}


def _table(
    name: str,
    unit: str,
    told: Sequence[Told],
    whens: Sequence[str],
    value: Callable[[Told], float],
    goal: float,
) -> Measurement:
    found = _by(told, whens, value)
    shares = {when: [sum(values) / len(values)] for when, values in found.items() if values}
    goals = [Goal(when, None, at_least=goal) for when in whens if when != WHOLE]
    return Measurement(name, unit, shares, goals=goals)
