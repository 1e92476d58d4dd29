"""Proves from a history that the promises were kept, or says where they were not.

Pure: it knows what clients saw and when, and nothing of the server. An operation comes before
another one only if it was completed before that one was invoked; of two that overlap nothing is
concluded. An operation without an answer proves nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from tests.histories.history import Operation
from tests.histories.seen import ENDS, Seen

#: An answer that says the server is broken; 503 says that it is busy, and is allowed.
BROKEN = (500, 501, 502, 504)


Rule = Callable[[Seen], Iterator[str]]


def faults(history: Sequence[Operation]) -> list[str]:
    """Every broken promise, as a sentence; none if all were kept."""
    seen = Seen(history)
    return list(dict.fromkeys(fault for rule in RULES for fault in rule(seen)))


def every_accepted_job_has_one_end(seen: Seen) -> Iterator[str]:
    """Once it is quiet, each is done, and a timeline never has another end than the job's."""
    for job_id, views in seen.views.items():
        for view in filter(lambda view: view.whole and view.done, views):
            named = [event["event"] for event in view.job["events"] if event["event"] in ENDS]
            if named != [view.job["status"]]:
                yield f"{job_id} is {view.job['status']}, and its timeline ends as {named}"
    if seen.quiet:
        yield from _not_ended(seen, seen.quiet.invoked_at)


def _not_ended(seen: Seen, quiet_at: float) -> Iterator[str]:
    wanted = {one.seen["id"] for one in seen.accepted if one.kind == "submit"}
    for job_id in sorted(wanted.union(*seen.rows.values())):
        views = seen.views[job_id]
        if not any(view.done for view in views if view.by.invoked_at >= quiet_at):
            yield f"{job_id} has not ended"
    for one in seen.accepted:
        last = [look for look in seen.of("get_batch", one.seen["id"]) if look.accepted]
        if one.kind == "submit_batch" and not any(
            look.seen["done"] for look in last if look.invoked_at >= quiet_at
        ):
            yield f"{one.seen['id']} has not ended"


def an_acknowledged_cancel_never_succeeds(seen: Seen) -> Iterator[str]:
    """Neither the job nor, of a batch, any row that had not succeeded by then."""
    for one in seen.history:
        if one.kind == "cancel" and one.accepted and one.seen["status"] != "succeeded":
            views = seen.views[one.seen["id"]]
            if any(view.job["status"] == "succeeded" for view in views):
                yield f"{one.seen['id']} succeeded although its cancel was acknowledged"
        if one.kind == "cancel_batch" and one.accepted:
            yield from _rows_that_succeeded_after(seen, one)


def _rows_that_succeeded_after(seen: Seen, cancel: Operation) -> Iterator[str]:
    batch_id = cancel.sent["id"]
    for retry in seen.of("retry_failed", batch_id):
        # Without an answer it may happen at any time.
        if retry.status is None or retry.completed_at > cancel.invoked_at:
            return  # its new jobs are not those that were canceled
    by_then = cancel.seen["request_counts"]["succeeded"]
    for look in seen.of("get_batch", batch_id):
        if look.accepted and look.seen["request_counts"]["succeeded"] > by_then:
            yield f"rows of {batch_id} succeeded although its cancel was acknowledged"


def one_key_names_one_job(seen: Seen) -> Iterator[str]:
    """And what was sent without a key, or under another one, is another job."""
    by_key: dict[str, set[str]] = defaultdict(set)
    bodies: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for number, one in enumerate(seen.accepted):
        key = one.sent.get("key")
        owners[one.seen["id"]].add(key or f"submit {number}, without a key")
        if key:
            by_key[key].add(one.seen["id"])
            bodies[key].add(one.sent["body"])
    for key, ids in by_key.items():
        if len(ids) > 1:
            yield f"the key {key} names {', '.join(sorted(ids))}"
        if len(bodies[key]) > 1:
            yield f"the key {key} was accepted with different bodies"
    for job_id, keys in owners.items():
        if len(keys) > 1:
            yield f"{job_id} was given to different requests: {', '.join(sorted(keys))}"


