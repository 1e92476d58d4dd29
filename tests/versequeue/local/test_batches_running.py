"""Prompt files and webhooks through a real server and its worker, which is killed on the way."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.support.receivers import answer, receiver
from tests.support.server import Server, running_server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes
ROWS = 40


def counts(server: Server, batch_id: str) -> dict[str, int]:
    found: dict[str, int] = server.get(f"/v1/batches/{batch_id}").json()["request_counts"]
    return found


def rows(server: Server, batch_id: str) -> list[dict[str, Any]]:
    text = server.get(f"/v1/batches/{batch_id}/results").text
    return [json.loads(line) for line in text.splitlines()]


def test_a_file_survives_a_killed_worker_and_says_when_it_is_done(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    file = "".join(f"song number {number}\n" for number in range(ROWS)).encode()
    env = {"VERSEQUEUE_LEASE_S": "3"}
    with (
        receiver(answer(500), answer(200)) as hook,
        running_server(tmp_path, tiny_bundle, env=env) as server,
    ):
        made = server.post(
            f"/v1/batches?lines=4&seed=7&webhook_url={hook.url}",
            data=file,
            headers={"Content-Type": "text/plain"},
        )
        assert made.status_code == 202, made.text
        batch_id = made.json()["id"]
        wait_until(lambda: counts(server, batch_id)["succeeded"], 60)
        worker = server.worker_pid()
        assert worker
        os.kill(worker, signal.SIGKILL)
        visitor = server.wait_done(server.submit("a visitor", lines=4)["id"])
        assert visitor["status"] == "succeeded"
        assert counts(server, batch_id)["queued"], "the visitor did not wait for the whole batch"
        wait_until(lambda: counts(server, batch_id)["succeeded"] == ROWS, 120)
        wait_until(lambda: len(hook.calls) == 2, 60)
        found = rows(server, batch_id)
        batch = server.get(f"/v1/batches/{batch_id}").json()
    assert [row["line"] for row in found] == list(range(1, ROWS + 1))
    assert all(row["output"]["lyrics"] for row in found)
    assert len({row["id"] for row in found}) == ROWS
    key = tmp_path / "webhook.key"
    assert key.stat().st_mode & 0o077 == 0, "only the owner may read the secret"
    events = [Verifier(key.read_text()).verify(call.body, call.headers) for call in hook.calls]
    assert [event["type"] for event in events] == ["batch.completed"] * 2
    assert len({call.headers["webhook-id"] for call in hook.calls}) == 1
    assert events[0]["data"]["request_counts"]["succeeded"] == ROWS
    assert (batch["status"], batch["done"]) == ("completed", True)
