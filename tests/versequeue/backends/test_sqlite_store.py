"""The store on a file: what the disk and other processes can do to it."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.samples import NOW, at, batch_of, finished_job, key_record, queued_job
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.backends.sqlite_tables import SCHEMA
from versequeue.errors import StartupError, StoreUnavailable
from versequeue.ports.store import State
from versequeue.records import format_time, to_json
from versequeue.rules.job import Job, Status
from versequeue.rules.transitions import note
from versequeue.rules.webhook import Pending, Webhook

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.sqlite3"


@pytest.fixture
def powerless() -> Iterator[Path]:
    """A folder that everybody can read, while this process has no rights of its own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    user = os.geteuid()
    yield folder
    if os.geteuid() != user:
        os.seteuid(user)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_the_folder_is_made(path: Path) -> None:
    SqliteStore(path).close()
    assert path.is_file()


def test_jobs_survive_the_end_of_the_process(path: Path) -> None:
    create = (
        "import os, sys; from pathlib import Path;"
        "from tests.support.samples import NOW, queued_job;"
        "from versequeue.backends.sqlite_store import SqliteStore;"
        "SqliteStore(Path(sys.argv[1])).create([queued_job()], now=NOW); os._exit(9)"
    )
    root = ROOT
    command = [sys.executable, "-c", create, str(path)]
    assert subprocess.run(command, cwd=root, timeout=60, check=False).returncode == 9
    assert SqliteStore(path).get_job("job_1") == queued_job()


def test_every_commit_waits_for_the_disk(path: Path) -> None:
    connection = SqliteStore(path)._file._connection()
    full = 2
    assert connection.execute("PRAGMA synchronous").fetchone() == (full,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_many_can_open_a_new_file_at_once(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: SqliteStore(path), range(8)))
    stores[0].create([queued_job()], now=NOW)
    assert all(store.get_job("job_1") for store in stores)


def test_fields_of_a_newer_version_are_ignored_and_those_it_dropped_have_defaults(
    path: Path,
) -> None:
    store = SqliteStore(path)
    store.create([finished_job()], now=NOW)
    with sqlite3.connect(path) as connection:
        [[body]] = connection.execute("SELECT body FROM jobs").fetchall()
        changed = json.loads(body) | {"mood_ring": {"colour": "blue"}}
        del changed["metrics"]
        connection.execute("UPDATE jobs SET body = ?", (json.dumps(changed),))
    connection.close()
    assert store.get_job("job_done") == replace(finished_job(), metrics=queued_job().metrics)


def test_a_full_disk_refuses_the_new_job_and_keeps_the_old_ones(path: Path) -> None:
    store = SqliteStore(path)
    kept = [queued_job(f"job_{n}") for n in range(3)]
    store.create(kept, now=NOW)
    connection = store._file._connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    large = [queued_job(f"job_large_{n}", prompt="x" * 500) for n in range(100)]
    with pytest.raises(StoreUnavailable, match="The job store fails: the disk is full"):
        store.create(large, now=NOW)
    assert [store.get_job(job.id) for job in kept] == kept
    assert store.count_queued() == 3
    connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    store.create(large, now=NOW)
    assert store.count_queued() == 103


def test_a_disk_that_turned_read_only_still_answers(path: Path) -> None:
    store = SqliteStore(path)
    store.create([queued_job()], now=NOW)
    store._file._connection().execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="cannot be written to"):
        store.create([queued_job("job_2")], now=NOW)
    assert store.get_job("job_1") == queued_job()


