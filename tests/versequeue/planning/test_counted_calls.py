"""What the bill says that a job reads and writes, against what the code asks of Firestore."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.support.api import ApiUnderTest, make_api
from tests.support.emulators import EmulatedProject
from tests.support.samples import song_of
from versequeue.backends.firestore_documents import Document, Documents, New, Query
from versequeue.backends.firestore_store import FirestoreStore
from versequeue.config import Settings
from versequeue.planning import store_calls as told
from versequeue.rules.job import Metrics, Stage
from versequeue.rules.options import ResolvedOptions
from versequeue.service.attempt import Attempt
from versequeue.service.callers import Submission
from versequeue.service.jobs import OUTLOOK_KEPT_S
from versequeue.service.sweep import sweep

pytestmark = pytest.mark.emulators


class Billed(Documents):
    """Counts what Firestore bills: each document read or written, and each answer without any."""

    def __init__(self, project: str) -> None:
        super().__init__(project)
        self.calls: Counter[str] = Counter()

    def read(self, collection: str, name: str) -> Document | None:
        self.calls["reads"] += 1
        return super().read(collection, name)

    def find(self, query: Query) -> list[Document]:
        found = super().find(query)
        self.calls["reads"] += max(1, len(found))
        return found

    def count(self, query: Query) -> int:
        self.calls["reads"] += 1  # of up to a thousand index entries
        return super().count(query)

    def sum(self, query: Query, field: str) -> float:
        self.calls["reads"] += 1  # of up to a thousand index entries
        return super().sum(query, field)

    def _write(self, documents: Sequence[New], timeout_s: float) -> None:
        super()._write(documents, timeout_s)
        self.calls["writes"] += len(documents)

    def since(self) -> tuple[int, int]:
        """(reads, writes) since this was last asked."""
        counted = self.calls["reads"], self.calls["writes"]
        self.calls.clear()
        return counted


@pytest.fixture
def counted(emulated_project: EmulatedProject) -> Iterator[tuple[ApiUnderTest, Billed]]:
    store, documents = FirestoreStore(emulated_project.id), Billed(emulated_project.id)
    store._documents = documents
    settings = Settings(hash_key="test", daily_budget=1000, rate_per_minute=600)
    api = make_api(settings, store)
    # The first of a day finds no tally, and the first song nothing that was measured.
    api.write(api.submit(), ("la",) * 16)
    later(api, documents)
    yield api, documents
    store.close()


def later(api: ApiUnderTest, documents: Billed) -> None:
    """Let what is kept in memory for a moment be forgotten, and what was counted."""
    api.clock.pass_s(OUTLOOK_KEPT_S)
    documents.since()


SONG, TOOK = song_of("one", "two"), Metrics(generate_s=1.0, cold_start=False)
ONE_WRITE = (told.CALLS_OF_A_WRITE, told.CALLS_OF_A_WRITE)


def claimed(api: ApiUnderTest, job_id: str) -> Attempt:
    """The job in a worker's hands."""
    attempt = api.worker_side.claim(job_id, Stage.WRITING)
    assert attempt
    return attempt


def test_a_song_makes_the_calls_that_are_on_its_bill(
    counted: tuple[ApiUnderTest, Billed],
) -> None:
    api, documents = counted
    key = {"Idempotency-Key": "one-and-only"}
    job_id = api.post_job({"prompt": "rain"}, headers=key).get_json()["id"]
    assert documents.since() == (told.READS_TO_SUBMIT, 1 + told.WRITES_BESIDE_JOBS)
    later(api, documents)
    api.client.get(f"/v1/jobs/{job_id}")
    assert documents.since() == (told.READS_TO_POLL, 0)
    attempt = claimed(api, job_id)
    assert documents.since() == ONE_WRITE
    api.clock.pass_s(told.PROGRESS_S)
    attempt.lines(["one"])
    assert documents.since() == ONE_WRITE
    attempt.succeed(SONG, TOOK)
    assert documents.since() == (told.READS_AT_THE_END, told.WRITES_AT_THE_END)


def test_a_file_makes_the_calls_that_are_on_its_bill(
    counted: tuple[ApiUnderTest, Billed],
) -> None:
    api, documents = counted
    rows = b"".join(b'{"prompt": "rain %d"}\n' % number for number in range(3))
    answer = api.client.post(
        "/v1/batches",
        data=rows,
        content_type="application/jsonl",
        headers={"Idempotency-Key": "this-file"},
    )
    assert documents.since() == (told.READS_TO_SUBMIT_FILE, 3 + told.WRITES_BESIDE_ROWS)
    batch_id = answer.get_json()["id"]
    api.client.get(f"/v1/batches/{batch_id}")
    assert documents.since() == (told.READS_TO_POLL_FILE, 0)
    first, second, third = [job.id for job in api.batches.rows(batch_id)]
    claimed(api, first).succeed(SONG, TOOK)
    documents.since()
    attempt = claimed(api, second)
    assert documents.since() == ONE_WRITE
    api.clock.pass_s(told.ROWS_PROGRESS_S - 0.1)
    attempt.lines(["one"])
    assert documents.since() == (0, 0)
    api.clock.pass_s(0.1)
    attempt.lines(["one"])
    assert documents.since() == ONE_WRITE
    attempt.succeed(SONG, TOOK)
    assert documents.since() == (told.READS_AT_A_ROWS_END, told.WRITES_AT_THE_END)
    attempt = claimed(api, third)
    api.clock.pass_s(2)  # what a worker has measured is written once a second at most
    documents.since()
    attempt.succeed(SONG, TOOK)
    assert documents.since() == (
        told.READS_AT_A_ROWS_END + told.READS_AT_A_FILES_END,
        told.WRITES_AT_THE_END + told.WRITES_AT_A_FILES_END,
    )


def test_those_who_wait_behind_others_share_what_is_read_of_the_queue(
    counted: tuple[ApiUnderTest, Billed],
) -> None:
    api, documents = counted
    waiting = []
    for number in range(10):  # of one client the last would give way to all others
        api.clock.pass_s(0.01)
        asked = api.jobs.submit("rain", ResolvedOptions(seed=1), Submission(f"client {number}"))
        waiting.append(asked.found.id)
    later(api, documents)
    of_one = told.READS_TO_POLL - 1  # the worker's document is read for all of them
    for path in [f"/v1/jobs/{job_id}" for job_id in waiting] + ["/v1/status"]:
        api.client.get(path)
    assert documents.since() == (11 * of_one + 1 + told.READS_OF_THE_FIRST, 0)
    claimed(api, waiting[0])
    documents.since()
    for job_id in waiting[5:]:
        api.client.get(f"/v1/jobs/{job_id}")
    assert documents.since() == (5 * of_one + told.READS_OF_THE_FIRST, 0)


def test_a_look_at_the_metrics_costs_as_many_reads_as_it_says(
    counted: tuple[ApiUnderTest, Billed],
) -> None:
    api, documents = counted
    answer = api.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.status_code == 200
    assert documents.since() == (told.READS_TO_SCRAPE, 0)


def test_a_sweep_that_finds_nothing_makes_five_searches(
    counted: tuple[ApiUnderTest, Billed],
) -> None:
    api, documents = counted
    sweep(api.store, api.queue, api.clock)
    assert documents.since() == (told.READS_TO_SWEEP, 0)
