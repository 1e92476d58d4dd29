"""When a job may be written: its deadline, and what is promised of later jobs and of progress."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from tests.simulation.runtime import World
from tests.simulation.weather import Weather
from versequeue.rules.batch import PARTS, Batch
from versequeue.rules.job import Job, Status
from versequeue.rules.terms import Terms

#: How long a sweep may take from its search to its last write.
SWEEP_S = 60.0


class Later:
    """What must hold of the moments at which jobs are written, and of the quarters of batches."""

    def __init__(
        self,
        world: World,
        weather: Weather,
        expect: Callable[[bool, str], None],
        jobs: Mapping[str, Job],
    ) -> None:
        self._world, self._weather, self._expect, self._jobs = world, weather, expect, jobs
        #: since when so many are held that they fill a pass
        self._full_since: float | None = None
        #: since when a batch has come further than was told
        self._further_since: dict[str, float] = {}

    def asked(self, job: Job, terms: Terms) -> None:
        """A caller was given this job for what it asked."""
        limit_s = self._weather.settings.deadline_s
        had_s = (job.deadline_at - job.created_at).total_seconds()
        asked_s = limit_s if terms.deadline_s is None else min(terms.deadline_s, limit_s)
        self._expect(had_s == asked_s, f"{job.id} has {had_s:.0f} s and was to have {asked_s:.0f}")
        self._expect(job.when == terms.when, f"{job.id} is for {job.when}, not for {terms.when}")
        if job.ready_by and self._jobs.get(job.id) == job:
            self._expect(job.is_held, f"{job.id} is a later job and is not held")

    def changed(self, before: Job, after: Job) -> None:
        """A held job is written when its time has come or it has company, and not before."""
        if not before.is_held or after.is_held or after.done:
            return
        queued = after.status is Status.QUEUED
        self._expect(queued, f"{after.id} is {after.status} and was held")
        if self._is_unclear():
            return
        long_ago = self._world.now - timedelta(seconds=self._long_s())
        held = [job for job in self._jobs.values() if job.is_held or job is after]
        old = [job for job in held if job.created_at < long_ago]
        few = len(old) < self._weather.constants["JOBS_PER_MESSAGE"]
        self._expect(few, f"{after.id} is one of {len(old)} that were long held, and are a pass")
        company = [job for job in self._jobs.values() if self._is_company(job)]
        full = len(company) >= self._weather.constants["JOBS_PER_MESSAGE"]
        come = any(job.begins_by <= self._world.now for job in company)
        self._expect(full or come, f"{after.id} was released alone before {after.begins_by}")

    def published(self, job_ids: Iterable[str]) -> None:
        """A message for visitors' jobs goes out."""
        for job_id in job_ids:
            job = self._jobs.get(job_id)
            visitors = job is None or job.when == "now"
            self._expect(visitors, f"{job_id} is a later job, and visitors wait behind it")

    def check_held(self, late: datetime, calm_at: datetime) -> None:
        """At a tick: nobody is held beyond his time, nor while a pass is full."""
        held = [job for job in self._jobs.values() if job.is_held]
        for job in held:
            missed = max(job.begins_by, calm_at) < late
            self._expect(not missed, f"{job.id} is held, and was to begin by {job.begins_by}")
        if len(held) < self._weather.constants["JOBS_PER_MESSAGE"]:
            self._full_since = None
            return
        now = self._world.now
        self._full_since = self._full_since or self._world.now_s
        since = now - timedelta(seconds=self._world.now_s - self._full_since)
        self._expect(max(since, calm_at) >= late, f"{len(held)} are held, and are a full pass")

    def check_progress(self, batch: Batch, rows: list[Job], late_s: float) -> None:
        """At a tick: a batch that is not over has told of the quarters that it has reached."""
        ended = batch.total - sum(not job.done for job in rows)
        reached = min(PARTS * ended // batch.total, PARTS - 1)
        if batch.finished_at or not batch.tells_progress or reached <= batch.quarter:
            self._further_since.pop(batch.id, None)
            return
        now_s = self._world.now_s
        since_s = self._further_since.setdefault(batch.id, now_s)
        soon = now_s - since_s <= late_s + self._weather.constants["CHECK_EVERY_S"]
        self._expect(soon, f"{batch.id} has not told that {ended} of {batch.total} have ended")

    def check_told(self, batch: Batch, rows: list[Job]) -> None:
        """At the end: a batch that took its time has told of a quarter."""
        ends = sorted(job.finished_at for job in rows if job.finished_at)
        first = -(-batch.total // PARTS)
        if batch.round or not batch.finished_at or not batch.tells_progress or self._is_unclear():
            return
        since_s = (batch.finished_at - ends[first - 1]).total_seconds() if ends[first:] else 0.0
        told = batch.quarter > 0 or since_s < self._long_s()
        self._expect(told, f"{batch.id} told of no quarter in {since_s:.0f} s")

    def _is_unclear(self) -> bool:
        unclear = ("leaps", "outages", "skewed_clocks", "clock_steps", "store_faults", "full_disk")
        return any(map(self._weather.has, unclear))

    def _long_s(self) -> float:
        """Longer than a sweep and a look at a batch may be late, with faults."""
        every_s: float = self._weather.constants["CHECK_EVERY_S"]
        return 4 * self._weather.tick_s + SWEEP_S + every_s

    def _is_company(self, job: Job) -> bool:
        """Whether a sweep that is at work now may have found it held."""
        since = self._world.now - timedelta(seconds=2 * self._weather.tick_s + SWEEP_S)
        left = [each.at for each in job.events if each.event in ("released", "canceled", "expired")]
        return job.when == "later" and (job.is_held or any(at >= since for at in left))
