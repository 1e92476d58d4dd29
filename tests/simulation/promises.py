"""What must hold in every simulated world, after each write and when all is quiet again."""

from dataclasses import dataclass, field, replace

from tests.simulation.chaos import World
from tests.support.memory import MemoryStore
from versequeue.rules.batch import Batch
from versequeue.rules.job import TRANSITIONS, Job, Status


@dataclass
class Promises:
    """What the actors of one world were told and did, and the checks of it."""

    seed: int
    world: World = field(init=False)
    store: MemoryStore = field(init=False)
    #: jobs for which a caller was given an answer
    accepted: set[str] = field(default_factory=set)
    #: webhook-ids sent, by target and event
    sent: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    #: every job as it was after the last write
    known: dict[str, Job] = field(default_factory=dict)
    #: which idempotency key made which job
    keyed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(self.seed)
        self.store = MemoryStore()

    def expect(self, holds: bool, what: str) -> None:
        """Raise AssertionError that names the seed."""
        if not holds:
            raise AssertionError(f"seed {self.seed}, step {self.world.steps}: {what}")

    def check_writes(self) -> None:
        """After each write: every job moved as the rules allow."""
        for job_id, job in self.store.jobs.items():
            before = self.known.get(job_id)
            if before is not None and before is not job:
                self.check_change(before, job)
        self.known = dict(self.store.jobs)

    def check_change(self, before: Job, after: Job) -> None:
        """One job, before and after one write."""
        name = after.id
        if before.done:
            same = replace(after, webhook=before.webhook) == before
            self.expect(same, f"{name} changed after it had {before.status}")
        if before.status is not after.status:
            passed = after.status in TRANSITIONS[before.status]
            reclaimed = after.attempt > before.attempt and after.status is Status.RUNNING
            self.expect(passed or reclaimed, f"{name}: {before.status} -> {after.status}")
        self.expect(after.attempt - before.attempt in (0, 1), f"{name} skipped an attempt")
        self.expect(after.attempt <= after.max_attempts, f"{name} was tried too often")
        leased = before.lease_expires_at
        if after.attempt > before.attempt and leased:
            self.expect(leased <= self.world.now, f"{name} was claimed under a live lease")
        if before.status is Status.RUNNING and after.preview != before.preview and after.preview:
            live = leased is not None and self.world.now < leased
            self.expect(live, f"{name} was written to after its lease had lapsed")

    def jobs_have_ended(self) -> bool:
        """Whether nobody submits any more and every job has ended."""
        actors = self.world.actors
        submitting = any(a.name.startswith("submitter") and not a.done for a in actors)
        return not submitting and all(job.done for job in self.store.jobs.values())

    def at_rest(self) -> bool:
        """Whether every batch has ended too and nobody has still to be told of anything."""
        documents: list[Job | Batch] = [*self.store.jobs.values(), *self.store.batches.values()]
        ended = all(batch.finished_at for batch in self.store.batches.values())
        return ended and not any(document.due_at or document.notify_at for document in documents)

    def check_end(self) -> None:
        """When all is quiet: nothing is lost, nothing was done twice."""
        for job_id in self.accepted:
            self.expect(job_id in self.store.jobs, f"{job_id} was accepted and is lost")
        for job in self.store.jobs.values():
            self.check_job(job)
        for batch_id in self.store.batches:
            counts = self.store.batch_counts(batch_id)
            total = self.store.batches[batch_id].total
            self.expect(sum(counts.values()) == total, f"{batch_id} lost or gained jobs")
            told = (batch_id, "batch.completed") in self.sent
            self.expect(told, f"nobody was told that {batch_id} has ended")
        for (target, event), ids in self.sent.items():
            self.expect(len(ids) == 1, f"{target} {event} was sent under {len(ids)} webhook-ids")

    def check_job(self, job: Job) -> None:
        """One job at its end."""
        self.expect(job.done, f"{job.id} never ended")
        # The faults stop long before a job's day is over: only a forgotten one can expire.
        self.expect(job.status is not Status.EXPIRED, f"{job.id} was forgotten until it expired")
        ends = [event.event for event in job.events if event.event in set(Status) - {"queued"}]
        self.expect(ends == [job.status.value], f"{job.id} ended as {ends}")
        if job.status is Status.SUCCEEDED:
            output = job.output or {}
            self.expect(output.get("by") == job.attempt, f"{job.id} has another attempt's lyrics")
        if job.webhook:
            wanted = (job.id, f"job.{job.status.value}")
            self.expect(wanted in self.sent, f"nobody was told that {job.id} has {job.status}")
