"""Rules of the product, each with a way to break it: what the simulation has to notice.

Data for test_broken_rules.py. A rule is named by its module and name; `breaks` makes the broken
one of the true one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from versequeue.errors import LeaseLost
from versequeue.rules.job import Status
from versequeue.rules.transitions import give_up
from versequeue.rules.webhook import HTTP_GONE

FAR = timedelta(days=365)


@dataclass(frozen=True)
class BrokenRule:
    """`module:name`, or `module:Class.name`; the true rule's successor; what that means."""

    place: str
    breaks: Callable[[Any], Any]
    meaning: str


def _instead(answer: Any) -> Callable[[Any], Any]:
    """A rule that always answers this."""
    return lambda _true: lambda *_args, **_kwargs: answer


def _first(_true: Any) -> Any:
    """A rule that gives back what it was given."""
    return lambda first, *_args, **_kwargs: first


def _attempt_only(_true: Any) -> Any:
    def check(job: Any, attempt: int, _now: datetime) -> None:
        if job.status is not Status.RUNNING or job.attempt != attempt:
            raise LeaseLost("another attempt")

    return check


def _lease_only(true: Any) -> Any:
    return lambda job, _attempt, now: true(job, job.attempt, now)


def _with_change(**changed: Any) -> Callable[[Any], Any]:
    """The result, with these fields as they should not be."""
    return lambda true: lambda *args, **kwargs: replace(true(*args, **kwargs), **changed)


def _renew_for_ever(true: Any) -> Any:
    def renew(job: Any, attempt: int, now: datetime, *, lease_s: float, **shown: Any) -> Any:
        renewed = true(job, attempt, now, lease_s=lease_s, **shown)
        return replace(renewed, lease_expires_at=now + timedelta(seconds=lease_s))

    return renew


def _renew_nothing(true: Any) -> Any:
    def renew(job: Any, *args: Any, **kwargs: Any) -> Any:
        return replace(true(job, *args, **kwargs), lease_expires_at=job.lease_expires_at)

    return renew


def _succeed_anyway(true: Any) -> Any:
    return lambda job, *rest: true(replace(job, cancel_requested_at=None), *rest)


def _cancel_queued_only(true: Any) -> Any:
    return lambda job, now: job if job.status is Status.RUNNING else true(job, now)


def _never_retry(true: Any) -> Any:
    return lambda *args, retry: true(*args, retry=False)


def _always_retry(true: Any) -> Any:
    return lambda job, *args, **kwargs: true(replace(job, max_attempts=99), *args, **kwargs)


def _claim_in_excess(true: Any) -> Any:
    def claim(job: Any, *args: Any, **kwargs: Any) -> Any:
        return replace(true(job, *args, **kwargs), attempt=job.attempt)

    return claim


def _claim_beyond_the_deadline(true: Any) -> Any:
    def claim(job: Any, now: datetime, worker: str, **limits: Any) -> Any:
        claimed = true(job, now, worker, **limits)
        if claimed.done:
            return claimed
        lease, attempt = (
            timedelta(seconds=limits[f"{name}_s"]) for name in ("lease", "attempt_limit")
        )
        return replace(claimed, lease_expires_at=now + lease, attempt_ends_at=now + attempt)

    return claim


def _claim_with_lines(true: Any) -> Any:
    def claim(job: Any, *args: Any, **kwargs: Any) -> Any:
        claimed = true(job, *args, **kwargs)
        return replace(claimed, preview=job.preview or ("an earlier song",))

    return claim


def _settle_without(field: str) -> Callable[[Any], Any]:
    """Time does nothing that this field asks for."""

    def breaks(true: Any) -> Any:
        def settle(job: Any, now: datetime) -> Any:
            value = now + FAR if field == "deadline_at" else None
            settled = true(replace(job, **{field: value}), now)
            kept = {field: getattr(job, field)}
            same = replace(settled, **kept) == job
            return job if same else replace(settled, **kept)

        return settle

    return breaks


def _expire_at_once(true: Any) -> Any:
    return lambda job, now: true(replace(job, deadline_at=min(now, job.deadline_at)), now)


def _one_try(true: Any) -> Any:
    def record(webhook: Any, **how: Any) -> Any:
        return replace(true(webhook, **how), pending=None)

    return record


def _deaf(*heard: int) -> Callable[[Any], Any]:
    """These answers of a receiver count as none."""

    def breaks(true: Any) -> Any:
        def record(webhook: Any, **how: Any) -> Any:
            answer = how["status_code"]
            if answer not in heard:
                return true(webhook, **how)
            recorded = true(webhook, **{**how, "status_code": 500, "error": "not heard"})
            *earlier, last = recorded.deliveries
            return replace(recorded, deliveries=(*earlier, replace(last, status_code=answer)))

        return record

    return breaks


