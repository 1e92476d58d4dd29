"""A hostile visitor's day in small: whatever he does, ten ordinary visitors get their songs."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bench.hostile.attacks import ATTACKS
from bench.hostile.day import Size, day, waits
from bench.hostile.visitors import TOLD_LIMIT_S, Song
from bench.stored_jobs import queued_job, store_jobs
from tests.support.memory import MemoryQueue
from tests.support.model_bundles import tiny_bundle
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.clock import utc_now
from versequeue.service.sweep import sweep

pytestmark = pytest.mark.long

__all__ = ["tiny_bundle"]
#: Enough of each to stop a server that lets it in.
SMALL = Size(
    {
        "slow-headers": 1000,
        "waiters": 100,
        "big-bodies": 6,
        "dead-receivers": 100,
        "slow-prompts": 12,
    },
    body_mib=40,
    songs=1,
    lines=4,
    limit_s=60,
)
#: Far more than it takes: a server that keeps what it is sent takes more than that.
MEMORY_MIB, DISK_MIB, MESSAGES = 600, 60, 300


@pytest.mark.processes
@pytest.mark.parametrize("attacks", [*((name,) for name in ATTACKS), tuple(ATTACKS)], ids="+".join)
def test_ordinary_visitors_get_their_songs_whatever_one_attacker_does(
    attacks: Sequence[str], tiny_bundle: Path
) -> None:
    found = day(SMALL, attacks, tiny_bundle)
    assert found["ended"] == 0
    assert found["5xx"] == found["broken"] == 0
    assert found["unfinished"] == 0, "songs of ordinary visitors did not succeed"
    assert found["untold"] == 0, "ordinary receivers were not told"
    assert found["memory"] < MEMORY_MIB
    assert found["disk"] < DISK_MIB
    assert found["messages"] < MESSAGES


def test_what_nobody_is_to_write_is_not_sent_to_a_worker_by_the_sweep(tmp_path: Path) -> None:
    moments = [utc_now() - timedelta(seconds=300 - number) for number in range(300)]
    store_jobs(tmp_path, [queued_job(number, at) for number, at in enumerate(moments)])
    store = SqliteStore(tmp_path / "store.sqlite3")
    assert sweep(store, MemoryQueue(utc_now)).republished == 0
    store.close()


def test_a_song_that_never_came_counts_as_the_limit() -> None:
    written = Song("/a", 10.0, done_at=13.0, status="succeeded", told_at=14.0)
    written.answers.update({202: 1, 503: 1, 0: 2})
    found = waits([written, Song("/b", 10.0)], limit_s=60)
    assert found["p50"] == (3 + 60) / 2
    assert found["told p95"] > TOLD_LIMIT_S
    assert (found["unfinished"], found["untold"]) == (1, 1)
    assert (found["5xx"], found["no answer"]) == (1, 2)
