"""`versequeue up --backend emulators`: the same main job, and what is Google Cloud's alone."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulators import require_emulators
from tests.support.model_bundles import tiny_bundle
from tests.support.server import Server, child_pids, running_server
from tests.support.waiting import wait_until
from tests.versequeue.local.test_up import (
    MANY_LINES,
    events,
    test_a_prompt_becomes_lyrics_and_the_cold_start_is_a_stage,
    test_a_running_job_is_canceled_within_a_line,
    test_a_worker_killed_in_the_middle_of_a_verse_costs_one_attempt,
    test_a_worker_told_to_stop_hands_its_job_back,
    test_the_same_seed_gives_the_same_lyrics_and_receipt,
    writing,
)
from versequeue.emulated.emulators import PROJECT
from versequeue.ports.queue import Topic

__all__ = [
    "test_a_prompt_becomes_lyrics_and_the_cold_start_is_a_stage",
    "test_a_running_job_is_canceled_within_a_line",
    "test_a_worker_killed_in_the_middle_of_a_verse_costs_one_attempt",
    "test_a_worker_told_to_stop_hands_its_job_back",
    "test_the_same_seed_gives_the_same_lyrics_and_receipt",
    "tiny_bundle",
]
pytestmark = [pytest.mark.emulators, pytest.mark.processes, pytest.mark.long]
QUICK = {
    # Short, so that a dead worker's job comes back soon.
    "VERSEQUEUE_LEASE_S": "4",
    "VERSEQUEUE_SWEEP_INTERVAL_S": "1",
    # The tiny model is done with a verse before a second has passed.
    "VERSEQUEUE_PROGRESS_INTERVAL_S": "0.25",
}
LIMIT_S = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Iterator[Server]:
    require_emulators()
    folder = tmp_path_factory.mktemp("up")
    with running_server(folder, tiny_bundle, backend="emulators", env=QUICK) as running:
        yield running


@pytest.fixture
def cloud(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's client libraries find the emulators of the running server."""
    for pid in child_pids(server.process.pid):
        for line in Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0"):
            name, _, value = line.partition("=")
            if name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
                monkeypatch.setenv(name, value)


def test_a_batch_is_written_and_its_results_come_in_order(server: Server) -> None:
    prompts = "\n".join(f"verse number {n}" for n in range(10))
    answer = server.post(
        "/v1/batches?lines=4", data=prompts, headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 202, answer.text
    path = answer.headers["Location"]
    wait_until(lambda: server.get(path).json()["done"], LIMIT_S, poll_s=0.2)
    rows = server.get(f"{path}/results?format=jsonl").text.splitlines()
    assert len(rows) == 10
    assert server.get(path).json()["request_counts"]["succeeded"] == 10


def test_the_page_and_the_api_have_one_origin(server: Server) -> None:
    page = server.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert server.get("/healthz").status_code == 200
    refused = server.post("/v1/jobs", json={"prompt": ""})
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    job_id = server.wait_done(server.submit("rain", lines=4)["id"])["id"]
    first = server.get(f"/v1/jobs/{job_id}")
    again = server.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.usefixtures("cloud")
def test_a_message_that_comes_twice_is_done_once(server: Server) -> None:
    from versequeue.backends.pubsub_queue import PubSubQueue

    job_id = server.submit("rain", lines=MANY_LINES)["id"]
    queue = PubSubQueue(PROJECT)
    for topic in (Topic.JOBS, Topic.BULK, Topic.JOBS):
        queue.publish(topic, [{"job_ids": [job_id]}])
    job = server.wait_done(job_id)
    queue.publish(Topic.JOBS, [{"job_ids": [job_id]}])
    later = server.wait_done(server.submit("rain", lines=4)["id"])
    assert (job["status"], later["status"]) == ("succeeded", "succeeded")
    assert events(server.job(job_id)).count("claimed") == 1
    assert server.job(job_id) == job
    queue.close()


@pytest.mark.usefixtures("cloud")
def test_messages_that_mean_nothing_are_acked_and_hold_nobody_up(server: Server) -> None:
    from google import pubsub_v1 as api
    from google.cloud.pubsub_v1 import PublisherClient

    odd = [b"no JSON", b"[]", b"{}", b'{"job_ids": 7}', b'{"job_ids": []}']
    odd += [b'{"job_ids": ["job_unknown", "a/b", ""]}', b'{"job_ids": [%s"x"]}' % (b'"x",' * 999)]
    with PublisherClient() as client:
        request: Any = {
            "topic": client.topic_path(PROJECT, Topic.JOBS.value),
            "messages": [{"data": data} for data in odd],
        }
        api.PublisherClient.publish(client, request=request, timeout=10)
    assert server.wait_done(server.submit("rain", lines=4)["id"])["status"] == "succeeded"


@pytest.mark.parametrize("emulator", ["firestore", "pubsub"])
def test_an_emulator_that_is_killed_comes_back_empty_and_the_server_recovers(
    server: Server, emulator: str
) -> None:
    forgotten = server.submit("rain", lines=4)["id"]
    family = {pid: _command(pid) for pid in _family(server.process.pid)}
    [victim] = [
        pid for pid, words in family.items() if words.startswith("java") and emulator in words
    ]
    os.kill(victim, signal.SIGKILL)

    def submitted() -> dict[str, Any] | None:
        answer = server.post("/v1/jobs", json={"prompt": "rain", "options": {"lines": 4}})
        assert answer.status_code in (202, 503), answer.text
        if answer.status_code == 503:
            assert answer.headers["Retry-After"]
            return None
        job = server.job(answer.json()["id"])
        return job if job.get("id") else None

    wait_until(lambda: server.get(f"/v1/jobs/{forgotten}").status_code == 404, LIMIT_S, 0.2)
    job = wait_until(submitted, LIMIT_S, poll_s=0.5)
    assert job
    assert server.wait_done(job["id"], LIMIT_S)["status"] == "succeeded"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_however_the_server_ends(
    tmp_path: Path, tiny_bundle: Path, signum: signal.Signals
) -> None:
    require_emulators()
    with running_server(tmp_path, tiny_bundle, backend="emulators", env=QUICK) as server:
        job_id = server.submit("rain", lines=MANY_LINES)["id"]
        wait_until(lambda: writing(server, job_id), LIMIT_S)
        family = _family(server.process.pid)
        assert len(family) > 10
        server.process.send_signal(signum)
        server.process.wait(60)
        wait_until(lambda: not any(_command(pid) for pid in family), limit_s=60)


def _family(pid: int) -> list[int]:
    children = child_pids(pid)
    return children + [each for child in children for each in _family(child)]


def _command(pid: int) -> str:
    """The command line of a process; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    except FileNotFoundError:
        return ""
