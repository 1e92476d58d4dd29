"""What may be used up: by everybody in a day, by one client of it, and in a minute."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest, ManualClock, make_api
from tests.support.batches import a_batch, end, jobs_of
from tests.support.emulators import EmulatedProject
from tests.support.memory import MemoryQueue, MemoryStore
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.config import Settings
from versequeue.errors import BudgetExhausted, RateLimited, RetryRefused
from versequeue.ports.store import Store
from versequeue.rules.batch import MAX_ROUNDS, Row
from versequeue.rules.job import Status
from versequeue.rules.options import ResolvedOptions
from versequeue.service.batches import Batches
from versequeue.service.callers import Submission
from versequeue.service.jobs import Jobs

OPEN = Settings(hash_key="test", client_share=0)
OPTIONS = ResolvedOptions(seed=1, lines=4)


def rows_of(count: int) -> list[Row]:
    return [Row(n, str(n), "rain", OPTIONS) for n in range(count)]


def sides(store: Store, settings: Settings, clock: ManualClock) -> tuple[Jobs, Batches]:
    queue = MemoryQueue(clock)
    return Jobs(store, queue, settings, clock=clock), Batches(store, queue, settings, clock=clock)


def passes(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (RateLimited, BudgetExhausted):
        return False
    return True


def test_of_twenty_files_at_once_no_more_rows_are_taken_than_the_day_has(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3")
    clock = ManualClock()
    _, batches = sides(store, replace(OPEN, daily_budget=50), clock)
    with ThreadPoolExecutor(20) as pool:
        asked = [
            pool.submit(passes, lambda: batches.submit(rows_of(20), Submission()))
            for _ in range(20)
        ]
        assert sum(each.result() for each in asked) == 2
    assert store.count_created(clock() - timedelta(days=1)) == 40
    store.close()


@pytest.mark.emulators
def test_of_requests_at_once_no_more_are_taken_than_the_day_has_on_firestore(
    emulated_project: EmulatedProject,
) -> None:
    from versequeue.backends.firestore_store import FirestoreStore

    clock = ManualClock()
    settings = replace(OPEN, daily_budget=5, rate_per_minute=100)
    stores = [FirestoreStore(emulated_project.id) for _ in range(2)]

    def ask(number: int) -> bool:
        jobs, batches = sides(stores[number % 2], settings, clock)
        submission = Submission(client="one")
        if number % 3:
            return passes(lambda: jobs.submit("rain", OPTIONS, submission))
        return passes(lambda: batches.submit(rows_of(3), submission))

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(ask, range(6)))
    created = stores[0].count_created(clock() - timedelta(days=1))
    assert created == sum((1 if n % 3 else 3) for n, passed in enumerate(results) if passed)
    assert 3 <= created <= 5
    for store in stores:
        store.close()


def test_one_client_leaves_the_others_their_part_of_the_day() -> None:
    api = make_api()
    jobs, batches = sides(api.store, Settings(daily_budget=8), ManualClock())
    batches.submit(rows_of(2), Submission(client="one"))
    with pytest.raises(BudgetExhausted, match="Your share of today's budget, 2 songs"):
        jobs.submit("rain", OPTIONS, Submission(client="one"))
    for client in ("two", "three", "four"):
        batches.submit(rows_of(2), Submission(client=client))
    with pytest.raises(BudgetExhausted, match="Today's budget of 8 songs"):
        jobs.submit("rain", OPTIONS, Submission(client="five"))


def test_clients_with_a_key_may_have_all_of_the_day() -> None:
    settings = Settings(daily_budget=4, api_keys=("secret",))
    jobs, batches = sides(make_api().store, settings, ManualClock())
    batches.submit(rows_of(4), Submission(client="one"))
    with pytest.raises(BudgetExhausted, match="Today's budget"):
        jobs.submit("rain", OPTIONS, Submission(client="one"))


def test_each_row_of_a_file_counts_against_the_rate() -> None:
    clock = ManualClock()
    jobs, batches = sides(make_api().store, replace(OPEN, rate_per_minute=10), clock)
    submission = Submission(client="one")
    made = batches.submit(rows_of(35), submission)
    assert made.allowance.remaining == 0
    with pytest.raises(RateLimited):
        batches.submit(rows_of(1), submission)
    clock.pass_s(170)
    with pytest.raises(RateLimited) as refused:
        jobs.submit("rain", OPTIONS, submission)
    clock.pass_s(float(refused.value.headers["Retry-After"]))
    assert jobs.submit("rain", OPTIONS, submission)
    assert passes(lambda: jobs.submit("rain", OPTIONS, Submission(client="two")))


def test_in_no_minute_are_there_more_single_jobs_than_allowed() -> None:
    clock = ManualClock()
    jobs, _ = sides(make_api().store, replace(OPEN, rate_per_minute=5), clock)
    made = []
    for _ in range(400):
        clock.pass_s(0.7)
        if passes(lambda: jobs.submit("rain", OPTIONS, Submission(client="one"))):
            made.append(clock())
    assert all(
        (late - early).total_seconds() >= 60 for early, late in zip(made, made[5:], strict=False)
    )
    assert len(made) >= 20


def test_a_clock_that_is_set_back_makes_nobody_wait_for_longer() -> None:
    clock = ManualClock()
    jobs, _ = sides(make_api().store, replace(OPEN, rate_per_minute=1), clock)
    jobs.submit("rain", OPTIONS, Submission(client="one"))
    clock.pass_s(-3600)
    assert passes(lambda: jobs.submit("rain", OPTIONS, Submission(client="one")))
    assert not passes(lambda: jobs.submit("rain", OPTIONS, Submission(client="one")))
    clock.pass_s(61)
    assert passes(lambda: jobs.submit("rain", OPTIONS, Submission(client="one")))


@pytest.mark.parametrize("apart_s", [1, 6, 30, 59, 600, 86_400])
def test_clocks_that_differ_have_one_minute_between_them(apart_s: float) -> None:
    store, slow = MemoryStore(), ManualClock()
    fast = ManualClock(slow() + timedelta(seconds=apart_s))
    instances = [sides(store, replace(OPEN, rate_per_minute=5), each)[0] for each in (slow, fast)]
    made, limit = [], 5
    for number in range(1200):
        slow.pass_s(0.5)
        fast.pass_s(0.5)
        jobs = instances[number % 2]
        if passes(lambda: jobs.submit("rain", OPTIONS, Submission(client="one"))):  # noqa: B023
            made.append(slow())
    in_a_minute = [sum(0 <= (one - each).total_seconds() < 60 for one in made) for each in made]
    # Where the one that is ahead comes in, what the other has counted is older all at once.
    anew = 1 if apart_s < 60 else 4
    assert limit * 9 <= len(made) <= limit * (10 + anew)
    assert max(in_a_minute) <= limit * (1 + anew)


def test_jobs_that_an_older_version_made_count_too() -> None:
    api = make_api()
    old, _ = sides(api.store, OPEN, ManualClock())
    old.submit("rain", OPTIONS, Submission())
    new, _ = sides(api.store, replace(OPEN, daily_budget=2), ManualClock())
    new.submit("rain", OPTIONS, Submission())
    assert not passes(lambda: new.submit("rain", OPTIONS, Submission()))


def retried(settings: Settings) -> tuple[ApiUnderTest, str]:
    """A batch of three rows, all of which failed."""
    api = make_api(settings)
    batch_id = a_batch(api)
    fail_queued(api, batch_id)
    return api, batch_id


def fail_queued(api: ApiUnderTest, batch_id: str) -> None:
    for job in jobs_of(api, batch_id):
        if job.status is Status.QUEUED:
            end(api, job, Status.FAILED)


def test_rows_that_are_tried_again_count_against_the_day() -> None:
    api, batch_id = retried(replace(OPEN, daily_budget=7))
    retry = f"/v1/batches/{batch_id}/retry-failed"
    assert api.client.post(retry).status_code == 202
    fail_queued(api, batch_id)
    refused = api.client.post(retry)
    assert (refused.status_code, refused.get_json()["type"]) == (429, "/problems/budget-exhausted")
    assert len(jobs_of(api, batch_id)) == 6


def test_rows_that_are_tried_again_count_against_the_rate() -> None:
    api, batch_id = retried(replace(OPEN, rate_per_minute=3))
    refused = api.client.post(f"/v1/batches/{batch_id}/retry-failed")
    assert (refused.status_code, refused.get_json()["type"]) == (429, "/problems/rate-limited")
    assert len(jobs_of(api, batch_id)) == 3


def test_failed_rows_are_tried_again_so_often_and_no_more() -> None:
    api, batch_id = retried(OPEN)
    for _ in range(MAX_ROUNDS):
        api.batches.retry_failed(batch_id)
        fail_queued(api, batch_id)
    refused = api.client.post(f"/v1/batches/{batch_id}/retry-failed")
    assert (refused.status_code, refused.get_json()["type"]) == (409, "/problems/retry-refused")
    assert len(jobs_of(api, batch_id)) == 3 * (MAX_ROUNDS + 1)


def test_a_redelivery_counts_as_a_request_of_whoever_asked_for_the_song() -> None:
    api = make_api(replace(OPEN, rate_per_minute=2, webhook_allow_private=True))
    ids = [api.submit(webhook={"url": "http://127.0.0.1:1/"}) for _ in range(2)]
    api.clock.pass_s(61)
    for job_id in ids:
        api.write(job_id)
    assert api.client.post(f"/v1/jobs/{ids[0]}/redeliver").status_code == 202
    api.submit()
    refused = api.client.post(f"/v1/jobs/{ids[1]}/redeliver")
    assert (refused.status_code, refused.get_json()["type"]) == (429, "/problems/rate-limited")


def test_a_refused_retry_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api(OPEN)
    batch_id = a_batch(api)
    end(api, jobs_of(api, batch_id)[0], Status.FAILED)
    api.batches.cancel(batch_id)
    with pytest.raises(RetryRefused, match="canceled"):
        api.batches.retry_failed(batch_id)
    monkeypatch.setattr("versequeue.service.batches.is_retryable", lambda _: False)
    api, batch_id = retried(OPEN)
    with pytest.raises(RetryRefused, match="not retryable"):
        api.batches.retry_failed(batch_id)


def test_warm_ups_that_go_out_are_no_more_a_day_than_songs() -> None:
    api = make_api(replace(OPEN, daily_budget=3))
    sent = 0
    for _ in range(10):
        sent += api.jobs.warm_up()
        api.clock.pass_s(61)
    assert sent == 3
    api.clock.pass_s(86400)
    assert api.jobs.warm_up()


@pytest.mark.parametrize("share", [0, 1])
def test_near_midnight_two_clocks_that_differ_have_one_day_between_them(share: float) -> None:
    settings = Settings(hash_key="test", daily_budget=10, client_share=share)
    store, early = MemoryStore(), ManualClock(datetime(2026, 3, 1, 23, 58, tzinfo=UTC))
    late = ManualClock(early() + timedelta(minutes=4))
    passed = 0
    for number in range(40):
        jobs, _ = sides(store, settings, (early, late)[number % 2])
        passed += passes(lambda: jobs.submit("rain", OPTIONS, Submission(client="one")))  # noqa: B023
    # One song of the old day, and then the new one's.
    assert passed <= 11


def test_near_midnight_two_clocks_that_differ_have_one_day_of_warm_ups() -> None:
    store, early = MemoryStore(), ManualClock(datetime(2026, 3, 1, 23, 50, tzinfo=UTC))
    late, sent = ManualClock(early() + timedelta(minutes=12)), 0
    for number in range(40):
        jobs, _ = sides(store, replace(OPEN, daily_budget=3), (early, late)[number % 2])
        sent += jobs.warm_up()
    assert sent <= 4


def test_a_clock_that_was_ahead_by_days_ends_no_later_day() -> None:
    store, clock = MemoryStore(), ManualClock()
    clock.pass_s(5 * 86_400)
    jobs, _ = sides(store, replace(OPEN, daily_budget=1), clock)
    assert passes(lambda: jobs.submit("rain", OPTIONS, Submission()))
    store.jobs.clear()
    clock.pass_s(-5 * 86_400)
    assert passes(lambda: jobs.submit("rain", OPTIONS, Submission()))
