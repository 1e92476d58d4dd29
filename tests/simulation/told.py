"""What receivers are told of: each event under one id, until it is acknowledged or out of tries."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from tests.simulation.runtime import World
from tests.simulation.weather import Weather
from versequeue.rules.batch import PARTS
from versequeue.rules.job import Job
from versequeue.rules.webhook import (
    BATCH_PROGRESS,
    HTTP_GONE,
    JOB_STARTED,
    ON_THE_WAY,
    TRIES_BEFORE_NEXT,
    Pending,
    Webhook,
)

Target = tuple[str, str]
#: How much later than its sweep began a hint may go out.
LONGEST_TICK_S = 60.0


class Told:
    """Every try of every event, and what was answered."""

    def __init__(self, world: World, weather: Weather, expect: Callable[[bool, str], None]) -> None:
        self._world, self._weather, self._expect = world, weather, expect
        #: webhook-ids by target and event
        self.sent: dict[Target, set[str]] = {}
        self._sends: Counter[str] = Counter()
        #: the highest number that a try of each event had
        self._tries: Counter[str] = Counter()
        #: jobs and batches with an event that ran out of tries
        self._spent: set[str] = set()
        self._answers: dict[str, list[int]] = {}
        #: events that are over
        self._over: set[str] = set()
        self._on_its_way: set[str] = set()
        #: how often the events of a job had been sent when somebody was promised another try
        self._again: dict[str, int] = {}
        #: those of whom it was asked at all, answered or not
        self._asked: set[str] = set()
        #: when each try of each event was first hinted at, and how often since
        self._hints: dict[tuple[str, int], tuple[float, int]] = {}

    def begins(self, target: Target, webhook_id: str) -> None:
        """A try of an event."""
        self.sent.setdefault(target, set()).add(webhook_id)
        self._sends[webhook_id] += 1
        if self._is_calm() and target[0] not in self._asked:
            heard = [each for each in self._answers.get(webhook_id, []) if _is_final(each)]
            self._expect(not heard, f"{target} was sent again after {heard}")
        if self._is_leased() and target[0] not in self._asked:
            alone = webhook_id not in self._on_its_way
            self._expect(alone, f"{target} is sent twice at once")
            ends = [key for key in self.sent if key[0] == target[0] and key[1] not in ON_THE_WAY]
            late = target[1] == JOB_STARTED and ends
            self._expect(not late, f"{target} is sent after {ends}")
        self._on_its_way.add(webhook_id)

    def ends(self, webhook_id: str, status: int | None) -> None:
        """The receiver has answered, or will not."""
        self._on_its_way.discard(webhook_id)
        if status is not None:
            self._answers.setdefault(webhook_id, []).append(status)

    def asked_for(self, event: str, events: list[str]) -> None:
        """An event is sent to somebody who has named these, or nothing."""
        asked = event in events if events else event not in ON_THE_WAY
        self._expect(asked, f"{event} is sent to somebody who asked for {events}")

    def heard_of(self, target: str, event: str) -> bool:
        """Whether it was sent, or each of its tries died before it was."""
        return (target, event) in self.sent or target in self._spent

    def tries_begun(self, target: str) -> int:
        """How often the events of `target` were sent, but for what is on its way."""
        return sum(self._sends[each] - (each in self._on_its_way) for each in self._ids(target))

    def _ids(self, target: str) -> list[str]:
        return [each for key, found in self.sent.items() if key[0] == target for each in found]

    def promised_again(self, target: str, before: int) -> None:
        """A caller was told that the last event of `target` will be sent once more."""
        self._again[target] = before
        self._spent.discard(target)

    def changed(self, target: str, before: Webhook | None, after: Webhook | None) -> None:
        """An event ends only when it was acknowledged, refused for good, or out of tries."""
        if before and after:
            self._check_report(target, before, after)
        old = before.pending if before else None
        new = after.pending if after else None
        if new:
            self._tries[new.id] = max(self._tries[new.id], new.tries)
            # Its receiver's share of the senders was used up: it is to come again at its turn.
            if old and (old.hints > new.hints or _silent_until(old) > _silent_until(new)):
                self._hints.pop((new.id, new.tries), None)
        if before and after and not after.stopped:
            kept = {*(one.id for one in after.waiting), new.id if new else ""}
            lost = [one.event for one in before.waiting if one.id not in kept]
            self._expect(not lost, f"{target} was to be told of {lost} later, and never is")
        if before and before.waiting and new and old and new.id == old.id:
            few = new.tries <= max(old.tries, TRIES_BEFORE_NEXT)
            self._expect(few, f"{target}: {old.event} keeps the next one waiting for too long")
        if new and new != old and target not in self._asked:
            self._expect(new.id not in self._over, f"{new.event} of {target} is told once more")
        if not old or (new and new.id == old.id):
            return
        self._over.add(old.id)
        answers = self._answers.get(old.id, [])
        whole = len(self._weather.constants["RETRY_SCHEDULE_S"])
        tries = TRIES_BEFORE_NEXT if new else whole
        spent = self._tries[old.id] >= tries
        if spent:
            self._spent.add(target)
        heard = any(_is_final(answer) for answer in answers)
        what = f"{target} gave {old.event} up after {old.tries} tries"
        self._expect(heard or spent, what)

    def hinted(self, target: str, pending: Pending) -> None:
        """The next try of an event is asked for: each time later, or a slow receiver's pile up."""
        if self._world.drift_s:
            return
        key, now_s = (pending.id, pending.tries), self._world.now_s
        first_s, hints = self._hints.get(key, (now_s, 0))
        self._hints[key] = first_s, hints + 1
        least_s = hints * self._weather.constants["HINT_FIRST_S"] - LONGEST_TICK_S
        what = f"{target} was hinted at {hints + 1} times in {now_s - first_s:.0f} s"
        self._expect(now_s - first_s >= least_s, what)

    def _check_report(self, target: str, before: Webhook, after: Webhook) -> None:
        if before.redelivered_at != after.redelivered_at:
            self._asked.add(target)
        if after.deliveries in ((), before.deliveries):
            return
        noted = after.deliveries[-1]
        heard = noted.status_code is None or noted.status_code in self._answers.get(noted.id, [])
        self._expect(heard, f"{target} reports {noted.status_code}, which nobody answered")
        if noted.status_code == HTTP_GONE:
            over = after.stopped and not after.pending
            self._expect(over, f"{target} goes on after {HTTP_GONE}")
        elif _is_final(noted.status_code or 0) and target not in self._asked and self._is_leased():
            ended = not after.pending or after.pending.id != noted.id
            self._expect(ended, f"{noted.event} of {target} goes on after {noted.status_code}")

    def check_start(self, job: Job) -> None:
        """One job at its end: whoever asked was told that it has begun."""
        hook = job.webhook
        if job.started_at and hook and not hook.stopped and hook.wants(JOB_STARTED):
            told = self.heard_of(job.id, JOB_STARTED)
            self._expect(told, f"nobody was told that {job.id} has begun")

    def check_end(self, rounds: dict[str, int]) -> None:
        """When all is quiet; `rounds` of each batch."""
        for (target, event), ids in self.sent.items():
            most = PARTS - 1 if event == BATCH_PROGRESS else rounds.get(target, 1)
            self._expect(len(ids) <= most, f"{target} {event} went out under {len(ids)} ids")
        for target, before in self._again.items():
            # The last one may be on its way yet: its report is not waited for.
            more = sum(self._sends[each] for each in self._ids(target)) > before
            # Or its try died after it was claimed, and before it was sent.
            self._expect(
                more or target in self._spent, f"{target} was to be sent once more, and was not"
            )

    def _is_calm(self) -> bool:
        # Where a report may be lost, or time leaps over the try's own lease, it may be sent again.
        calm = frozenset({"bad_receivers", "killers", "hangers", "limits", "newer_records"})
        return self._weather.faults <= calm and not self._world.drift_s

    def _is_leased(self) -> bool:
        # A try outlives its lease only where time leaps, or the next sender's clock is another.
        apart = {"leaps", "skewed_clocks", "clock_steps"}
        return not (self._weather.faults & apart or self._world.drift_s)


def _is_final(status: int) -> bool:
    return 200 <= status < 300 or status == HTTP_GONE


def _silent_until(pending: Pending) -> datetime:
    """When the next hint at an event is due."""
    return pending.hinted_until or pending.due_at
