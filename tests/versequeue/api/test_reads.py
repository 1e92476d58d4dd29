"""What looking costs: each client's reads are bounded, and what cannot change is kept."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, is_problem, make_api
from tests.support.batches import LINES, a_batch, end_all
from versequeue.api.results_batches import CHUNK_BYTES, KeptFiles
from versequeue.config import Settings
from versequeue.errors import GenerationFailed, RateLimited
from versequeue.rules.job import Status
from versequeue.service.reads import MOST_CLIENTS, Reads


def finished(settings: Settings | None = None) -> tuple[ApiUnderTest, str]:
    api = make_api(settings)
    batch_id = a_batch(api)
    end_all(api, batch_id, *[Status.SUCCEEDED] * 3)
    return api, batch_id


def page_reads(api: ApiUnderTest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with each page of rows that is read."""
    read = api.store.batch_jobs
    asked: list[str] = []

    def noted(batch_id: str, **more: Any) -> Any:
        asked.append(batch_id)
        return read(batch_id, **more)

    monkeypatch.setattr(api.store, "batch_jobs", noted)
    return asked


@pytest.mark.parametrize("form", ["jsonl", "csv", "txt"])
def test_the_results_of_a_batch_that_has_ended_are_read_once(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, batch_id = finished()
    url = f"/v1/batches/{batch_id}/results?format={form}"
    first = api.client.get(url)
    assert first.data
    asked = page_reads(api, monkeypatch)
    again = api.client.get(url)
    assert (again.data, again.content_type) == (first.data, first.content_type)
    assert again.headers["Content-Disposition"] == first.headers["Content-Disposition"]
    known = api.client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    assert asked == []


def test_a_kept_file_is_sent_in_pieces_so_that_little_of_it_lies_ready() -> None:
    api = make_api()
    batch_id = a_batch(api, ("x" * 500 + "\n").encode() * 200, "text/plain")
    end_all(api, batch_id, *[Status.CANCELED] * 200)
    url = f"/v1/batches/{batch_id}/results"
    first = api.client.get(url).data
    kept = api.client.get(url, buffered=False)
    pieces = list(kept.iter_encoded())
    assert b"".join(pieces) == first
    assert max(map(len, pieces)) <= CHUNK_BYTES < len(first)
    assert kept.content_length == len(first)


def test_whoever_has_the_results_is_told_so_by_a_server_that_does_not() -> None:
    api, batch_id = finished()
    url = f"/v1/batches/{batch_id}/results"
    etag = api.client.get(url).headers["ETag"]
    other = make_api(store=api.store, clock=api.clock)
    with pytest.MonkeyPatch.context() as patched:
        asked = page_reads(other, patched)
        assert other.client.get(url, headers={"If-None-Match": etag}).status_code == 304
        assert asked == []


def test_results_that_can_still_change_are_not_kept() -> None:
    api = make_api()
    batch_id = a_batch(api)
    url = f"/v1/batches/{batch_id}/results"
    before = api.client.get(url)
    assert "ETag" not in before.headers
    end_all(api, batch_id, Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED)
    ended = api.client.get(url)
    assert ended.data != before.data
    api.batches.retry_failed(batch_id)
    assert api.client.get(url).data != ended.data


def test_files_are_kept_as_long_as_there_is_room() -> None:
    kept = KeptFiles(most_bytes=10)
    for name, size in (("a", 4), ("b", 4), ("c", 4), ("large", 11)):
        assert b"".join(kept.keep(name, iter([b"x" * size]))) == b"x" * size
    found = [name for name in ("a", "b", "c", "large") if kept.get(name) is not None]
    assert found == ["b", "c"]
    # Somebody who goes away in the middle leaves nothing behind.
    next(kept.keep("half", iter([b"x", b"y"])))
    assert kept.get("half") is None


def test_a_client_that_reads_too_much_has_to_wait() -> None:
    api, batch_id = finished(Settings(hash_key="test", reads_per_minute=100))
    job_id = api.submit()
    statuses = [api.client.get(f"/v1/jobs/{job_id}").status_code for _ in range(60)]
    assert statuses == [200] * statuses.index(429) + [429] * (60 - statuses.index(429))
    assert 40 <= statuses.index(429) <= 55
    refused = api.client.get(f"/v1/jobs/{job_id}")
    is_problem(refused, 429, "rate-limited")
    assert int(refused.headers["Retry-After"]) >= 1
    for path in (f"/v1/batches/{batch_id}", f"/v1/batches/{batch_id}/results", "/v1/status"):
        is_problem(api.client.get(path), 429, "rate-limited")
    assert api.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("waiters", [0, 1])
def test_a_wait_is_charged_only_to_those_who_are_let_to_wait(waiters: int) -> None:
    settings = Settings(hash_key="test", reads_per_minute=100, waiters=waiters)
    api, batch_id = finished(settings)
    job_id = api.submit()
    api.jobs.cancel(job_id)
    paths = (f"/v1/jobs/{job_id}", f"/v1/batches/{batch_id}", "/v1/jobs/job_unknown")
    statuses = [api.client.get(path, headers={"Prefer": "wait=30"}).status_code for path in paths]
    assert statuses == ([200, 200, 404] if waiters == 0 else [200, 200, 429])
    api.client.post("/v1/jobs", json={}, headers={"Prefer": "wait=30"})
    assert api.client.get("/v1/status").status_code == (200 if waiters == 0 else 429)


def test_a_file_of_results_counts_all_its_rows() -> None:
    api = make_api(Settings(hash_key="test", reads_per_minute=100))
    batch_id = a_batch(api, LINES)
    rows = b"".join(b'{"prompt":"%d"}\n' % number for number in range(200))
    large = a_batch(api, rows)
    assert api.client.get(f"/v1/batches/{batch_id}/results").status_code == 200
    assert api.client.get(f"/v1/batches/{large}/results").status_code == 200
    is_problem(api.client.get(f"/v1/batches/{batch_id}/results"), 429, "rate-limited")


def test_a_wait_counts_each_of_its_looks() -> None:
    api = make_api(Settings(hash_key="test", reads_per_minute=100))
    job_id = api.submit()
    waits = {"Prefer": "wait=30"}
    answers = [api.client.get(f"/v1/jobs/{job_id}", headers=waits).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


@pytest.mark.parametrize(
    "path", ["/v1/jobs/{job}/lyrics", "/v1/status", "/v1/batches/{batch}/results"]
)
def test_what_does_not_wait_counts_one_look_whatever_it_prefers(path: str) -> None:
    api, batch_id = finished(Settings(hash_key="test", reads_per_minute=100))
    url = path.format(job=api.submit(), batch=batch_id)
    waits = {"Prefer": "wait=30"}
    answers = [api.client.get(url, headers=waits).status_code for _ in range(5)]
    assert 429 not in answers


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/v1/jobs/{job}/cancel", 26),
        ("/v1/jobs/{job}/redeliver", 26),
        ("/v1/batches/{batch}/cancel", 7),
        ("/v1/batches/{batch}/retry-failed", 7),
        ("/v1/warmup", 51),
    ],
)
def test_what_is_read_for_a_change_counts_too(path: str, most: int) -> None:
    api = make_api(Settings(hash_key="test", reads_per_minute=100))
    batch_id = a_batch(api)
    end_all(api, batch_id, Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED)
    job_id = api.submit()
    url = path.format(job=job_id, batch=batch_id)
    statuses = [api.client.post(url).status_code for _ in range(60)]
    assert statuses.index(429) <= most
    is_problem(api.client.get(f"/v1/jobs/{job_id}"), 429, "rate-limited")


