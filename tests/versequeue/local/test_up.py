"""`versequeue up` as real processes: the main job, and what kill -9 does to it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.model_bundles import tiny_bundle
from tests.support.paths import ROOT
from tests.support.server import Server, child_pids, running_server
from tests.support.waiting import wait_until

__all__ = ["tiny_bundle"]
pytestmark = [pytest.mark.processes, pytest.mark.long]
MANY_LINES = 40


@pytest.fixture
def server(tmp_path: Path, tiny_bundle: Path) -> Iterator[Server]:
    with running_server(tmp_path, tiny_bundle) as running:
        yield running


def is_gone(pid: int) -> bool:
    """Whether no such process runs; one that only waits to be collected is gone too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def events(job: dict[str, Any]) -> list[str]:
    return [event["event"] for event in job["events"]]


def writing(server: Server, job_id: str) -> dict[str, Any] | None:
    """The job if a line of it is written and it has not ended."""
    job = server.job(job_id)
    return job if job["preview"] and not job["done"] else None


def test_a_prompt_becomes_lyrics_and_the_cold_start_is_a_stage(server: Server) -> None:
    assert server.get("/v1/status").json()["worker"] != "warm"
    job = server.wait_done(server.submit("rain on the roof", lines=8)["id"])
    assert job["status"] == "succeeded", job
    assert len(job["output"]["lyrics"].splitlines()) == 8
    assert job["metrics"]["cold_start"] is True
    assert events(job)[:2] == ["queued", "claimed"]
    assert job["events"][1]["detail"] == "loading_model"
    assert server.get(f"/v1/jobs/{job['id']}/lyrics").text == job["output"]["lyrics"] + "\n"
    warm = server.wait_done(server.submit("rain on the roof", lines=8)["id"])
    assert warm["metrics"]["cold_start"] is False
    wait_until(lambda: server.get("/v1/status").json()["expected_wait_seconds"]["warm"], 10)
    assert server.get("/v1/status").json()["worker"] == "warm"


def test_the_same_seed_gives_the_same_lyrics_and_receipt(server: Server) -> None:
    jobs = [server.submit("rain", lines=6, seed=5) for _ in range(2)]
    first, second = (server.wait_done(job["id"])["output"] for job in jobs)
    assert first == second
    assert first["receipt"]["seed"] == 5


def test_a_worker_killed_in_the_middle_of_a_verse_costs_one_attempt(server: Server) -> None:
    job_id = server.submit("rain", lines=MANY_LINES)["id"]
    wait_until(lambda: writing(server, job_id), 60)
    pid = server.worker_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    job = server.wait_done(job_id)
    assert job["status"] == "succeeded", job
    assert job["attempt"] == 2
    assert events(job).count("lease_lapsed") == 1
    assert "stopped reporting" in next(
        e["detail"] for e in job["events"] if e["event"] == "lease_lapsed"
    )


def test_a_worker_told_to_stop_hands_its_job_back(server: Server) -> None:
    job_id = server.submit("rain", lines=MANY_LINES)["id"]
    wait_until(lambda: writing(server, job_id), 60)
    pid = server.worker_pid()
    assert pid
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: is_gone(pid), 15)
    job = server.wait_done(job_id)
    assert job["status"] == "succeeded", job
    assert "handed_back" in events(job)


def test_a_running_job_is_canceled_within_a_line(server: Server) -> None:
    job_id = server.submit("rain", lines=MANY_LINES)["id"]
    before = wait_until(lambda: writing(server, job_id), 60)
    assert before
    server.post(f"/v1/jobs/{job_id}/cancel")
    job = server.wait_done(job_id)
    assert job["status"] == "canceled"
    assert job["progress"]["completed"] < MANY_LINES


def test_connections_that_stay_open_keep_nobody_out(server: Server) -> None:
    address = urlsplit(server.url)
    with ExitStack() as stack:
        for _ in range(200):
            connection = HTTPConnection(address.netloc, timeout=10)
            stack.callback(connection.close)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            assert not answer.will_close, "it stays open"