def test_a_lock_that_is_held_for_too_long_is_store_unavailable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("versequeue.backends.sqlite_file.BUSY_TIMEOUT_S", 0.05)
    store = SqliteStore(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another process"):
        store.create([queued_job()], now=NOW)
    other.execute("ROLLBACK")
    store.create([queued_job()], now=NOW)
    other.close()


def test_an_unwritable_folder_is_named_at_the_start(powerless: Path) -> None:
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    else:
        powerless.chmod(0o555)
    with pytest.raises(StartupError, match=r"store\.sqlite3 cannot be used: .*--data-dir"):
        SqliteStore(powerless / "store.sqlite3")


def test_an_unwritable_file_is_named_at_the_start(powerless: Path) -> None:
    path = powerless / "store.sqlite3"
    SqliteStore(path).close()
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    else:
        path.chmod(0o444)
        powerless.chmod(0o555)
    with pytest.raises(StartupError, match=r"store\.sqlite3 cannot be used: .*--data-dir"):
        SqliteStore(path)


def test_a_file_in_the_place_of_the_folder_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StartupError, match="cannot be used: File exists"):
        SqliteStore(tmp_path / "data" / "store.sqlite3")


@pytest.mark.parametrize(
    "content", [b"no SQLite file at all " * 200, b"SQLite format 3\0" + b"?" * 9999]
)
def test_a_damaged_file_is_named_at_the_start_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StartupError, match=r"store\.sqlite3 cannot be used: it is damaged"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_damage_that_is_met_later_is_store_unavailable(path: Path) -> None:
    store = SqliteStore(path)
    store.create([queued_job(f"job_{n}", prompt="x" * 400) for n in range(200)], now=NOW)
    store.close()
    page = 4096
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(2 * page)
        file.write(b"\xff" * (size - 2 * page))
    with pytest.raises(StoreUnavailable, match="it is damaged"):
        SqliteStore(path).get_job("job_150")


def test_a_file_of_an_older_version_is_brought_up_to_date(path: Path) -> None:
    path.parent.mkdir()
    hook = Webhook("https://example.org", pending=Pending("job.failed", "msg_1", 0, at(20)))
    ended = queued_job("job_hook", status=Status.FAILED, webhook=hook)
    batch = batch_of("batch_done", finished_at=at(1), webhook=hook)
    with sqlite3.connect(path) as connection:
        for statement in SCHEMA[0]:
            connection.execute(statement)
        for table, document in (("jobs", ended), ("batches", batch)):
            names = ["id", "due_at", "expires_at", "body"]
            values = [document.id, format_time(at(20)), "9", to_json(document)]
            if table == "jobs":
                names += ["status", "position", "client", "created_at"]
                values += ["failed", "0", "", format_time(NOW)]
            marks = ", ".join("?" * len(names))
            connection.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values)
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = SqliteStore(path)
    store.create([queued_job()], now=NOW)
    assert (store.due_jobs(at(30)), store.due_batches(at(30))) == ([], [])
    assert store.jobs_to_notify(at(30)) == [ended]
    assert store.batches_to_notify(at(30)) == [batch]
    assert store.jobs_to_notify(at(19)) == []


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StartupError, match="newer version"):
        SqliteStore(path)


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
def test_a_file_that_was_deleted_or_replaced_under_its_server_takes_nothing_more(
    replaced: bool, path: Path
) -> None:
    store = SqliteStore(path)
    store.create([queued_job()], now=NOW)

    def exchange(job: Job) -> Job:
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
        if replaced:
            SqliteStore(path).close()
        return replace(job, attempt=1)

    gone = pytest.raises(StoreUnavailable, match="deleted or replaced")
    with gone:  # what waited for the lock, or had it
        store.update_job("job_1", exchange)
    uses: list[Callable[[], object]] = [
        lambda: store.create([queued_job("job_2")], now=NOW),
        lambda: store.get_job("job_1"),
    ]
    for use in uses:
        with gone:
            use()
        with ThreadPoolExecutor(1) as pool, gone:  # nor by a connection of its own
            pool.submit(use).result(timeout=10)
    assert path.exists() == replaced


