"""What the bench of waits keeps of a day; nothing is timed here."""

from pathlib import Path

import pytest

from bench import waits
from bench.waits import BEGUN, SUBMITTED, Notes, Told
from tests.support.day_of_songs import recorded
from tests.support.samples import at, queued_job
from versequeue.backends.sqlite_store import SqliteStore
from versequeue.rules.job import Event, Metrics, Status
from versequeue.service.estimates import FirstLines


def test_what_is_kept_of_a_song_can_be_told_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(waits, "DAY", tmp_path / "kept" / "day.jsonl")
    job = queued_job(
        status=Status.SUCCEEDED,
        events=(Event(at(0), "queued"), Event(at(1), "claimed", 1, "writing")),
        finished_at=at(9),
        together=2,
        metrics=Metrics(1.0, False, 0.0, 8.0, 90),
    )
    store = SqliteStore(tmp_path / "store.sqlite3")
    store.create([job], now=at(0))
    store.close()
    told = {"eta_seconds": 7.0, "eta_at_most_seconds": 9.5}
    notes = Notes([(SUBMITTED, 100.0, told), (BEGUN, 101.0, {"eta_seconds": None})])
    notes.first, notes.ended = (103.0, 2), 109.0

    waits.keep(tmp_path, {f"/v1/jobs/{job.id}": notes, "/v1/batches/batch_1": notes})

    (song,) = recorded(waits.DAY)
    assert (song.job.options, song.job.together) == (job.options, 2)
    assert (song.claimed, song.ended, song.metrics) == (at(1), at(9), job.metrics)
    assert song.first == FirstLines(2, 6.0)
    assert notes.told() == [Told(SUBMITTED, 7.0, 9.5, 9.0)]
