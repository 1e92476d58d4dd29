"""Later jobs: held until they fill a pass or their time comes, so that they share what it costs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.job import Job
from versequeue.rules.terms import next_look_at
from versequeue.rules.transitions import REPUBLISH_FIRST_S, note
from versequeue.rules.waits import Work, by_model, in_passes, work_of

#: Why a job is held no longer, as its timeline says.
PASS_IS_FULL, TIME_HAS_COME = "its pass is full", "its time has come"


def due_passes(held: Sequence[Job], now: datetime) -> list[list[Job]]:
    """Those of the held jobs that are to be written now, by the pass in which they are.

    That is every pass that is full, and one with a job in it whose time has come: the others in it
    go along.
    """
    passes = in_passes(by_model(held, _work_of), _work_of)
    return [
        songs
        for songs, behind in zip(passes, [*passes[1:], None], strict=False)
        if _is_full(songs, behind) or any(has_come(job, now) for job in songs)
    ]


def has_come(job: Job, now: datetime) -> bool:
    """Whether a held job has to be written now, with others or without."""
    return job.begins_by <= now


def release(job: Job, now: datetime, why: str) -> Job:
    """The job held no longer: whoever releases it publishes its message. Unchanged if it is not."""
    if not job.held or job.done:
        return job
    publish_at = now + timedelta(seconds=REPUBLISH_FIRST_S)
    return note(replace(job, held=False, publish_at=publish_at), now, "released", why)


def look_at(job: Job, now: datetime) -> Job:
    """A held job after a look at it alone: released if its time has come, else looked at later."""
    if has_come(job, now):
        return release(job, now, TIME_HAS_COME)
    return replace(job, publish_at=next_look_at(job.begins_by, now))


def _is_full(songs: Sequence[Job], behind: Sequence[Job] | None) -> bool:
    # What stands behind it of the same model would have joined it.
    joins_not = behind is not None and _work_of(behind[0]).model == _work_of(songs[0]).model
    return joins_not or len(songs) >= JOBS_PER_MESSAGE


def _work_of(job: Job) -> Work:
    return work_of(job.options, job.given)
