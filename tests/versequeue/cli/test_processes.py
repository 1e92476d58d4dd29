"""The command line and the client as a person uses them: real processes, a real server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.model_bundles import built
from tests.support.server import Server, running_server
from tests.support.waiting import wait_until
from versequeue.client import ApiError, Client

pytestmark = [pytest.mark.processes, pytest.mark.long]
LIMIT_S = 120
#: What a dead worker leaves behind is taken up soon.
SHORT_LEASE = {"VERSEQUEUE_LEASE_S": "5"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with running_server(folder, built("tiny"), env=SHORT_LEASE) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as one:
        yield one


@contextmanager
def started(server: Server, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`versequeue …` against the server, in a process of its own that does not outlive the test."""
    with subprocess.Popen(
        [sys.executable, "-m", "versequeue", *arguments, "--server", server.url],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(server: Server, *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `versequeue …`."""
    with started(server, *arguments) as process:
        stdout, stderr = process.communicate(timeout=LIMIT_S)
    return process.returncode, stdout, stderr


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What is on stderr up to the line with `text`."""
    assert process.stderr
    seen = ""
    while text not in seen:
        line = process.stderr.readline()
        assert line, f"ended before {text!r}: {seen}"
        seen += line
    return seen


def interrupted(server: Server, text: str, *arguments: str) -> str:
    """`versequeue …`, with Ctrl-C once `text` is on stderr; all of stderr."""
    with started(server, *arguments) as process:
        seen = read_until(process, text)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 130, seen + rest
    return seen + rest


def test_a_prompt_becomes_lyrics_on_stdout(server: Server) -> None:
    status, stdout, stderr = run(server, "submit", "rain over the city", "--lines", "6")
    assert status == 0, stderr
    assert len(stdout.splitlines()) == 6
    assert "written in" in stderr


def test_the_same_seed_gives_the_same_song_in_the_command_line_and_the_client(
    server: Server, client: Client
) -> None:
    _, stdout, _ = run(server, "submit", "a slow train", "--lines", "5", "--seed", "7")
    song = client.write("a slow train", lines=5, seed=7, timeout_s=LIMIT_S)
    assert song.lyrics == stdout.rstrip("\n")
    assert song.receipt is not None
    assert song.receipt.seed == 7


def test_the_client_reads_everything_that_the_server_says(client: Client) -> None:
    stages: list[str | None] = []
    job = client.wait(
        client.submit("rain", {"lines": 4}, metadata={"album": "first"}),
        on_update=lambda one: stages.append(one.stage),
        timeout_s=LIMIT_S,
    )
    assert job.status == "succeeded"
    assert job.output is not None
    assert job.preview == "\n".join(line for part in job.output.sections for line in part.lines)
    assert job.metadata == {"album": "first"}
    assert job.options["lines"] == 4
    assert job.metrics.generate_s is not None
    assert job.finished_at is not None
    assert [event.event for event in job.events][-1] == "succeeded"
    assert stages[-1] is None
    assert job.output.receipt is not None
    assert wait_until(lambda: client.status().model, 30) == job.output.receipt.model


def test_one_key_makes_one_job(client: Client) -> None:
    first = client.submit("rain", {"lines": 4}, idempotency_key="cli-1")
    again = client.submit("rain", {"lines": 4}, idempotency_key="cli-1")
    assert first.id == again.id
    assert again.replayed
    with pytest.raises(ApiError) as caught:
        client.submit("sun", idempotency_key="cli-1")
    assert caught.value.slug == "idempotency-key-reused"


def test_bad_input_names_its_field_and_ends_with_status_two(server: Server) -> None:
    status, stdout, stderr = run(server, "submit", "rain", "--lines", "3", "--style", "polka")
    assert (status, stdout) == (2, "")
    assert "  lines: " in stderr
    assert "  style: " in stderr


def test_an_unknown_job_ends_with_status_two(server: Server) -> None:
    status, _, stderr = run(server, "get", "job_" + "0" * 40)
    assert status == 2
    assert "no job with this id" in stderr


def test_after_ctrl_c_the_job_is_found_again(server: Server, tmp_path: Path) -> None:
    busy = tmp_path / "busy.txt"
    busy.write_text("".join(f"prompt {number}\n" for number in range(16)))
    _, batch_id, _ = run(server, "batch", str(busy), "--lines", "32", "--no-wait")

    told = interrupted(server, " · ", "submit", "rain", "--lines", "32")

    run(server, "cancel", batch_id.strip())
    job_id = told.split("versequeue get ")[1].split()[0]
    status, stdout, stderr = run(server, "get", job_id, "--wait", "--lyrics")
    assert status == 0, stderr
    assert len(stdout.splitlines()) == 32


def test_an_interrupted_batch_goes_on_where_it_was(
    server: Server, client: Client, tmp_path: Path
) -> None:
    file, out = tmp_path / "prompts.txt", tmp_path / "songs.jsonl"
    file.write_text("".join(f"the {number}th wave\n" for number in range(24)))
    command = ("batch", str(file), "--lines", "8", "--out", str(out))

    told = interrupted(server, "accepted as", *command)
    assert "same command again" in told
    assert not out.exists()
    status, _, again = run(server, *command)

    assert status == 0, again
    batch_id = told.split("accepted as ")[1].split(".")[0]
    assert f"Sent before as {batch_id}" in again
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 25))
    assert {row["status"] for row in rows} == {"succeeded"}
    assert client.get_batch(batch_id).request_counts.succeeded == 24


def test_a_batch_outlives_the_death_of_the_worker(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("".join(f"storm number {number}\n" for number in range(24)))
    with started(server, "batch", str(file), "--lines", "12", "--json") as process:
        worker = wait_until(server.worker_pid, 60) or 0
        wait_until(lambda: queue_depth(server) > 0, 60)

        os.kill(worker, signal.SIGKILL)

        stdout, stderr = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, stderr
    assert len(stdout.splitlines()) == 24
    assert server.worker_pid() != worker


def queue_depth(server: Server) -> int:
    """Jobs that wait: while there are any, the worker is in the middle of others."""
    depth: int = server.get("/v1/status").json()["queue_depth"]
    return depth


def test_a_wait_outlives_the_death_of_the_server(tmp_path: Path) -> None:
    data, model = tmp_path / "data", built("tiny")
    with running_server(data, model, env=SHORT_LEASE) as first:
        port = int(first.url.rpartition(":")[2])
        with started(first, "submit", "a ghost", "--lines", "64", "--json") as process:
            read_until(process, "Writing")
            first.process.send_signal(signal.SIGKILL)
            first.process.wait()
            with running_server(data, model, port=port, env=SHORT_LEASE):
                stdout, stderr = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["attempt"] == 2


def test_a_row_that_is_canceled_makes_the_batch_end_with_status_one(
    server: Server, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "prompts.jsonl"
    rows = [{"custom_id": f"row-{n}", "prompt": f"hill {n}"} for n in range(40)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    status, stdout, _ = run(server, "batch", str(file), "--lines", "64", "--no-wait")
    assert status == 0
    run(server, "cancel", stdout.strip())

    status, _, stderr = run(server, "batch", str(file), "--lines", "64")

    assert status == 1
    assert "(row-39): canceled" in stderr
    assert "of 40 rows have no song." in stderr


def test_a_refused_file_queues_nothing(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "prompts.csv"
    file.write_text('prompt,lines\nrain,4\n"",4\nsun,1000\n')
    status, stdout, stderr = run(server, "batch", str(file))
    assert (status, stdout) == (2, "")
    assert "line 3: " in stderr
    assert "line 4: " in stderr
    assert "Traceback" not in stderr
