"""Jobs that are written straight into a store, so that a benchmark finds them there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from versequeue.backends.sqlite_store import SqliteStore
from versequeue.rules.job import Job
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.transitions import FURTHEST_S

PROMPT = "a night train through the rain"
#: Written in one transaction.
CHUNK = 2000


def queued_id(number: int) -> str:
    """The id of the job with this number."""
    return f"job_{number:040x}"


def queued_job(number: int, created_at: datetime) -> Job:
    """A waiting job without a message, which the sweep leaves alone for half an hour from now.

    What is to be looked at later than that was set by a clock that was set back, to the sweep.
    """
    return Job(
        id=queued_id(number),
        prompt=PROMPT,
        options=ResolvedOptions(seed=number),
        created_at=created_at,
        expires_at=created_at + timedelta(days=30),
        deadline_at=created_at + timedelta(days=2),
        publish_at=datetime.now(UTC) + timedelta(seconds=FURTHEST_S - 600),
    )


def store_jobs(data_dir: Path, jobs: Sequence[Job]) -> None:
    """Write all of `jobs` into the store of `data_dir`."""
    data_dir.mkdir(exist_ok=True)
    store = SqliteStore(data_dir / "store.sqlite3")
    for start in range(0, len(jobs), CHUNK):
        store.create(jobs[start : start + CHUNK], now=datetime.now(UTC))
    store.close()


def waiting_job(data_dir: Path) -> Job:
    """A new queued job in the store of `data_dir`, with an id of its own."""
    now = datetime.now(UTC)
    job = queued_job(int(now.timestamp() * 1e9), now)
    store_jobs(data_dir, [job])
    return job