def test_an_idle_worker_is_stopped_and_the_next_job_starts_another(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    with running_server(tmp_path, tiny_bundle, idle_timeout_s=0.5) as server:
        server.wait_done(server.submit("rain", lines=4)["id"])
        wait_until(lambda: server.worker_pid() is None, 30)
        wait_until(lambda: server.get("/v1/status").json()["worker"] == "cold", 10)
        job = server.wait_done(server.submit("rain", lines=4)["id"])
        assert job["metrics"]["cold_start"] is True


def test_a_warm_up_loads_the_model_before_the_first_job(server: Server) -> None:
    assert server.post("/v1/warmup").status_code == 202
    wait_until(lambda: server.get("/v1/status").json()["worker"] == "warm", 60, poll_s=0.1)
    job = server.wait_done(server.submit("rain", lines=4)["id"])
    assert job["metrics"]["cold_start"] is False


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_ending_up_leaves_no_process(server: Server, signum: signal.Signals) -> None:
    server.wait_done(server.submit("rain", lines=4)["id"])
    children = child_pids(server.process.pid)
    assert children
    server.process.send_signal(signum)
    assert server.process.wait(20) == 0
    assert all(is_gone(pid) for pid in children)


def test_killing_up_with_jobs_queued_loses_none(tmp_path: Path, tiny_bundle: Path) -> None:
    with running_server(tmp_path, tiny_bundle) as server:
        ids = [server.submit("rain", lines=MANY_LINES)["id"] for _ in range(4)]
        wait_until(lambda: writing(server, ids[0]), 60)
        worker = server.worker_pid()
        assert worker
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        wait_until(lambda: is_gone(worker), 20)
    with running_server(tmp_path, tiny_bundle) as server:
        jobs = [server.wait_done(job_id) for job_id in ids]
    assert [job["status"] for job in jobs] == ["succeeded"] * 4


def run_up(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "versequeue", "up", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert exit status 2 and one plain sentence on stderr that names `words`."""
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path, tiny_bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_up("--port", port, "--data-dir", str(tmp_path), "--model", str(tiny_bundle))
    one_sentence(done, port, "--port")


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    for model in (nowhere, f"{nowhere}.gguf", f"first={nowhere},second={nowhere}"):
        done = run_up("--port", "0", "--data-dir", str(tmp_path), "--model", model)
        one_sentence(done, nowhere)


@pytest.mark.parametrize("variable", ["VERSEQUEUE_PUSH_KEY", "VERSEQUEUE_WEBHOOK_SECRET"])
def test_a_key_that_nothing_can_be_signed_with_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "short")
    done = run_up("--port", "0", "--data-dir", str(tmp_path), "--model", str(tmp_path / "nowhere"))
    one_sentence(done, variable)


def test_a_data_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    inside = str(blocked / "data")
    done = run_up("--port", "0", "--data-dir", inside, "--model", str(tiny_bundle))
    one_sentence(done, inside)


def test_a_second_up_on_the_same_data_is_refused(server: Server, tiny_bundle: Path) -> None:
    data_dir = str(server.data_dir)
    done = run_up("--port", "0", "--data-dir", data_dir, "--model", str(tiny_bundle))
    one_sentence(done, "Another")


def test_a_damaged_model_fails_the_job_with_the_reason(tmp_path: Path, tiny_bundle: Path) -> None:
    damaged = tmp_path / "bundle"
    damaged.mkdir()
    for part in tiny_bundle.iterdir():
        data = bytearray(part.read_bytes())
        if part.suffix == ".tflite":
            data[len(data) // 2] ^= 0xFF
        (damaged / part.name).write_bytes(data)
    with running_server(tmp_path / "data", damaged) as server:
        job = server.wait_done(server.submit("rain", lines=4)["id"], 120)
    assert job["status"] == "failed"
    assert "model.tflite" in job["error"]["detail"]
    assert "build" in job["error"]["detail"]
