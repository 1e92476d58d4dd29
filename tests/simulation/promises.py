"""What must hold in every simulated world: after each commit, at each tick, and when all is quiet.

Knows what callers were told and what receivers saw, and every version of every stored document.
It reads the documents themselves, so that no code of the product stands between.
"""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tests.simulation.later import Later
from tests.simulation.runtime import MOMENT_S, START, Clock, World
from tests.simulation.songs import HANGER, HONEST, KILLER
from tests.simulation.told import Told
from tests.simulation.weather import Weather
from versequeue.local.loops import LONGEST_PAUSE_S
from versequeue.local.push import FIRST_REPORT_LIMIT_S
from versequeue.ports.queue import Topic
from versequeue.records import from_record
from versequeue.rules.batch import Batch
from versequeue.rules.job import TRANSITIONS, Job, Status
from versequeue.rules.transitions import FURTHEST_S, PUT_OFF_LONGEST_S

#: Beyond two ticks: how long a sweep itself takes here, with all its calls.
SLACK_S = 20.0
#: The longest that a song takes, with the model's start.
SONG_S = 50.0
UNREADABLE = "unreadable"
#: Errors after which another attempt may be luckier, so that there has to be one.
PASSING = ("worker-lost", "worker-stopped")


class Broken(AssertionError):
    """A promise does not hold in this world."""


