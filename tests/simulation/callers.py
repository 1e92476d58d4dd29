"""Those who ask: visitors, somebody with files, and somebody who tries everything.

A request runs in the process that answers callers; when that dies the caller sees a broken
connection and asks again, under the same key where there is one, as the client does.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.processes import Cloud, Machine, Setting
from tests.simulation.promises import Promises
from tests.simulation.runtime import ProcessDied
from tests.simulation.songs import HANGER, HONEST, HOPELESS, KILLER, LINES, SLOW
from versequeue.errors import BudgetExhausted, Gone, NotFound, RateLimited, VerseQueueError
from versequeue.rules.batch import BatchNow, Row
from versequeue.rules.job import Job, Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.terms import AT_ONCE, Terms
from versequeue.rules.webhook import BATCH_PROGRESS, JOB_STARTED, Webhook
from versequeue.service.batches import Batches
from versequeue.service.callers import Accepted, Submission
from versequeue.service.jobs import Jobs

REQUEST_LIMIT_S = 120.0
ENDS = tuple(f"job.{status}" for status in Status if status.is_terminal)
#: Receivers by what becomes of what is sent to them; see `receivers`.
GOOD, SILENT, REFUSING, LEAVING = "good", "silent", "refusing", "leaving"


class Callers:
    """Everybody outside; each public method with no argument is an actor."""

    def __init__(
        self, setting: Setting, place: Machine | Cloud, promises: Promises, faults: Faults
    ) -> None:
        self.setting, self.place, self.promises, self.faults = setting, place, promises, faults
        self.world, self.random = setting.world, setting.random
        self._ids = itertools.count(1)
        #: whoever has still something to ask for
        self.busy = 0

    def ask(self, name: str, action: Callable[[], Any]) -> Any:
        """One request and its answer; None for whatever error there was."""
        try:
            return self.place.open_at_the_front().call(name, action, REQUEST_LIMIT_S)
        except (ProcessDied, TimeoutError):
            self.world.note("no answer", name)
        except VerseQueueError as error:
            self.world.note("refused", f"{name} {type(error).__name__}")
            if isinstance(error, RateLimited | BudgetExhausted | NotFound | Gone):
                return error
        return None

    def visitor(self) -> None:
        """Three songs, one after the other; two of them under keys that others use too."""
        for turn in range(3):
            self.world.pause(self.random.uniform(0, 30))
            prompt, key = self._prompt(), f"key {turn}" if turn < 2 else None
            asks = replace(self._asks(key), terms=AT_ONCE if key else self._terms())
            if key:
                prompt = HONEST  # the same request under the same key
            job = self._until_answered("submit", key, partial(self._submit, prompt, asks))
            if job is not None:
                self.promises.later.asked(job, asks.terms)
                self.promises.accepted.add(job.id)
                self._look_after(job.id)
        self.busy -= 1

    def owner_of_files(self) -> None:
        """A batch, tried again under its key until there is an answer; then it is looked after."""
        self.world.pause(self.random.uniform(0, 20))
        number = next(self._ids)
        of_all = self._terms()
        rows = [
            Row(line, str(line), self._prompt(), self._options(), terms=of_all)
            for line in range(self.random.choice((1, 3, 7)))
        ]
        ends = ("batch.completed", "job.succeeded", "job.failed")
        events = self.random.choice(((), ends, (*ends, BATCH_PROGRESS, JOB_STARTED)))
        hook = Webhook(self._receiver(), events)
        asks = Submission("files", webhook=hook, key=f"batch {number}", body=b"sun")
        made = self._until_answered("batch", asks.key, lambda: self.batches().submit(rows, asks))
        if made is not None:
            self._batch_is_there(made.id, len(rows))
            self._look_after_batch(made.id)
        self.busy -= 1

    def crowd(self) -> None:
        """Four requests of one client at the same moment, some of which may be too many."""
        self.world.pause(self.random.uniform(0, 60))
        for _ in range(4):
            self.world.outside.start("one of a crowd", self._one_of_a_crowd)
        self.busy -= 1

    def meddler(self) -> None:
        """Somebody who cancels, redelivers, warms up and looks, whatever there is."""
        while self.faults.rough:
            self.world.pause(self.random.uniform(2, 30))
            if not self.faults.rough:
                break
            job_id = self._some(self.promises.accepted)
            batch_id = self._some(self.promises.accepted_batches)
            wishes = ("cancel", "redeliver", "warm", "status", "retry", "read", "reuse")
            wish = self.random.choice(wishes)
            if wish == "reuse" and "key 0" in self.promises.keyed:
                other = Submission("many", key="key 0", body=b"another request")
                made = self.ask("reuse", partial(self._submit_as, other))
                self.promises.expect(not isinstance(made, Accepted), "a key was used twice")
            elif wish == "warm":
                self.ask("warm up", lambda: self.jobs().warm_up())
            elif wish == "status":
                self.ask("status", lambda: self.jobs().status())
            elif wish == "retry" and batch_id:
                self._ask_to_retry(batch_id)
            elif wish == "read" and batch_id:
                self.ask("rows", partial(self._read, batch_id))
            elif wish == "redeliver" and job_id:
                before = self.promises.told.tries_begun(job_id)
                if isinstance(self.ask("redeliver", partial(self._redeliver, job_id)), Job):
                    self.promises.told.promised_again(job_id, before)
            elif wish == "cancel" and job_id and self.random.random() < 0.4:
                self._cancel(job_id)
        self.busy -= 1

    def jobs(self) -> Jobs:
        """A caller's side, as a process of its own has it."""
        return Jobs(self.setting.store, self.setting.queue, self.setting.settings, **self._time())

    def batches(self) -> Batches:
        """As `jobs`."""
        return Batches(
            self.setting.store, self.setting.queue, self.setting.settings, **self._time()
        )

    def _submit(self, prompt: str, asks: Submission) -> Any:
        return self.jobs().submit(prompt, self._options(), asks)

    def _one_of_a_crowd(self) -> None:
        asks = Submission("crowd", body=b"hail")
        made = self.ask("submit", partial(self._submit_as, asks))
        if isinstance(made, Accepted):
            self.promises.accepted.add(made.found.id)

    def _submit_as(self, asks: Submission) -> Any:
        return self.jobs().submit(HONEST, self._options(), asks)

    def _retry(self, batch_id: str) -> Any:
        return self.batches().retry_failed(batch_id)

    def _read(self, batch_id: str) -> Any:
        return list(self.batches().rows(batch_id))

    def _redeliver(self, job_id: str) -> Any:
        return self.jobs().redeliver(job_id)

    def _time(self) -> dict[str, Any]:
        return {
            "clock": self.world.clock,
            "new_id": lambda prefix: f"{prefix}{next(self._ids)}",
            "monotonic": self.world.monotonic,
            "sleep": self.world.pause,
        }

    def _until_answered(self, name: str, key: str | None, action: Callable[[], Any]) -> Any:
        for _ in range(30):
            accepted = self.ask(name, action)
            if isinstance(accepted, Exception):
                if isinstance(accepted, RateLimited) and self.random.random() < 0.7:
                    self.world.pause(20)
                    continue
                return None
            if accepted is not None:
                if key:
                    first = self.promises.keyed.setdefault(key, accepted.found.id)
                    same = first == accepted.found.id
                    self.promises.expect(same, f"{key!r} made {first} and {accepted.found.id}")
                return accepted.found
            if key is None:
                return None  # it may or may not have been made, and there is no asking
            self.world.pause(self.random.uniform(1, 20))
        return None

    def _look_after(self, job_id: str) -> None:
        """Wait for it, or cancel it, or forget about it."""
        wish = self.random.random()
        if wish < 0.15:
            # While its lines appear: its end and the cancel may meet.
            self.world.pause(120, lambda: self._shows_lines(job_id))
            self.world.pause(self.random.uniform(0, 3))
            self._cancel(job_id)
        elif wish < 0.25:
            self.world.pause(self.random.uniform(0, 10))
            self._cancel(job_id)
        elif wish < 0.6:
            found = self.ask("get", lambda: self.jobs().get(job_id))
            if isinstance(found, Job):
                self._wait(found)

    def _shows_lines(self, job_id: str) -> bool:
        return self._is_done(job_id) or bool(self.promises.jobs[job_id].preview)

    def _wait(self, found: Job) -> None:
        began_s = self.world.now_s
        seen = self.ask("wait", lambda: self.jobs().wait_for(found, 30, lambda job: job.done))
        if isinstance(seen, Job):
            self._saw(seen)
            took_s = self.world.now_s - began_s
            # A call to the store may take its time; a leap is nobody's fault.
            if not self.faults.weather.has("leaps"):
                self.promises.expect(took_s < 60, f"a wait of 30 s took {took_s:.0f} s")

    def _saw(self, job: Job) -> None:
        if job.done:
            first = self.promises.seen_ends.setdefault(job.id, job.status)
            self.promises.expect(first is job.status, f"{job.id} was {first}, now {job.status}")

    def _cancel(self, job_id: str) -> None:
        job = self.ask("cancel", lambda: self.jobs().cancel(job_id))
        if isinstance(job, Job):
            self._saw(job)
            if not job.done:
                self.promises.canceled.add(job_id)

    def _batch_is_there(self, batch_id: str, rows: int) -> None:
        whole = len(self.promises.rows(batch_id)) >= rows or batch_id not in self.promises.batches
        self.promises.expect(whole, f"{batch_id} was accepted without all its rows")
        self.promises.accepted_batches[batch_id] = rows
        self.promises.accepted.update(job.id for job in self.promises.rows(batch_id))

    def _look_after_batch(self, batch_id: str) -> None:
        for _ in range(self.random.choice((0, 1, 3))):
            self.world.pause(self.random.uniform(1, 60))
            if self.random.random() < 0.4:
                self._cancel_batch(batch_id)
            else:
                self._ask_to_retry(batch_id)
        for _ in range(20 * self.random.choice((0, 1))):
            self.world.pause(self.random.uniform(1, 20))
            now = self._saw_batch(self.ask("batch", lambda: self.batches().get(batch_id)))
            if not self.faults.rough or (now and now.done):
                break
        # Somebody presses the button twice.
        self.world.outside.start("files again", partial(self._ask_to_retry, batch_id))
        self._ask_to_retry(batch_id)

    def _ask_to_retry(self, batch_id: str) -> None:
        self._saw_batch(self.ask("retry", partial(self._retry, batch_id)))

    def _saw_batch(self, found: Any) -> BatchNow | None:
        if not isinstance(found, BatchNow):
            return None
        rows, counts = found.batch.total, found.counts
        right = sum(counts.values()) == rows and min(counts.values()) >= 0
        # Rows are deleted one by one.
        kept = not self.faults.weather.has("retention")
        self.promises.expect(right or not kept, f"{found.id} has {rows} rows and shows {counts}")
        return found

    def _cancel_batch(self, batch_id: str) -> None:
        before = [job.id for job in self.promises.rows(batch_id) if not job.done]
        began_s = self.world.now_s
        found = self._saw_batch(self.ask("cancel batch", lambda: self.batches().cancel(batch_id)))
        took_s = self.world.now_s - began_s
        budget_s = self.faults.weather.constants["CANCEL_BUDGET_S"]
        if found and took_s < budget_s:
            left = [each for each in before if not self._is_done(each)]
            self.promises.canceled.update(left)

    def _is_done(self, job_id: str) -> bool:
        job = self.promises.jobs.get(job_id)
        return job is None or job.done

    def _some(self, names: Any) -> str | None:
        return self.random.choice(sorted(names)) if names else None

    def _asks(self, key: str | None) -> Submission:
        events = self.random.choice(((), (JOB_STARTED, *ENDS)))
        hook = Webhook(self._receiver() if key is None else GOOD_URL, events)
        client = "many" if key else self.random.choice(("one", "two"))
        return Submission(client, webhook=hook, key=key, body=b"rain")

    def _terms(self) -> Terms:
        deadline_s = self.random.choice((None, None, 120.0, 1e9))
        is_later = self.random.random() < self.faults.weather.later
        return Terms(deadline_s, "later" if is_later else "now")

    def _options(self) -> ResolvedOptions:
        return ResolvedOptions(seed=1, lines=LINES)

    def _prompt(self) -> str:
        odd = [HOPELESS]
        odd += [KILLER] * self.faults.weather.has("killers")
        odd += [HANGER] * self.faults.weather.has("hangers")
        odd += [SLOW] * self.faults.weather.has("slow_songs")
        return self.random.choice(odd) if self.random.random() < 0.25 else HONEST

    def _receiver(self) -> str:
        kinds = [GOOD]
        if self.faults.weather.has("bad_receivers"):
            kinds += [SILENT, SILENT, REFUSING, LEAVING]
        return f"https://{self.random.choice(kinds)}.example.com/hook"


GOOD_URL = f"https://{GOOD}.example.com/hook"
