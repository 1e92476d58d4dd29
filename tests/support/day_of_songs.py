"""A recorded day of songs, told again: what `service.estimates` would have said of each wait.

`day_of_songs.jsonl` has a line for each song, as `python -m bench waits` writes them to
build/bench/waits.jsonl. The seconds in it are those of a processor that one thread has for itself,
of 30 real songs of the default model; songs that shared a pass are laid out on two lanes.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.samples import queued_job
from versequeue.ports.store import State
from versequeue.records import from_record, parse_time
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.job import Event, Job, Metrics, Stage, Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.outlook import Wait, wait_of
from versequeue.rules.waits import work_of
from versequeue.service import estimates
from versequeue.service.estimates import FirstLines

DAY = Path(__file__).with_name("day_of_songs.jsonl")
#: A worker counts as warm all day.
WARM_S = 86_400


class Song(NamedTuple):
    """One song of the day: the job as it was claimed, and when that was."""

    job: Job
    claimed: datetime
    ended: datetime
    metrics: Metrics
    first: FirstLines | None


class Told(NamedTuple):
    """A wait as it is told, and the seconds that it was."""

    wait: Wait
    real_s: float


def recorded(path: Path = DAY) -> list[Song]:
    """The songs in the order in which they were claimed."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(map(_song, rows), key=lambda song: song.claimed)


def told_at_submission(songs: list[Song], lanes: int = 2) -> Iterator[Told]:
    """What each single song is told when it is submitted, if anything is known by then."""
    for song in songs:
        if song.job.batch_id is None:
            at = song.job.created_at
            ahead = [each.job for each in songs if _is_before(each, song)]
            in_hand = [_as_of(each, at) for each in songs if each.claimed <= at]
            queued = replace(song.job, status=Status.QUEUED, together=1)
            outlook = estimates.read(_document(songs, at, lanes), at, WARM_S)
            shown = [job for job in in_hand if job.id in outlook.pass_spans]
            known = ahead[:JOBS_PER_MESSAGE]
            if wait := wait_of(queued, outlook, at, known, len(ahead), shown):
                yield Told(wait, (song.ended - at).total_seconds())


def told_when_begun(songs: list[Song], lanes: int = 2) -> Iterator[Told]:
    """What each song is told a moment after it was claimed, if anything is known by then."""
    for song in songs:
        at = song.claimed + timedelta(seconds=0.05)
        outlook = estimates.read(_document(songs, at, lanes), at, WARM_S)
        if wait := wait_of(_as_of(song, at), outlook, at):
            yield Told(wait, (song.ended - at).total_seconds())


def _document(songs: list[Song], at: datetime, lanes: int) -> State:
    """What the workers have stored by then."""
    state: State = {"lanes": lanes}
    happened: list[Any] = [(song.ended, 0, song) for song in songs]
    rest = songs
    while rest:
        together, rest = rest[: rest[0].job.together], rest[rest[0].job.together :]
        jobs = [replace(song.job, stage=Stage.WRITING) for song in together]
        happened.append((together[-1].claimed, 1, jobs))
    for _, is_claim, what in sorted(
        (each for each in happened if each[0] <= at), key=lambda e: e[:2]
    ):
        if is_claim:
            state = estimates.begun(state, what)
        else:
            done = replace(what.job, status=Status.SUCCEEDED, metrics=what.metrics)
            state = estimates.measured(state, done, what.first, what.ended)
    return state


def _is_before(other: Song, song: Song) -> bool:
    at = song.job.created_at
    return other.job.batch_id is None and other.job.created_at < at < other.claimed


def _as_of(song: Song, at: datetime) -> Job:
    """A claimed song's job at a moment; its lines are shown as evenly as they may be."""
    if song.ended <= at:
        return replace(song.job, status=Status.SUCCEEDED)
    part = (at - song.claimed) / (song.ended - song.claimed)
    written = work_of(song.job.options).written
    shown = max(0, int(part * written) - 1) if song.job.together == 1 else 0
    return replace(song.job, status=Status.RUNNING, stage=Stage.WRITING, preview=("la",) * shown)


def _song(row: dict[str, Any]) -> Song:
    claimed_text, stage = next(at for event, *at in reversed(row["events"]) if event == "claimed")
    claimed = parse_time(claimed_text)
    job = queued_job(
        row["id"],
        options=from_record(ResolvedOptions, row["options"]),
        batch_id=row["batch_id"],
        together=row["together"],
        created_at=parse_time(row["created_at"]),
        events=(Event(claimed, "claimed", 1, stage),),
        attempt=1,
    )
    first = FirstLines(*row["first"]) if row["first"] else None
    metrics = from_record(Metrics, row["metrics"])
    return Song(job, claimed, parse_time(row["finished_at"]), metrics, first)
