"""Prompt files and result files: what is sent for a batch, and its results as they come back."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from tests.support.fake_api import LINES, FakeApi
from versequeue.client.client import Client
from versequeue.client.errors import (
    ServerUnreachable,
)
from versequeue.client.files import PromptFile
from versequeue.client.types import Batch
from versequeue.rules.terms import JobTerms


def test_a_file_is_sent_as_it_is_with_its_type(
    api: FakeApi, client: Client, tmp_path: Path
) -> None:
    for name, media_type in (
        ("a.jsonl", "application/jsonl"),
        ("a.ndjson", "application/jsonl"),
        ("a.CSV", "text/csv"),
        ("a.txt", "text/plain"),
        ("prompts", "text/plain"),
    ):
        file = tmp_path / name
        file.write_bytes(b"rain\r\nsun\r\n")
        client.submit_batch(file, {"lines": 4, "explicit": True})
        sent = api.calls("POST", "/v1/batches")[-1]
        assert sent.body == b"rain\r\nsun\r\n"
        assert sent.headers["Content-Type"] == media_type
        assert sent.query == {"lines": "4", "explicit": "true"}


def test_metadata_and_webhook_travel_with_the_file(api: FakeApi, client: Client) -> None:
    hook = {"url": "https://example.org/?a=1&b", "events": ["job.failed", "batch.completed"]}
    client.submit_batch([{"prompt": "rain"}], metadata={"run": "é"}, webhook=hook)
    query = api.calls("POST")[0].query
    assert json.loads(query["metadata"]) == {"run": "é"}
    assert query["webhook_url"] == "https://example.org/?a=1&b"
    assert query["webhook_events"] == "job.failed,batch.completed"


def test_the_same_file_with_the_same_options_is_the_same_batch() -> None:
    file = PromptFile(b"rain\n")
    key = file.idempotency_key({"lines": "4", "style": "rap"})

    assert key == PromptFile(b"rain\n").idempotency_key({"style": "rap", "lines": "4"})
    assert key != file.idempotency_key({"lines": "5", "style": "rap"})
    assert key != PromptFile(b"rain").idempotency_key({"lines": "4", "style": "rap"})
    assert key != PromptFile(b"rain\n", "text/csv").idempotency_key({"lines": "4", "style": "rap"})
    assert len(key) <= 255


def test_rows_become_a_batch_whose_results_come_in_order(api: FakeApi, client: Client) -> None:
    api.row_ends = ["succeeded", "failed"]
    rows = [{"custom_id": name, "prompt": f"{name} prompt"} for name in ("é", "b", "c", "d")]
    counts: list[int] = []

    batch = client.submit_batch(rows)
    done = client.wait_batch(batch, on_update=lambda one: counts.append(ended(one)))
    results = list(client.results(done.id))

    sent = api.calls("POST")[0].body
    assert [json.loads(line) for line in sent.splitlines()] == rows
    assert "é prompt".encode() in sent
    assert counts == [2, 4]
    assert done.done
    assert done.request_counts.failed == 2
    assert [row.line for row in results] == [1, 2, 3, 4]
    assert results[0].output is not None
    assert results[0].output.lyrics.splitlines() == LINES
    assert results[1].output is None
    assert results[1].error is not None
    assert results[1].error.detail == "It got lost."


def ended(batch: Batch) -> int:
    return batch.request_counts.ended


def test_results_can_be_had_as_the_bytes_of_a_file(api: FakeApi, client: Client) -> None:
    batch = client.submit_batch([{"prompt": "rain"}])
    content = b"".join(client.results_file(batch.id, "csv"))
    assert content.count(b"\n") == 1
    assert api.requests[-1].query == {"format": "csv"}


def test_results_that_break_off_are_not_taken_for_the_whole(api: FakeApi, client: Client) -> None:
    headers = {"Content-Length": "1000"}
    row = b'{"custom_id": "1", "line": 1, "status": "succeeded"}\n'
    api.faults = [lambda: Response(iter([row]), headers=headers)] * 2

    with pytest.raises(ServerUnreachable, match="broke off"):
        list(client.results("batch_0"))
    with pytest.raises(ServerUnreachable, match="broke off"):
        list(client.results_file("batch_0", "txt"))


def test_when_it_is_to_be_written_travels_with_the_file(api: FakeApi, client: Client) -> None:
    terms: JobTerms = {"when": "later", "ready_by": datetime(2026, 3, 1, 18, tzinfo=UTC)}
    client.submit_batch(["rain"], {"lines": 4}, terms=terms)
    client.submit("rain", terms={**terms, "deadline_s": 60})
    file, job = api.calls("POST")
    said = {"when": "later", "ready_by": "2026-03-01T18:00:00+00:00"}
    assert file.query == {"lines": "4", **said}
    assert json.loads(job.body) == {"prompt": "rain", **said, "deadline_s": 60}