def _another_id_each_time(true: Any) -> Any:
    def take(webhook: Any, now: datetime) -> Any:
        taken = true(webhook, now)
        if taken is webhook or taken.pending is None:
            return taken
        other = replace(taken.pending, id=f"{taken.pending.id}{taken.pending.tries}")
        return replace(taken, pending=other)

    return take


def _due_all_the_time(true: Any) -> Any:
    def start(webhook: Any, now: datetime) -> Any:
        started = true(webhook, now)
        if started.pending is None:
            return started
        return replace(started, pending=replace(started.pending, due_at=now))

    return start


def _forgetful_record(true: Any) -> Any:
    def record(client: str, key: str, body: bytes, resource_id: str, now: datetime) -> Any:
        return true(client, key + resource_id, body, resource_id, now)

    return record


def _free_of_charge(_true: Any) -> Any:
    return lambda _self, **_counts: {}


def _counted_beforehand(true: Any) -> Any:
    """Check, then act: the limits are looked at, and then the jobs are created."""

    def charges(self: Any, **counts: Any) -> Any:
        for change in true(self, **counts).values():
            change(None)
        return {}

    return charges


def _no_new_round(_true: Any) -> Any:
    return lambda seen, _now, batch: replace(batch, round=seen.round + 1)


def _round_for_everybody(true: Any) -> Any:
    return lambda _seen, now, batch: true(batch, now, batch)


def _only_first(true: Any) -> Any:
    return lambda self, now, limit=1: true(self, now, 1)[:1]


def _none_found(_true: Any) -> Any:
    return lambda *_args, **_kwargs: []


def _count_in_turn(_true: Any) -> Any:
    """A batch's jobs are counted status by status while they move from one to the next."""

    def counts(self: Any, batch_id: str) -> Any:
        found = {status: self._count_status(batch_id, status) for status in reversed(list(Status))}
        return {status: count for status, count in found.items() if count}

    return counts


def _count_what_waits(_true: Any) -> Any:
    """A row that is being written is not counted among those that have not ended."""
    return lambda self, batch_id: self._count_status(batch_id, Status.QUEUED)


def _blind_write(true: Any) -> Any:
    """A document is written whatever it has become since it was read."""

    def write(self: Any, documents: Any, timeout_s: float) -> None:
        fresh = []
        for document in documents:
            now = self.read(document.collection, document.name)
            fresh.append(replace(document, instead_of=now) if document.instead_of else document)
        true(self, fresh, timeout_s)

    return write


def _every_message_together(_true: Any) -> Any:
    def messages(jobs: Any) -> Any:
        size = 8
        ids = [job.id for job in jobs]
        return [{"job_ids": ids[start : start + size]} for start in range(0, len(ids), size)]

    return messages


def _delete_early(true: Any) -> Any:
    return lambda self, now, limit=500: true(self, now + timedelta(days=31), limit)


def _give_up_on_nobody(_true: Any) -> Any:
    return lambda self: None


def _deliveries_without_end(true: Any) -> Any:
    return lambda webhook, now: (
        webhook
        if webhook.pending is None
        else replace(webhook, pending=replace(webhook.pending, hints=0, hinted_until=None))
    )


def _count_against_the_job(_true: Any) -> Any:
    return lambda job, attempt, now, error: give_up(job, attempt, now, error, retry=True)


_RULES, _JOBS = "versequeue.rules.transitions", "versequeue.rules.job"
_WEBHOOK, _BATCH = "versequeue.rules.webhook", "versequeue.rules.batch"