def a_seen_end_never_changes(seen: Seen) -> Iterator[str]:
    """Nor does a job begin again, nor its attempt fall."""
    for job_id, views in seen.views.items():
        done = [view for view in views if view.done]
        if len({view.job["status"] for view in done}) > 1:
            yield f"{job_id} was seen to end in different ways"
        whole = [view.end for view in done if view.whole]
        if any(end != whole[0] for end in whole):
            yield f"{job_id} changed after its end"
        # In the order of completion, so only an earlier view can have come before a later one.
        for number, view in enumerate(views):
            if not view.whole and view.done:
                continue
            for earlier in views[:number]:
                if earlier.by.completed_at >= view.by.invoked_at:
                    continue
                if earlier.done and not view.done:
                    yield f"{job_id} was done and then {view.job['status']}"
                if view.whole and earlier.whole and earlier.job["attempt"] > view.job["attempt"]:
                    yield f"{job_id} went back to an earlier attempt"


def batch_completed_follows_the_end_of_every_row(seen: Seen) -> Iterator[str]:
    """By what the event says itself, and by whatever was seen of the rows after it."""
    for event in seen.events:
        if event.seen["type"] != "batch.completed":
            continue
        batch_id = event.seen["data"]["id"]
        counts = event.seen["data"]["request_counts"]
        if sum(counts[status] for status in ENDS) != counts["total"]:
            yield f"batch.completed of {batch_id} says that rows have not ended"
        retries = [retry.invoked_at for retry in seen.of("retry_failed", batch_id)]
        before_a_retry = min(retries, default=float("inf"))
        for job_id in sorted(seen.rows[batch_id]):
            for view in seen.views[job_id]:
                after = event.completed_at < view.by.invoked_at < before_a_retry
                if after and not view.done:
                    yield f"{job_id} had not ended when batch.completed came"


def one_webhook_id_per_event(seen: Seen) -> Iterator[str]:
    """One id for all deliveries of an event, and the event is that of the job's end."""
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    events: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for event in seen.events:
        named = (event.seen["data"]["id"], event.seen["type"])
        ids[named].add(event.seen["webhook_id"])
        events[event.seen["webhook_id"]].add(named)
    for webhook_id, names in events.items():
        if len(names) > 1:
            yield f"{webhook_id} was the id of {sorted(names)}"
    for (target, kind), found in ids.items():
        rounds = len(seen.of("retry_failed", target)) if kind == "batch.completed" else 0
        if len(found) > 1 + rounds:
            yield f"{kind} of {target} came under {len(found)} ids"
        for view in seen.views.get(target, ()):
            if view.done and kind != f"job.{view.job['status']}":
                yield f"{kind} was told of {target}, which is {view.job['status']}"


def every_end_is_told(seen: Seen) -> Iterator[str]:
    """If there was time for it, whoever wanted to be told was told, or it was at least tried."""
    if not seen.quiet or not seen.quiet.sent.get("time_to_tell"):
        return
    told = {event.seen["data"]["id"] for event in seen.events}
    for one in seen.accepted:
        target = one.seen["id"]
        if not one.seen.get("webhook") or target in told:
            continue
        looks = [*seen.of("get", target), *seen.of("get_batch", target)]
        last = [
            look for look in looks if look.accepted and look.invoked_at >= seen.quiet.invoked_at
        ]
        if any(look.seen["done"] and not look.seen["webhook"]["deliveries"] for look in last):
            yield f"nobody was told that {target} has ended"


def nothing_accepted_is_unknown_later(seen: Seen) -> Iterator[str]:
    """No 404 and no 410 for what was accepted before."""
    since: dict[str, float] = {}
    for one in seen.accepted:
        since.setdefault(one.seen["id"], one.completed_at)
    for one in seen.history:
        target = one.sent.get("id", "")
        if one.status in (404, 410) and one.invoked_at > since.get(target, float("inf")):
            yield f"{target} was accepted, and then {one.kind} was answered {one.status}"


def nothing_broke(seen: Seen) -> Iterator[str]:
    """No answer says that the server is at fault."""
    for one in seen.history:
        if one.status in BROKEN:
            yield f"{one.kind} was answered {one.status}: {one.seen.get('detail', '')}"


RULES: tuple[Rule, ...] = (
    every_accepted_job_has_one_end,
    an_acknowledged_cancel_never_succeeds,
    one_key_names_one_job,
    a_seen_end_never_changes,
    batch_completed_follows_the_end_of_every_row,
    one_webhook_id_per_event,
    every_end_is_told,
    nothing_accepted_is_unknown_later,
    nothing_broke,
)