def test_a_connection_to_a_file_that_was_emptied_is_given_up_after_one_wait(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("versequeue.backends.sqlite_file.BUSY_TIMEOUT_S", 0.3)
    store = SqliteStore(path)
    store.create([queued_job()], now=NOW)
    os.truncate(path, 0)
    began_s = time.monotonic()
    with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailable):
        pool.submit(store.create, [queued_job("job_2")], now=NOW).result(timeout=30)
    assert time.monotonic() - began_s < 4, "twenty waits are six seconds"


def test_a_closed_store_is_unavailable_in_every_thread(path: Path) -> None:
    store = SqliteStore(path)
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.get_job("job_1")
    with ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailable, match="closed"):
        pool.submit(store.get_job, "job_1").result(timeout=10)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_store_that_was_opened_before_a_fork_is_refused_in_the_child(path: Path) -> None:
    store = SqliteStore(path)
    child = os.fork()
    if child == 0:
        try:
            store.create([queued_job()], now=NOW)
        except RuntimeError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert store.get_job("job_1") is None


def test_a_change_waits_for_the_one_before_it(path: Path) -> None:
    first, second = SqliteStore(path), SqliteStore(path)

    def count(state: State) -> State:
        return {"n": state.get("n", 0) + 1}

    with ThreadPoolExecutor(1) as pool:

        def count_slowly(state: State) -> State:
            other = pool.submit(second.update_state, "count", count)
            assert wait([other], timeout=0.2).not_done
            return count(state)

        first.update_state("count", count_slowly)
    assert first.get_state("count") == {"n": 2}


def test_a_create_that_fails_half_way_has_written_nothing(path: Path) -> None:
    store = SqliteStore(path)
    store.create([queued_job("job_1")], now=NOW)
    with pytest.raises(sqlite3.IntegrityError):
        store.create([queued_job("job_2"), queued_job("job_1")], record=key_record(), now=NOW)
    assert store.get_job("job_2") is None
    assert store.get_record("key_1") is None


def test_every_search_has_the_index_that_was_made_for_it(path: Path) -> None:
    store = SqliteStore(path)
    plans: list[str] = []
    read = store._file.read

    def explain(sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        plans.extend(row[3] for row in read(f"EXPLAIN QUERY PLAN {sql}", values))
        return read(sql, values)

    store._file.read = explain  # type: ignore[method-assign]
    store.due_jobs(NOW)
    store.due_batches(NOW)
    store.batch_jobs("batch_1")
    store.batch_counts("batch_1")
    store.ended_jobs("batch_1", NOW)
    store.count_queued()
    store.count_queued(NOW)
    store.queued_jobs(NOW, 8)
    store.count_queued(NOW, singles=True)
    assert "COVERING INDEX jobs_queued" in plans[-1], "every poll of a queued job asks this"
    store.count_created(NOW)
    store.jobs_to_notify(NOW)
    store.batches_to_notify(NOW)
    searches = [plan for plan in plans if re.match(r"SEARCH|SCAN (?!\(subquery)", plan)]
    assert len(searches) == 16
    used = {plan.split(" INDEX ")[1].split()[0] for plan in searches}
    jobs = {"jobs_due", "jobs_queued", "jobs_batch", "jobs_created", "jobs_notify", "jobs_ended"}
    assert used == jobs | {"batches_due", "batches_notify"}


def test_whoever_wants_to_write_waits_only_as_long_as_another_one_writes(path: Path) -> None:
    first, second = SqliteStore(path), SqliteStore(path)
    first.create([queued_job()], now=NOW)
    with ThreadPoolExecutor(1) as pool:

        def change(job: Job) -> Job:
            inside.set()
            assert not wait([waiting], timeout=0.05).done
            return note(job, NOW, "first")

        def late() -> Job | None:
            assert inside.wait(5)
            return second.update_job("job_1", lambda job: note(job, NOW, "second"))

        inside = Event()
        waiting = pool.submit(late)
        first.update_job("job_1", change)
        job = waiting.result(timeout=2)
    assert job is not None
    assert {event.event for event in job.events} == {"first", "second"}
