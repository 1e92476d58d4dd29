"""Submitting batches over HTTP: one file in, many jobs, every bad field and row named."""

import io
import threading
from pathlib import Path

import pytest

from tests.support.api import make_api
from tests.support.batches import LINES, a_batch, jobs_of, look, rows_of, upload
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.config import Settings
from versequeue.errors import QueueUnavailable
from versequeue.ports.queue import Topic
from versequeue.rules.batch import JOBS_PER_MESSAGE, MAX_FILE_BYTES, MAX_ROWS, Row
from versequeue.rules.options import ResolvedOptions
from versequeue.service.callers import Submission
from versequeue.service.sweep import sweep

NOT_A_FILE = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--'


def test_a_file_becomes_a_batch_and_its_rows_become_jobs() -> None:
    api = make_api()
    made = upload(api, query="?style=pop&lines=12")
    assert made.status_code == 202
    batch = made.get_json()
    assert made.headers["Location"] == batch["urls"]["self"] == f"/v1/batches/{batch['id']}"
    assert made.headers["Retry-After"]
    assert (batch["status"], batch["done"], batch["finished_at"]) == ("running", False, None)
    ended = dict.fromkeys(("running", "succeeded", "failed", "canceled", "expired"), 0)
    assert batch["request_counts"] == {"total": 3, "queued": 3, **ended}
    jobs = jobs_of(api, batch["id"])
    assert [(job.custom_id, job.line, job.options.lines) for job in jobs] == [
        ("1", 1, 12),
        ("two", 2, 8),
        ("3", 3, 12),
    ]
    assert {job.options.style for job in jobs} == {"pop"}
    assert api.messages(Topic.BULK) == [{"job_ids": [job.id for job in jobs]}]
    assert api.messages(Topic.JOBS) == []
    job = api.client.get(f"/v1/jobs/{jobs[1].id}").get_json()
    assert (job["batch_id"], job["custom_id"]) == (batch["id"], "two")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/x-ndjson", b'{"prompt":"a"}\n'),
        ("text/csv", b"prompt,lines\r\na,16\r\n"),
        ("text/csv; charset=utf-8", "\ufeffprompt\na\n".encode()),
        ("text/plain", b"a\n"),
    ],
)
def test_every_format_is_taken(kind: str, data: bytes) -> None:
    api = make_api()
    (job,) = jobs_of(api, a_batch(api, data, kind))
    assert (job.prompt, job.options.lines) == ("a", 16)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("p.csv", "application/vnd.ms-excel"), ("p.csv", "text/csv"), ("p.bin", "text/csv")],
)
def test_a_form_brings_the_file_and_the_options_of_all_rows(name: str, kind: str) -> None:
    api = make_api()
    made = api.client.post(
        "/v1/batches?mood=glad&lines=4",
        data={
            "file": (io.BytesIO(b"prompt,style\na,folk\nb,\n"), name, kind),
            "style": "soul",
            "lines": "8",
            "explicit": "true",
            "seed": "",
            "metadata": '{"for": "the choir"}',
        },
    )
    assert made.status_code == 202, made.get_json()
    assert made.get_json()["metadata"] == {"for": "the choir"}
    first, second = jobs_of(api, made.get_json()["id"])
    assert (first.options.style, second.options.style) == ("folk", "soul")
    for job in (first, second):
        assert (job.options.lines, job.options.mood, job.options.explicit) == (8, "glad", True)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?lines=3", "/lines"),
        ("?tune=x", "/tune"),
        ("?metadata=x", "/metadata"),
        ("?metadata=[]", "/metadata"),
        ("?webhook_events=job.failed", "/webhook/url"),
        ("?webhook_url=http://localhost/&webhook_events=job.begun", "/webhook/events/0"),
    ],
)
def test_a_wrong_field_is_named(query: str, pointer: str) -> None:
    api = make_api()
    refused = upload(api, query=query)
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/validation")
    assert [error["pointer"] for error in refused.get_json()["errors"]] == [pointer]