@dataclass
class Promises:
    """The memory of one world, and the checks of it."""

    world: World
    weather: Weather
    jobs: dict[str, Job] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    #: jobs for which a caller was given an answer, and batches with the number of their rows
    accepted: set[str] = field(default_factory=set)
    accepted_batches: dict[str, int] = field(default_factory=dict)
    #: which idempotency key made what
    keyed: dict[str, str] = field(default_factory=dict)
    #: jobs whose caller was told that the cancel is on its way
    canceled: set[str] = field(default_factory=set)
    #: ends as callers saw them
    seen_ends: dict[str, Status] = field(default_factory=dict)
    #: when each client's jobs of the last minute were made
    recent: dict[str, list[float]] = field(default_factory=dict)
    places: set[tuple[str, int]] = field(default_factory=set)
    #: which song of which worker each attempt shows
    writers: dict[tuple[str, int], str] = field(default_factory=dict)
    created_by_day: Counter[str] = field(default_factory=Counter)
    deleted: set[str] = field(default_factory=set)
    ended_at_s: dict[str, float] = field(default_factory=dict)
    #: since when each unfinished job is due further ahead than any rule sets it
    far_ahead_since: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.told = Told(self.world, self.weather, self.expect)
        self.later = Later(self.world, self.weather, self.expect, self.jobs)

    def expect(self, holds: bool, what: str) -> None:
        """Raise Broken unless it holds."""
        if not holds:
            # Also where the code in between catches everything.
            self.world.failure = self.world.failure or Broken(what)
            raise self.world.failure

    @property
    def clocks_agree(self) -> bool:
        """Whether the true time says anything of what processes thought."""
        return not (self.weather.has("skewed_clocks") or self.weather.has("clock_steps"))

    # After each commit.

    def written(self, table: str, before: str | None, after: str | None) -> None:
        """One document was committed, as JSON text: made, changed or deleted."""
        if UNREADABLE in (after or before or ""):
            return
        if table == "jobs":
            job = from_record(Job, json.loads(after)) if after else None
            # What was there is known already, but for what a stranger has written.
            known = self.jobs.get(job.id) if job else None
            old = known or (from_record(Job, json.loads(before)) if before else None)
            self.job_written(old, job)
        elif table == "batches":
            previous = from_record(Batch, json.loads(before)) if before else None
            self.batch_written(previous, from_record(Batch, json.loads(after)) if after else None)

    def job_written(self, before: Job | None, after: Job | None) -> None:
        """One job, before and after one commit."""
        if after is None:
            assert before
            self.check_deletion(before)
            del self.jobs[before.id]
            return
        self.jobs[after.id] = after
        if before is None:
            self.check_creation(after)
            return
        self.world.note("wrote", f"{after.id} {after.status} attempt {after.attempt}")
        self.check_status(before, after)
        self.check_attempts(before, after)
        self.check_song(before, after)
        self.later.changed(before, after)
        self.told.changed(after.id, before.webhook, after.webhook)

    def check_creation(self, job: Job) -> None:
        """A job that is new."""
        self.expect(job.status is Status.QUEUED, f"{job.id} began as {job.status}")
        budget = self.weather.settings.daily_budget
        day = job.created_at.date().isoformat()
        self.created_by_day[day] += 1
        made = self.created_by_day[day]
        if budget:
            self.expect(made <= budget, f"{made} jobs were made on {day}, of {budget}")
        self.check_rate(job)
        if job.batch_id:
            place = (job.batch_id, job.position)
            self.expect(place not in self.places, f"{job.id} is a second job in one place")
            self.places.add(place)

    def check_rate(self, job: Job) -> None:
        """A client whose last minute is full gets no further song; a file only has to begin."""
        rate, now_s = self.weather.settings.rate_per_minute, self.world.now_s
        since_s = now_s - 60
        mine = [at_s for at_s in self.recent.get(job.client, ()) if at_s > since_s]
        if rate and not job.batch_id and self.clocks_agree:
            self.expect(len(mine) < rate, f"{job.client} made {len(mine) + 1} jobs in a minute")
        self.recent[job.client] = [*mine, now_s]

    def check_deletion(self, job: Job) -> None:
        """A job that is no longer there."""
        self.deleted.add(job.id)
        if self.clocks_agree:
            due = job.expires_at <= self.world.now
            self.expect(due, f"{job.id} was deleted before its retention was over")

    def check_status(self, before: Job, after: Job) -> None:
        """The end is written once and never changes; before it, the table of transitions."""
        name = after.id
        if before.done:
            same = replace(after, webhook=before.webhook) == before
            self.expect(same, f"{name} changed after it had {before.status}")
        if before.status is not after.status:
            passed = after.status in TRANSITIONS[before.status]
            reclaimed = after.attempt > before.attempt and after.status is Status.RUNNING
            self.expect(passed or reclaimed, f"{name}: {before.status} -> {after.status}")
        if after.done and not before.done:
            self.ended_at_s[name] = self.world.now_s
            asked = bool(before.cancel_requested_at)
            self.expect(
                not asked or after.status is Status.CANCELED,
                f"{name} was to be canceled, and has {after.status}",
            )
            if after.status is Status.EXPIRED and self.clocks_agree:
                late = self.world.now >= after.deadline_at
                self.expect(late, f"{name} expired before its deadline")

    def _slack_s(self) -> float:
        """How long ago the clock may have been read by which a document was changed."""
        if self.weather.backend == "sqlite":
            return 0.0
        # Firestore compares the document, not the clock, which was read a moment before; or long
        # before, by a process that stood still between the two.
        return MOMENT_S + self.world.process.stood_s() + 999 * self.weather.has("leaps")

    def check_attempts(self, before: Job, after: Job) -> None:
        """Attempts rise one by one, each under a lease of its own, and not too often."""
        name = after.id
        self.expect(after.attempt - before.attempt in (0, 1), f"{name} skipped an attempt")
        most = self.weather.settings.max_attempts
        self.expect(after.tries <= most, f"{name} was tried too often")
        if before.cancel_requested_at:
            self.expect(after.cancel_requested_at is not None, f"{name} forgot its cancel")
        if not self.clocks_agree:
            return
        leased, now = before.lease_expires_at, self.world.now
        latest = now - timedelta(seconds=self._slack_s())
        if after.attempt > before.attempt:
            free = leased is None or leased <= now
            self.expect(free, f"{name} was claimed under a live lease")
            self.expect(latest < after.deadline_at, f"{name} was claimed after its deadline")
        if after.lease_expires_at:
            longest = now + timedelta(seconds=self.weather.settings.lease_s)
            self.expect(after.lease_expires_at <= longest, f"{name} has too long a lease")
            ends = after.attempt_ends_at
            within = ends is None or after.lease_expires_at <= ends
            self.expect(within, f"{name} was renewed beyond its attempt's limit")
            in_time = after.lease_expires_at <= after.deadline_at
            self.expect(in_time, f"{name} has a lease beyond its deadline")
        if after.preview and after.preview != before.preview and after.lease_expires_at:
            settings = self.weather.settings
            stood_s = self.world.process.stood_s()
            fresh = now + timedelta(seconds=settings.lease_s / 2 - 1 - stood_s)
            least = min(fresh, after.attempt_ends_at or fresh)
            unclear = self.weather.has("leaps") or settings.lease_s < 5
            renewed_well = unclear or after.lease_expires_at >= least
            self.expect(renewed_well, f"{name} reported, and its lease was not renewed")
        renewed = before.status is Status.RUNNING and after.lease_expires_at
        if renewed and after.attempt == before.attempt and after.lease_expires_at != leased:
            live = leased is not None and latest < leased
            self.expect(live, f"{name} was renewed after its lease had lapsed")

    def check_song(self, before: Job, after: Job) -> None:
        """Preview and output are the live attempt's own, by the worker that holds the lease."""
        shown = after.preview if after.preview != before.preview else ()
        if after.output is not None and after.output != before.output:
            shown += tuple(line for part in after.output["sections"] for line in part["lines"])
        for line in shown:
            tag = line.partition(" ")[0]
            name = f"{after.id}, attempt {after.attempt}"
            self.expect(tag.startswith(f"{after.worker}/"), f"{name} shows the song of {tag}")
            first = self.writers.setdefault((after.id, after.attempt), tag)
            self.expect(first == tag, f"{name} shows two songs, {first} and {tag}")
        if after.attempt > before.attempt:
            self.expect(not after.preview, f"{after.id} shows lines of an earlier attempt")
        if after.status is Status.SUCCEEDED:
            self.expect(after.output is not None, f"{after.id} succeeded without a song")

    def batch_written(self, before: Batch | None, after: Batch | None) -> None:
        """One batch, before and after one commit."""
        if after is None:
            assert before
            del self.batches[before.id]
            return
        self.batches[after.id] = after
        if before is None:
            return
        self.world.note("wrote", f"{after.id} round {after.round} {after.finished_at}")
        if after.round == before.round:
            # The end of the next round is announced in the place of this one's.
            self.told.changed(after.id, before.webhook, after.webhook)
        if after.finished_at and not before.finished_at:
            left = [job.id for job in self.rows(after.id) if not job.done]
            self.expect(not left, f"{after.id} was completed while {left} had not ended")

    def rows(self, batch_id: str) -> list[Job]:
        """Every job of a batch."""
        return [job for job in self.jobs.values() if job.batch_id == batch_id]

    def published(self, topic: Topic, message: Any) -> None:
        """A message is published; of hints at events, those once the faults are over."""
        if topic is Topic.JOBS:
            self.later.published(message.get("job_ids", ()))
        elif topic is Topic.NOTIFY:
            self._hinted_at(message["target"])

    def _hinted_at(self, target: str) -> None:
        found = self.jobs.get(target) or self.batches.get(target)
        if found and found.webhook and found.webhook.pending and self.clocks_agree:
            self.told.hinted(target, found.webhook.pending)

    # At each tick, once the faults are over.

    def check_punctual(self, calm_at_s: float) -> None:
        """Nothing that is due waits for longer than two ticks; every job ends by its deadline."""
        # A loop that met a fault just before makes a pause first.
        calm_at = START + timedelta(seconds=calm_at_s + LONGEST_PAUSE_S)
        late = self.world.now - timedelta(seconds=2 * self.weather.tick_s + SLACK_S)
        for job in self.jobs.values():
            if job.done:
                continue
            overdue = job.due_at is not None and max(job.due_at, calm_at) < late
            self.expect(not overdue, f"{job.id} is {job.status}, due at {job.due_at}: starved")
            missed = max(job.deadline_at, calm_at) < late
            self.expect(not missed, f"{job.id} is {job.status} past its deadline")
        self.later.check_held(late, calm_at)
        for batch in self.batches.values():
            late_s = 2 * self.weather.tick_s + SLACK_S + LONGEST_PAUSE_S
            self.later.check_progress(batch, self.rows(batch.id), late_s)
            if batch.finished_at is None and batch.check_at:
                overdue = max(batch.check_at, calm_at) < late
                self.expect(not overdue, f"{batch.id} is starved")

    def check_set_back(self, clock: Clock) -> None:
        """What a clock set before it was set back is not left until that clock is there again."""
        now_s = self.world.now_s
        furthest = self.world.now + timedelta(seconds=clock.skew_s + FURTHEST_S)
        for job in self.jobs.values():
            if job.done or job.due_at is None or job.due_at <= furthest:
                self.far_ahead_since.pop(job.id, None)
                continue
            waits_s = now_s - self.far_ahead_since.setdefault(job.id, now_s)
            soon = waits_s <= 2 * self.weather.tick_s + SLACK_S
            self.expect(soon, f"{job.id} waits until {job.due_at} for a clock that was set back")

    def check_depth(self, topic: str, depth: int) -> None:
        """The queue holds no more than a few hints of each thing that there is to do."""
        most = 40 + 6 * (len(self.jobs) + len(self.batches))
        self.expect(depth <= most, f"{depth} messages in {topic} for {len(self.jobs)} jobs")

    # When all is quiet.

    def at_rest(self) -> bool:
        """Whether everything has ended and nobody has still to be told of anything."""
        documents: list[Job | Batch] = [*self.jobs.values(), *self.batches.values()]
        ended = all(batch.finished_at for batch in self.batches.values())
        return ended and not any(each.webhook and each.webhook.pending for each in documents)

    def check_end(self) -> None:
        """When all is quiet: nothing is lost, nothing was done twice, everybody was told."""
        for job_id in sorted(self.accepted - self.deleted):
            self.expect(job_id in self.jobs, f"{job_id} was accepted and is lost")
        for batch_id, rows in self.accepted_batches.items():
            if batch_id in self.batches and not self.weather.has("retention"):
                places = {job.line for job in self.rows(batch_id)}
                self.expect(len(places) == rows, f"{batch_id} has lost rows")
        for job in self.jobs.values():
            self.check_job(job)
        for job_id in sorted(self.canceled):
            if job_id in self.jobs:
                status = self.jobs[job_id].status
                self.expect(status is Status.CANCELED, f"{job_id}: cancel acknowledged, {status}")
        for batch in self.batches.values():
            self.check_batch(batch)
        self.told.check_end({name: batch.round + 1 for name, batch in self.batches.items()})

    def check_batch(self, batch: Batch) -> None:
        """One batch at its end."""
        self.later.check_told(batch, self.rows(batch.id))
        ends = [job.finished_at for job in self.rows(batch.id) if job.finished_at]
        if batch.finished_at and ends and self.clocks_agree and not self.weather.has("leaps"):
            # A sweep writes down when it began.
            last = max(ends) <= batch.finished_at + timedelta(seconds=60)
            self.expect(last, f"{batch.id} ended before the last of its rows")
        if batch.webhook and not batch.webhook.stopped and batch.webhook.wants("batch.completed"):
            told = self.told.heard_of(batch.id, "batch.completed")
            self.expect(told, f"nobody was told that {batch.id} has ended")

    def check_job(self, job: Job) -> None:
        """One job at its end."""
        self.expect(job.done, f"{job.id} never ended")
        ends = [event.event for event in job.events if event.event in set(Status) - {"queued"}]
        self.expect(ends == [job.status.value], f"{job.id} ended as {ends}")
        seen = self.seen_ends.get(job.id, job.status)
        self.expect(seen is job.status, f"{job.id} was seen {seen} and is {job.status}")
        if job.webhook and not job.webhook.stopped and job.webhook.wants(f"job.{job.status}"):
            told = self.told.heard_of(job.id, f"job.{job.status}")
            self.expect(told, f"nobody was told that {job.id} has {job.status}")
        self.told.check_start(job)
        if job.status is Status.FAILED:
            self.expect(job.error is not None, f"{job.id} failed without a reason")
            slug = str((job.error or {}).get("type", "")).rpartition("/")[2]
            away = slug == "model-unavailable"
            self.expect(not away, f"{job.id} failed as the model was out of reach for a while")
            tried = job.tries == job.max_attempts or slug not in PASSING
            self.expect(tried, f"{job.id} failed with {slug} in attempt {job.attempt}")

    def check_patience(self, calm_at_s: float) -> None:
        """Once the faults are over, no honest job whose time was long enough for it expires."""
        if not self.clocks_agree:
            return
        late = [job for job in self.jobs.values() if self._ended_in(job) > calm_at_s]
        enough_s = sum(map(self._may_take_s, late)) + self._may_wait_s()
        for job in late:
            if job.prompt == HONEST and job.status is Status.EXPIRED:
                begun = job.begins_by if job.ready_by else job.created_at
                begun_s = (begun - START).total_seconds()
                had_s = self._ended_in(job) - max(begun_s, calm_at_s)
                what = f"{job.id} has expired after {had_s:.0f} s without a fault"
                self.expect(had_s < enough_s, f"{what}; {enough_s:.0f} s were enough for all")

    def _ended_in(self, job: Job) -> float:
        return self.ended_at_s.get(job.id, 0.0)

    def _may_take_s(self, job: Job) -> float:
        """How long a job may keep a worker, with all its attempts."""
        settings = self.weather.settings
        if job.prompt in (HANGER, KILLER):
            return settings.max_attempts * (settings.stall_limit_s + settings.lease_s)
        return SONG_S

    def _may_wait_s(self) -> float:
        """How long a job may have to wait with nobody before it."""
        again_s: float = max(self.weather.constants["REPUBLISH_LONGEST_S"], PUT_OFF_LONGEST_S)
        on_one_machine = self.weather.backend == "sqlite"
        hung_s = (
            FIRST_REPORT_LIMIT_S if on_one_machine else self.weather.constants["ACK_DEADLINE_S"]
        )
        return again_s + hung_s + LONGEST_PAUSE_S + 2 * self.weather.tick_s + SLACK_S

    def check_innocent(self) -> None:
        """Where nothing else goes wrong, what others do costs an honest job at most a try."""
        for job in self.jobs.values():
            if job.prompt != HONEST:
                continue
            fine = job.status in (Status.SUCCEEDED, Status.CANCELED, Status.EXPIRED)
            self.expect(fine, f"{job.id} is {job.status} through no fault of its own")
            alone = job.tries <= 2
            self.expect(alone, f"{job.id} lost {job.tries - 1} attempts to others' faults")
