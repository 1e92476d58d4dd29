"""What a caller may do with single jobs, and with the worker: see its status, warm it up."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from versequeue.contract.server_views import ExpectedWait, ModelsView, ModelView, StatusView
from versequeue.contract.wire import to_wire
from versequeue.errors import NothingToRedeliver, RateLimited
from versequeue.ports.queue import Topic
from versequeue.ports.store import Place, State
from versequeue.records import CANNOT_READ, from_record, to_record
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.rules.channels import Channel, target_of
from versequeue.rules.job import Job, Status
from versequeue.rules.options import Effort, ResolvedOptions
from versequeue.rules.outlook import (
    About,
    Wait,
    WorkerOutlook,
    paces_of,
    queued_work,
    wait_of,
    waiting,
)
from versequeue.rules.redelivery import redeliver
from versequeue.rules.tally import day_that_counts, start_of_day
from versequeue.rules.transitions import request_cancel
from versequeue.rules.waits import Pace, Queue, queue_s, song_s, work_of
from versequeue.service import estimates
from versequeue.service.callers import Accepted, CallersSide, Submission
from versequeue.service.endings import follow_up, note_totals, totals_of
from versequeue.service.hints import hint, hint_at_targets
from versequeue.service.limits import Bill
from versequeue.service.reads import Reads
from versequeue.service.seats import Seats

log = logging.getLogger(__name__)
#: A warm-up message is taken to be on its way for this long.
WARMUP_ON_ITS_WAY_S = 60
#: How long the worker's measured times and the first of the queue may be kept in memory, so that
#: polls do not read them.
OUTLOOK_KEPT_S = 2.0
#: Songs of one client in a minute that are not behind everybody else's.
SONGS_THAT_GO_FIRST = 6
#: What the status tells the waits of: a song whose options are all left out.
USUAL_SONG = work_of(ResolvedOptions(seed=0))


class Jobs(CallersSide[Job]):
    """Single jobs; also looks at a row of a batch, which is a job too."""

    noun = "job"
    #: the worker as it was last read from the store, and when
    _outlook: tuple[datetime, WorkerOutlook] | None = None
    #: the first of the queue as they were last read, and when
    _firsts: tuple[datetime, list[Job]] | None = None

    def __post_init__(self, shared_seats: Seats | None) -> None:
        super().__post_init__(shared_seats)
        self._first = Reads(SONGS_THAT_GO_FIRST, monotonic=self.monotonic)

    def submit(
        self,
        prompt: str,
        options: ResolvedOptions,
        submission: Submission,
        given: tuple[str | None, ...] = (),
    ) -> Accepted[Job]:
        """Write the job, then publish its message; `given` is as in `Job`.

        Raises RateLimited, BudgetExhausted, IdempotencyKeyReused, StoreUnavailable.
        """
        now = self.clock()
        job = self._new_job(prompt, options, given, submission, now)
        if not job.held and self._asks_much(submission.client):
            job = replace(job, gives_way=True)
        return self._submit(submission, job, [job], now)

    def _asks_much(self, client: str) -> bool:
        # Counted in memory, as reads are: who goes first is worth no write.
        try:
            self._first.take(client, 1)
        except RateLimited:
            return True
        return False

    def get(self, job_id: str) -> Job:
        """The job. Raises NotFound, or Gone past its retention, deleted or not."""
        return self._live(self.store.get_job(job_id))

    def listed(
        self, client: str, before: Place | None, limit: int
    ) -> tuple[list[Job], Place | None]:
        """A page of the jobs of a client behind `before`, the newest first, and where the next
        one begins. What is past its retention leaves a page with fewer.
        """
        now = self.clock()
        # One more than is told says whether there is a next page.
        found = self.store.newest_jobs(client, before, limit + 1)
        page = found[:limit]
        end = Place(page[-1].created_at, page[-1].id) if len(found) > limit else None
        return [job for job in page if now < job.expires_at], end

    def redeliver(self, job_id: str) -> Job:
        """Make the job's last webhook event due again, because somebody asked for it.

        Counts as one request of the client that asked for the job. Raises NothingToRedeliver if
        none was ever sent or is wanted, and RateLimited.
        """
        now = self.clock()

        def again(job: Job) -> Job:
            if job.webhook is None:
                raise NothingToRedeliver()
            return replace(job, webhook=redeliver(job.webhook, now))

        found = self.get(job_id)
        again(found)  # whatever is refused costs nothing
        bill = Bill(self.store, self.settings, found.client, now)
        if charges := bill.charges(songs=0, requests=1):
            self.store.create([], charges=charges, now=now)
        job = self._live(self.store.update_job(job_id, again))
        hint_at_targets(self.queue, [target_of(job_id, Channel.WEBHOOK)])
        return job

    def queue_position(self, job: Job) -> int | None:
        """How many jobs are before this one and itself; None while it is held or not queued.

        What gives way, such as rows of batches, is not before a job that has the right of way.
        """
        if job.status is not Status.QUEUED or job.held:
            return None
        return self.store.count_queued(job.created_at, singles=not job.in_bulk) + 1

    def wait_of(self, job: Job, position: int | None) -> Wait | None:
        """The time until the job's end, as far as is known."""
        if job.done:
            return None
        # What was read before the job was claimed knows nothing of its pass.
        news_at = job.events[-1].at if job.events else None
        outlook = self._outlook_now(since=news_at)
        count = (position or 1) - 1
        ahead: list[Job] = []
        in_hand: list[Job] = []
        is_measured = outlook.pace_of(job.options.model) is not None
        if job.status is Status.QUEUED and is_measured and not job.in_bulk:
            in_hand = self.in_hand(outlook)
            if not in_hand and not count and outlook.tells_passes:
                # Nobody is before it, unless that is news.
                outlook = self._outlook_now(since=self.clock())
                in_hand = self.in_hand(outlook)
            if count:
                ahead = self._ahead(job.created_at, count, since=news_at)
        return wait_of(job, outlook, self.clock(), ahead, count, in_hand)

    def status(self) -> dict[str, Any]:
        """The worker, the queue and the expected waits, as on the wire."""
        outlook = self._outlook_now()
        wait = _expected(outlook.pace_of(self.settings.told_model("")))
        if wait.warm is not None:
            wait = replace(wait, queue=round(self._before_s(outlook), 1))
        names = self.settings.model_names
        several = names if len(names) > 1 else ()
        depth = self.store.count_queued()
        return to_wire(StatusView(outlook.worker, depth, wait, outlook.model, several))

    def models(self) -> dict[str, Any]:
        """The models of the server, as on the wire."""
        outlook = self._outlook_now()
        found = []
        for name in self.settings.model_names:
            told = self.settings.told_model(name)
            about = outlook.models.get(told, About())
            pace = outlook.pace_of(told)
            view = ModelView(
                name=name,
                default=name == self.settings.model_names[0],
                loaded=outlook.loaded == told,
                model=about.model or None,
                licence=about.licence or None,
                load_seconds=round(pace.load_s, 1) if pace and pace.load_s else None,
                expected_wait_seconds=_expected(pace),
            )
            found.append(view)
        return to_wire(ModelsView(tuple(found)))

    def _before_s(self, outlook: WorkerOutlook) -> float:
        """Seconds that a song asked for now has to wait for others, a worker's start aside."""
        now, in_hand = self.clock(), self.in_hand(outlook)
        busy_s = waiting(replace(outlook, worker="warm"), now, in_hand)
        count = self.store.count_queued(now, singles=True)
        ahead = self._ahead(now, count) if count else []
        queue = Queue(busy_s, [*map(queued_work, ahead)], count)
        return queue_s(queue, paces_of(outlook, in_hand))

    def warm_up(self) -> bool:
        """Ask for a loaded worker; whether a message went out or none was needed."""
        now, budget = self.clock(), self.settings.daily_budget
        sent = False

        def mark(state: State) -> State:
            nonlocal sent
            noted = _warmups_of_day(state, now)
            # A worker that is woken all day costs as much as one that writes.
            sent = not noted.on_its_way(now) and not 0 < budget <= noted.warmups
            marked = replace(noted, warmup_at=now, warmups=noted.warmups + 1)
            return {**state, **to_record(marked)} if sent else state

        if self._outlook_now().worker == "warm":
            return False
        self.store.update_state("warmup", mark)
        return sent and hint(self.queue, Topic.JOBS, [{"warmup": True}])

    def _cancel(self, job_id: str, now: datetime) -> Job:
        # At once if it is queued, within a line if it is running.
        changed = self.store.update_job(job_id, lambda current: request_cancel(current, now))
        job = self._live(changed)
        if job.status is Status.CANCELED:
            if job.finished_at == now:  # and not because somebody asked before
                note_totals(self.store, totals_of([job]), now)
            follow_up(self.store, self.queue, job, now)
        return job

    def _stored(self, job_id: str) -> Job:
        return self.get(job_id)

    def _change(self, job_id: str, change: Callable[[Job], Job]) -> None:
        self.store.update_job(job_id, change)

    def _outlook_now(self, since: datetime | None = None) -> WorkerOutlook:
        now, kept = self.clock(), self._outlook
        if kept is None or not self._is_fresh(kept[0], now, since):
            state = self.store.get_state(estimates.WORKER_DOCUMENT)
            self._outlook = kept = now, estimates.read(state, now, self.settings.warm_s)
        return kept[1]

    def _ahead(self, before: datetime, count: int, since: datetime | None = None) -> list[Job]:
        """The first of the `count` queued jobs before a moment.

        Everybody's are among the first of all, which are read once for all who ask. They are read
        again where the number says that some have gone or come.
        """
        now, kept = self.clock(), self._firsts
        if kept is not None and self._is_fresh(kept[0], now, since):
            known = [job for job in kept[1] if job.created_at < before]
            if len(known) == min(count, JOBS_PER_MESSAGE):
                return known
        found = self.store.queued_jobs(max(now, before), limit=JOBS_PER_MESSAGE)
        self._firsts = now, found
        return [job for job in found if job.created_at < before]

    @staticmethod
    def _is_fresh(read_at: datetime, now: datetime, since: datetime | None) -> bool:
        is_young = 0 <= (now - read_at).total_seconds() < OUTLOOK_KEPT_S
        return is_young and (since is None or since <= read_at)


