"""Jobs and batches to test with: valid from the start, every field open to the test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from versequeue.ports.store import IdempotencyRecord
from versequeue.rules.batch import Batch
from versequeue.rules.job import Event, Job, Metrics, Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.webhook import Delivery, Pending, Webhook

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """The moment so many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def queued_job(job_id: str = "job_1", **fields: Any) -> Job:
    """A job as it was submitted at NOW."""
    job = Job(
        id=job_id,
        prompt="city lights",
        options=ResolvedOptions(seed=7),
        created_at=NOW,
        expires_at=at(30 * 86400),
        deadline_at=at(86400),
        publish_at=at(60),
    )
    return replace(job, **fields)


def finished_job(job_id: str = "job_done", **fields: Any) -> Job:
    """A job that uses every field there is."""
    job = queued_job(
        job_id,
        prompt="Été à München 東京 🎤",
        options=ResolvedOptions(seed=2**32 - 1, lines=4, mood="froh", temperature=0.0),
        status=Status.SUCCEEDED,
        stage=None,
        client="c1",
        metadata={"ключ": "значение"},
        batch_id="batch_1",
        custom_id="row-1",
        position=3,
        given=(None, "two"),
        line=4,
        attempt=2,
        preview=("one", "two"),
        output={"sections": [{"name": "verse", "lines": ["one", "two"]}], "score": 0.5},
        started_at=at(1),
        finished_at=at(2.5),
        metrics=Metrics(queue_s=1.0, cold_start=True, tokens=12),
        events=(Event(at(1), "claimed", 1, "loading_model"), Event(at(2), "succeeded", 1)),
        webhook=Webhook(
            "https://example.org/hook",
            ("job.succeeded",),
            (Delivery(at(3), "job.succeeded", "msg_1", 500, "Server error", at(8)),),
            Pending("job.succeeded", "msg_1", 1, at(8)),
        ),
    )
    return replace(job, **fields)


def batch_of(batch_id: str = "batch_1", **fields: Any) -> Batch:
    """A batch that was submitted at NOW."""
    batch = Batch(batch_id, total=2, created_at=NOW, expires_at=at(30 * 86400), client="c1")
    return replace(batch, **fields)


def key_record(key: str = "key_1", **fields: Any) -> IdempotencyRecord:
    """The record of a first request at NOW."""
    return replace(IdempotencyRecord(key, "digest", "job_1", NOW, at(86400)), **fields)


def song_of(*lines: str) -> dict[str, Any]:
    """The output of a job that was written as these lines."""
    return {
        "lyrics": "\n".join(lines),
        "title": "T",
        "sections": [{"name": "Verse 1", "lines": list(lines)}],
        "rhyme": {"scheme": "AABB", "score": 1.0},
        "receipt": {
            "model": "m",
            "model_digest": "d",
            "seed": 1,
            "input_digest": "i",
            "version": "v",
        },
    }