def test_the_rows_that_a_refused_retry_has_read_count() -> None:
    api = make_api(Settings(hash_key="test", reads_per_minute=100))
    rows = b"".join(b'{"prompt":"%d"}\n' % number for number in range(100))
    batch_id = a_batch(api, rows)
    hopeless = GenerationFailed("never").problem().document()
    for job in list(api.batches.rows(batch_id)):
        api.store.update_job(job.id, partial(replace, status=Status.FAILED, error=hopeless))
    url = f"/v1/batches/{batch_id}/retry-failed"
    assert [api.client.post(url).status_code for _ in range(2)] == [409, 429]


@pytest.mark.parametrize(("path", "most"), [("/v1/jobs", 34), ("/v1/batches", 13)])
def test_a_key_that_is_used_again_counts_as_a_look(path: str, most: int) -> None:
    api = make_api(Settings(hash_key="test", reads_per_minute=100))
    headers = {"Idempotency-Key": "k"}
    body: dict[str, Any] = {"data": LINES, "content_type": "application/jsonl"}
    if path == "/v1/jobs":
        body = {"json": {"prompt": "rain"}}
    statuses = [api.client.post(path, headers=headers, **body).status_code for _ in range(60)]
    assert statuses[0] == 202
    assert statuses.index(429) <= most


def test_a_submission_that_waits_counts_its_looks_and_one_that_does_not_is_never_refused() -> None:
    api = make_api(Settings(hash_key="test", reads_per_minute=100))
    waits = {"Prefer": "wait=30"}
    answers = [api.post_job({"prompt": "rain"}, headers=waits).status_code for _ in range(3)]
    assert answers == [202, 202, 429]
    assert api.post_job({"prompt": "rain"}).status_code == 202


def test_what_is_read_too_much_is_paid_back_in_time_and_for_each_client_alone() -> None:
    now = 0.0
    reads = Reads(60, monotonic=lambda: now)
    reads.take("one", 150)
    with pytest.raises(RateLimited) as refused:
        reads.take("one", 1)
    reads.take("two", 1)
    now = float(refused.value.headers["Retry-After"])
    assert now == 91
    reads.take("one", 1)


def test_no_number_of_clients_fills_the_memory() -> None:
    reads = Reads(60, monotonic=lambda: 0.0)
    for number in range(MOST_CLIENTS + 10):
        reads.take(str(number), 1)
    assert len(reads._left) == MOST_CLIENTS