def test_one_bad_row_refuses_the_file_before_anything_is_queued() -> None:
    api = make_api()
    refused = upload(api, b'{"prompt":"a"}\n{"prompt":""}\nnonsense\n')
    assert refused.status_code == 422
    assert refused.content_type == "application/problem+json"
    document = refused.get_json()
    assert document["type"] == "/problems/batch-invalid"
    assert [(e["line"], e["custom_id"], e["code"]) for e in document["errors"]] == [
        (2, "2", "missing-prompt"),
        (3, None, "invalid-json-line"),
    ]
    assert api.store.count_queued() == 0
    assert api.messages(Topic.BULK) == []


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"", "text/plain", 422),
        (b"x\n" * (MAX_ROWS + 1), "text/plain", 422),
        (b"x" * (MAX_FILE_BYTES + 1), "text/plain", 413),
        ("café".encode("latin-1"), "text/plain", 422),
        (b"a\0b", "text/plain", 422),
        (b"PK\x03\x04", "text/csv", 422),
        (b"x", "application/json", 415),
        (b"x", "application/octet-stream", 415),
        (b"x", "", 415),
        (b"x", "text/plain; charset=latin-1", 415),
        (b"x", "multipart/form-data", 422),
        (b"x", "multipart/form-data; boundary=b", 422),
        (NOT_A_FILE, "multipart/form-data; boundary=b", 422),
    ],
)
def test_what_is_no_prompt_file_gets_an_answer_that_says_so(
    data: bytes, kind: str, status: int
) -> None:
    api = make_api()
    refused = upload(api, data, kind)
    assert refused.status_code == status, refused.get_json()
    assert refused.content_type == "application/problem+json"
    assert refused.get_json()["detail"]


def test_a_file_in_a_form_has_the_same_limit_as_a_bare_one() -> None:
    api = make_api()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="p.txt"\r\n\r\n'
    most = MAX_FILE_BYTES
    for size, status in ((most, 422), (most + 1, 413), (2 * most, 413)):
        form = head + b"x" * size + b"\r\n--b--\r\n"
        assert upload(api, form, "multipart/form-data; boundary=b").status_code == status


def test_the_same_key_and_file_is_the_same_batch() -> None:
    api = make_api()
    first = upload(api, Idempotency_Key="k")
    again = upload(api, Idempotency_Key="k")
    assert again.status_code == 202
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json()["id"] == first.get_json()["id"]
    assert api.store.count_queued() == 3
    other_file = upload(api, LINES + b"\n", Idempotency_Key="k")
    for other in (other_file, upload(api, query="?lines=4", Idempotency_Key="k")):
        assert (other.status_code, other.get_json()["type"]) == (
            422,
            "/problems/idempotency-key-reused",
        )


def test_two_uploads_at_once_with_one_key_are_one_batch(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3")
    api = make_api(store=store)
    rows = [Row(n, str(n), "x", ResolvedOptions(seed=n)) for n in range(20)]
    start = threading.Barrier(4)
    ids: list[str] = []

    def run() -> None:
        start.wait()
        accepted = api.batches.submit(rows, Submission(key="k", body=b"the file"))
        ids.append(accepted.found.id)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1
    assert store.count_queued() == 20
    store.close()


def test_a_thousand_rows_are_on_disk_once_they_are_accepted(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3")
    api = make_api(store=store)
    rows = b"".join(b'{"prompt":"song %d","custom_id":"row %d"}\n' % (n, n) for n in range(1000))
    batch_id = a_batch(api, rows)
    assert look(api, batch_id)["request_counts"]["queued"] == 1000
    assert len(rows_of(api, batch_id)) == 1000
    store.close()


def test_a_visitor_is_not_counted_behind_the_rows_of_a_batch() -> None:
    api = make_api()
    a_batch(api, b"x\n" * 50, "text/plain")
    api.clock.pass_s(1)
    made = api.client.post("/v1/jobs", json={"prompt": "the sea"})
    assert made.get_json()["queue_position"] == 1


def test_messages_carry_at_most_eight_jobs_and_name_each_once() -> None:
    api = make_api()
    batch_id = a_batch(api, b"x\n" * 20, "text/plain")
    messages = api.messages(Topic.BULK)
    assert [len(message["job_ids"]) for message in messages] == [8, 8, 4]
    assert JOBS_PER_MESSAGE == 8
    named = [job_id for message in messages for job_id in message["job_ids"]]
    assert named == [job.id for job in jobs_of(api, batch_id)]


def test_a_queue_that_is_away_does_not_lose_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api()

    def away(*_: object) -> None:
        raise QueueUnavailable()

    with monkeypatch.context() as patched:
        patched.setattr(api.queue, "publish", away)
        batch_id = a_batch(api, b"x\n" * 20, "text/plain")
    api.clock.pass_s(600)
    sweep(api.store, api.queue, api.clock)
    named = [job_id for message in api.messages(Topic.BULK) for job_id in message["job_ids"]]
    assert sorted(named) == sorted(job.id for job in jobs_of(api, batch_id))


def test_the_daily_budget_counts_every_row() -> None:
    api = make_api(Settings(hash_key="test", daily_budget=5, client_share=1))
    assert upload(api).status_code == 202
    refused = upload(api)
    assert (refused.status_code, refused.get_json()["type"]) == (429, "/problems/budget-exhausted")
    assert api.store.count_queued() == 3