BROKEN_RULES = [
    BrokenRule(f"{_RULES}:check_fence", _instead(None), "there is no fence"),
    BrokenRule(f"{_RULES}:check_fence", _attempt_only, "the fence does not ask for the lease"),
    BrokenRule(f"{_RULES}:check_fence", _lease_only, "the fence does not ask for the attempt"),
    BrokenRule(f"{_RULES}:_lease_is_live", _instead(False), "a claim takes no heed of leases"),
    BrokenRule(f"{_RULES}:renew", _renew_for_ever, "a lease goes beyond its attempt's limit"),
    BrokenRule(f"{_RULES}:renew", _renew_nothing, "a report does not renew the lease"),
    BrokenRule(f"{_RULES}:succeed", _succeed_anyway, "a finish beats an acknowledged cancel"),
    BrokenRule(f"{_RULES}:request_cancel", _cancel_queued_only, "a running job's cancel is lost"),
    BrokenRule(f"{_RULES}:_end_attempt", _never_retry, "an attempt that failed is the last one"),
    BrokenRule(f"{_RULES}:_end_attempt", _always_retry, "attempts are not counted"),
    BrokenRule(f"{_RULES}:claim", _claim_in_excess, "a claim does not raise the attempt"),
    BrokenRule(f"{_RULES}:claim", _claim_beyond_the_deadline, "an attempt outlasts its job's time"),
    BrokenRule(f"{_RULES}:claim", _claim_with_lines, "a claim keeps the last attempt's lines"),
    BrokenRule(f"{_RULES}:settle", _settle_without("deadline_at"), "nothing expires"),
    BrokenRule(f"{_RULES}:settle", _expire_at_once, "jobs expire before their deadline"),
    BrokenRule(f"{_RULES}:settle", _first, "a dead worker keeps its jobs"),
    BrokenRule(f"{_RULES}:republish", _first, "a message is sent again at every tick"),
    BrokenRule(f"{_RULES}:announce", _first, "nobody is told of an end"),
    BrokenRule(f"{_WEBHOOK}:record_delivery", _one_try, "a webhook is tried once"),
    BrokenRule(f"{_WEBHOOK}:record_delivery", _deaf(200), "200 does not end an event"),
    BrokenRule(f"{_WEBHOOK}:take_delivery", _another_id_each_time, "each try has another id"),
    BrokenRule(
        "versequeue.rules.redelivery:redeliver", _first, "a redelivery is promised and not made"
    ),
    BrokenRule(
        "versequeue.backends.sqlite_store:SqliteStore.batch_unfinished",
        _instead(0),
        "a batch is completed while rows run",
    ),
    BrokenRule(f"{_BATCH}:complete", _first, "no batch is ever completed"),
    BrokenRule(
        "versequeue.service.idempotency:record_for", _forgetful_record, "keys are not remembered"
    ),
    BrokenRule(
        "versequeue.service.idempotency:same_request",
        lambda _true: lambda found, _wanted: found.resource_id,
        "a key may be used for another request",
    ),
    BrokenRule("versequeue.service.limits:Bill.charges", _free_of_charge, "nothing is limited"),
    BrokenRule(
        "versequeue.service.batches:_begin_round", _no_new_round, "a retry does not open the batch"
    ),
    BrokenRule(
        "versequeue.service.rows:cancel_rows", _instead(None), "a batch's cancel does nothing"
    ),
    BrokenRule(
        "versequeue.service.hints:job_messages", _every_message_together, "a killer has company"
    ),
    BrokenRule(
        "versequeue.service.sweep:_Tick.repair_jobs", _instead(False), "the sweep repairs no job"
    ),
    BrokenRule(
        "versequeue.service.sweep:_Tick._repair",
        lambda true: lambda self, found: true(self, found[:1]),
        "the sweep repairs one job of each portion",
    ),
    BrokenRule(
        "versequeue.service.sweep:_Tick.check_batches", _instead(False), "no batch is looked at"
    ),
    BrokenRule(
        "versequeue.service.sweep:_Tick.notify_of_jobs", _instead(False), "no webhook is due again"
    ),
    BrokenRule(
        "versequeue.local.push:Watch.check", _give_up_on_nobody, "a worker that hangs is waited for"
    ),
    BrokenRule(
        "versequeue.backends.firestore_store:FirestoreStore.batch_unfinished",
        _count_what_waits,
        "a batch ends while its last rows are written",
    ),
    BrokenRule(
        "versequeue.backends.firestore_store:FirestoreStore.batch_counts",
        _count_in_turn,
        "a batch is counted while its jobs move",
    ),
    BrokenRule(
        "versequeue.backends.firestore_documents:Documents._write",
        _blind_write,
        "a write does not compare what it replaces",
    ),
    BrokenRule(
        "versequeue.backends.sqlite_store:SqliteStore.delete_expired",
        _delete_early,
        "what has not expired is deleted",
    ),
    BrokenRule(f"{_WEBHOOK}:record_delivery", _deaf(HTTP_GONE), "410 does not end an event"),
    BrokenRule(f"{_WEBHOOK}:start_delivery", _due_all_the_time, "two senders take one event"),
    BrokenRule(f"{_WEBHOOK}:hinted", _deliveries_without_end, "a hint is given at every tick"),
    BrokenRule(
        "versequeue.service.limits:Bill.charges", _counted_beforehand, "limits: check, then act"
    ),
    BrokenRule(
        "versequeue.service.batches:_begin_round", _round_for_everybody, "two retries retry twice"
    ),
    BrokenRule(f"{_RULES}:put_off", _count_against_the_job, "a model out of reach costs attempts"),
    BrokenRule(
        "versequeue.backends.sqlite_store:furthest",
        lambda _true: lambda now: now + FAR,
        "what a clock set before it was set back is waited for",
    ),
]