def _expected(pace: Pace | None) -> ExpectedWait:
    """What a usual song takes, as far as it was measured."""
    if pace is None:
        return ExpectedWait()
    warm_s = song_s(USUAL_SONG, pace)
    cold_s = round(pace.start_s + warm_s, 1) if pace.start_s else None
    songs = {effort: replace(USUAL_SONG, effort=effort) for effort in get_args(Effort)}
    efforts = {effort: round(song_s(song, pace), 1) for effort, song in songs.items()}
    return ExpectedWait(cold_s, round(warm_s, 1), efforts)


@dataclass(frozen=True)
class _Warmups:
    """What is stored of them: when the last one went out, and how many of the day did."""

    day: datetime
    warmup_at: datetime | None = None
    warmups: int = 0

    def on_its_way(self, now: datetime) -> bool:
        age_s = (now - self.warmup_at).total_seconds() if self.warmup_at else -1
        return 0 <= age_s < WARMUP_ON_ITS_WAY_S


def _warmups_of_day(state: State, now: datetime) -> _Warmups:
    if not state:
        return _Warmups(start_of_day(now))
    try:
        noted = from_record(_Warmups, state)
    except CANNOT_READ as error:
        log.warning("what was noted of warm-ups cannot be read, and begins anew: %.200s", error)
        return _Warmups(start_of_day(now))
    day = day_that_counts(noted.day, now)
    return noted if day == noted.day else replace(noted, day=day, warmups=0)
