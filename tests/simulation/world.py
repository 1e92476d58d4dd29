"""A seeded simulation of the whole job system; what must hold in it is in `promises`.

`python -m tests.simulation --seeds 10000` runs many; `--seed N` replays one.
"""

import itertools
import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from tests.simulation.chaos import ChaosQueue, ChaosStore
from tests.simulation.promises import Promises
from tests.support.memory import MemoryQueue
from versequeue.config import Settings
from versequeue.errors import Gone, ModelUnavailable, NotFound, VerseQueueError
from versequeue.local.dispatcher import go_together, joined
from versequeue.ports.queue import Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE, Row
from versequeue.rules.job import Job, Metrics, Stage
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.webhook import Webhook
from versequeue.service.attempt import Attempt
from versequeue.service.batches import Batches
from versequeue.service.callers import Submission
from versequeue.service.jobs import Jobs
from versequeue.service.sweep import sweep
from versequeue.service.worker import WorkerSide
from versequeue.webhooks.notifier import Notifier
from versequeue.webhooks.sender import Outcome

SETTINGS = Settings(lease_s=30, attempt_limit_s=300, progress_interval_s=1, deadline_s=86_400)
LINES = 4


class WorkerFault(Exception):
    """The model failed in this attempt."""


class Simulation(Promises):
    """One run: the actors, in a world that is rough to them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.random = self.world.random
        self.queue = MemoryQueue(self.world.clock)
        self.chaos_store: Any = ChaosStore(self.world, self.store, self.check_writes)
        self.chaos_queue = ChaosQueue(self.world, self.queue)
        self.ids = itertools.count()
        self.settings = SETTINGS

    def run(self) -> None:
        """Raise AssertionError, with the seed in it, if anything does not hold."""
        for n in range(3):
            self.world.spawn(f"submitter {n}", self.one_submitter(n))
        for n in range(3):
            self.world.spawn(f"worker {n}", self.work)
        for n in range(2):
            self.world.spawn(f"sweep {n}", self.keep_sweeping)
        self.world.spawn("canceller", self.keep_cancelling)
        self.world.spawn("poller", self.keep_polling)
        for n in range(2):
            self.world.spawn(f"notifier {n}", self.keep_notifying)
        self.world.run(lambda: self.world.steps >= 1500, 2000)
        self.world.faulty = False
        self.world.run(self.jobs_have_ended, 20_000)
        # What is left are webhooks, some of which are due in a day: time may go by faster.
        self.world.drift_s = 60
        self.world.run(self.at_rest, 40_000)
        self.check_end()

    def jobs(self) -> Jobs:
        """A caller's side, as a process of its own would have it."""
        return Jobs(*self.ground(), **self.time_and_ids())

    def batches(self) -> Batches:
        """As `jobs`."""
        return Batches(*self.ground(), **self.time_and_ids())

    def ground(self) -> tuple[Any, ChaosQueue, Settings]:
        """What the callers' sides stand on."""
        return self.chaos_store, self.chaos_queue, self.settings

    def time_and_ids(self) -> dict[str, Any]:
        """What a process takes from its surroundings."""
        return {
            "clock": self.world.clock,
            "new_id": lambda prefix: f"{prefix}{next(self.ids)}",
            "monotonic": lambda: self.world.now.timestamp(),
            "sleep": self.world.pause,
        }

    def one_submitter(self, number: int) -> Any:
        """Ask for three jobs, some of them twice at once under one key, and one batch."""
        todo = iter(range(4))

        def submit() -> None:
            for turn in todo:
                self.world.pause(self.random.uniform(0, 20))
                if turn == 3:
                    self.submit_batch(number)
                else:
                    # Submitters share keys: several of them make the same request.
                    self.submit_until_answered(f"key {turn}" if turn < 2 else None)

        return submit

    def submit_until_answered(self, key: str | None) -> None:
        """A caller that tries again until it has an answer, as the client does."""
        options = ResolvedOptions(seed=1, lines=LINES)
        submission = Submission(
            client="one",
            webhook=Webhook("https://example.com/hook"),
            key=key,
            body=b"rain",
        )
        for _ in range(20):
            try:
                accepted = self.jobs().submit("rain", options, submission)
            except (VerseQueueError, Gone, NotFound):
                if key is None:
                    return
                self.world.pause(1)
                continue
            self.accepted.add(accepted.found.id)
            if key is not None:
                first = self.keyed.setdefault(key, accepted.found.id)
                self.expect(first == accepted.found.id, f"{key!r} made two jobs")
            return

    def submit_batch(self, number: int) -> None:
        """Five rows in one transaction, tried again under one key until there is an answer."""
        rows = [
            Row(line, str(line), "sun", ResolvedOptions(seed=2, lines=LINES)) for line in range(5)
        ]
        submission = Submission(
            webhook=Webhook("https://example.com/batch"),
            key=f"batch {number}",
            body=b"sun",
        )
        for _ in range(20):
            try:
                accepted = self.batches().submit(rows, submission)
            except VerseQueueError:
                self.world.pause(1)
                continue
            batch_id = accepted.found.id
            jobs = [job for job in self.store.jobs.values() if job.batch_id == batch_id]
            self.expect(len(jobs) == len(rows), f"{batch_id} was accepted without all its rows")
            self.accepted.update(job.id for job in jobs)
            return

    def work(self) -> None:
        """Take messages as a pushed worker does; return only by a crash."""
        name = f"worker-{next(self.ids)}"
        worker_side = WorkerSide(
            self.chaos_store, self.chaos_queue, self.settings, name, self.world.clock
        )
        while True:
            self.world.pause(self.random.uniform(0, 3))
            taken = self.queue.lease_together(
                (Topic.JOBS, Topic.BULK), self.world.now, 600, go_together
            )
            if not taken:
                continue
            try:
                self.perform(worker_side, joined(taken)["job_ids"][:JOBS_PER_MESSAGE])
            except (VerseQueueError, WorkerFault):
                self.queue.nack_all(taken, self.world.now)
            else:
                self.queue.ack_all(taken)

    def perform(self, worker_side: WorkerSide, job_ids: list[str]) -> None:
        """Claim, write line by line, end: what worker_fn does with a model."""
        for attempt in worker_side.claim_all(job_ids, Stage.WRITING):
            lines: list[str] = []
            wanted = True
            while wanted and len(lines) < LINES:
                self.world.pause(self.random.choice((0.1, 0.5, 1.5)))
                if self.world.faulty and self.random.random() < 0.02:
                    # A worker that stands still for longer than its lease, and goes on.
                    self.world.pause(self.settings.lease_s * 2)
                lines.append(f"line {len(lines)} of {attempt.job.attempt}")
                wanted = attempt.lines(lines)
            self.end(attempt, lines, wanted=wanted)

    def end(self, attempt: Attempt, lines: list[str], *, wanted: bool) -> None:
        """The end of one attempt, of whatever kind."""
        if not wanted:
            if attempt.cancel_requested:
                attempt.cancel()
            return
        fate = self.random.random() if self.world.faulty else 1.0
        if fate < 0.08:
            attempt.hand_back("stopping")
            raise WorkerFault
        if fate < 0.2:
            attempt.fail(ModelUnavailable("broken"), retry=True)
            raise WorkerFault
        sections = [{"name": "Verse 1", "lines": lines}]
        output = {"lyrics": "\n".join(lines), "sections": sections, "by": attempt.job.attempt}
        attempt.succeed(output, Metrics())

    def keep_sweeping(self) -> None:
        """The scheduler's tick, twice at once."""
        while True:
            self.world.pause(self.random.choice((5, 5, 30)))
            self.tolerate(lambda: sweep(self.chaos_store, self.chaos_queue, self.world.clock))

    def keep_cancelling(self) -> None:
        """Somebody who cancels whatever there is, also what has ended, also twice."""
        while True:
            self.world.pause(self.random.uniform(10, 60))
            if self.accepted and self.world.faulty:
                job_id = self.random.choice(sorted(self.accepted))
                self.tolerate(lambda job_id=job_id: self.jobs().cancel(job_id))

    def keep_polling(self) -> None:
        """Somebody who looks: what is done stays as it was."""
        seen: dict[str, Job] = {}
        while True:
            self.world.pause(self.random.uniform(0.5, 5))
            if not self.accepted:
                continue
            job_id = self.random.choice(sorted(self.accepted))
            job = self.tolerate(lambda job_id=job_id: self.jobs().get(job_id))
            if job is None:
                continue
            before = seen.get(job_id)
            if before and before.done:
                self.expect(before.status == job.status, f"{job_id} changed after its end")
            seen[job_id] = job

    def keep_notifying(self) -> None:
        """Deliver webhooks, some of them more than once."""
        sender: Any = SimpleNamespace(send=self.send)
        notifier = Notifier(
            self.chaos_store,
            sender,
            self.settings,
            clock=self.world.clock,
            jitter=self.random.random,
        )
        while True:
            self.world.pause(1)
            delivery = self.queue.lease((Topic.NOTIFY,), self.world.now, 60)
            if delivery:
                target = delivery.message["target"]
                self.tolerate(lambda target=target: notifier.deliver(target))
                self.queue.ack(delivery)

    def send(self, _url: str, webhook_id: str, body: bytes, _now: datetime) -> Outcome:
        """What stands in for a receiver: remembers the event, and fails now and then."""
        event = json.loads(body)
        target = (event["data"]["id"], event["type"])
        self.sent.setdefault(target, set()).add(webhook_id)
        self.world.pause(self.random.choice((0.1, 1, 90)))
        if self.world.faulty and self.random.random() < 0.2:
            return Outcome(503, "The receiver answered 503.")
        return Outcome(200)

    def tolerate(self, action: Any) -> Any:
        """Do it; a failing store or queue is a caller's business, not a broken promise."""
        try:
            return action()
        except VerseQueueError:
            return None


def run_seeds(first: int, count: int) -> int:
    """Run seeds one after the other; how many steps they took together."""
    steps = 0
    for seed in range(first, first + count):
        simulation = Simulation(seed)
        simulation.run()
        simulation.world.end()
        steps += simulation.world.steps
    return steps
