"""One server with two models: its jobs, files and estimates, and what becomes of it all."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.server import Server, running_server
from tests.support.waiting import wait_until
from versequeue.cli.main import main
from versequeue.client import Client

pytestmark = [pytest.mark.processes, pytest.mark.long]


def renamed(bundle: Path, folder: Path, name: str) -> Path:
    """The same bundle under another name of its own, which is part of its receipts."""
    shutil.copytree(bundle, folder)
    manifest = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**manifest, "name": name}))
    return folder


@pytest.fixture(scope="module")
def models(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    other = renamed(tiny_bundle, tmp_path_factory.mktemp("models") / "other", "Other")
    return f"small={tiny_bundle},other={other}"


@pytest.fixture(scope="module")
def server(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("data"), models) as running:
        yield running


def song(server: Server, **options: Any) -> dict[str, Any]:
    job = server.submit("rain", lines=4, seed=7, **options)
    done = server.wait_done(job["id"])
    assert done["status"] == "succeeded", done
    return done


def test_each_job_is_written_with_the_model_that_it_asks_for(server: Server) -> None:
    first, other, again = song(server), song(server, model="other"), song(server, model="small")
    assert [job["options"]["model"] for job in (first, other, again)] == ["small", "other", "small"]
    receipts = [job["output"]["receipt"] for job in (first, other, again)]
    assert [receipt["model"] for receipt in receipts] == ["tiny", "Other", "tiny"]
    assert len({receipt["input_digest"] for receipt in receipts}) == 1, "the same was asked for"
    assert first["output"]["lyrics"] == again["output"]["lyrics"]
    assert other["metrics"]["cold_start"] is False
    assert other["metrics"]["model_load_s"] > 0


def test_the_models_are_listed_with_their_licences_and_with_their_speed_once_it_is_known(
    server: Server,
) -> None:
    song(server, model="other")

    def known() -> list[dict[str, Any]] | None:
        models: list[dict[str, Any]] = server.get("/v1/models").json()["data"]
        return models if models[1]["loaded"] else None  # what was seen last is kept for a moment

    small, other = wait_until(known, 30, what="the model in memory to be told")
    assert (small["name"], small["default"], small["model"]) == ("small", True, "tiny")
    assert (other["name"], other["default"], other["model"]) == ("other", False, "Other")
    assert {small["licence"], other["licence"]} == {"apache-2.0"}
    assert (small["loaded"], other["loaded"]) == (False, True)
    assert other["expected_wait_seconds"]["efforts"].keys() == {"quick", "normal", "best"}
    assert server.get("/v1/status").json()["models"] == ["small", "other"]


def test_the_client_and_the_command_line_name_the_models(server: Server) -> None:
    with Client(server.url) as client:
        assert [(model.name, model.licence) for model in client.models()] == [
            ("small", "apache-2.0"),
            ("other", "apache-2.0"),
        ]
        assert client.write("rain", lines=4, model="other").receipt
    asked = ["submit", "rain", "--lines", "4", "--json", "--server", server.url, "--model"]
    song = CliRunner().invoke(main, [*asked, "other"])
    assert json.loads(song.stdout)["output"]["receipt"]["model"] == "Other"
    refused = CliRunner().invoke(main, [*asked, "none"])
    assert refused.exit_code == 2
    assert "This server has no such model; it has small, other." in refused.output
    told = CliRunner().invoke(main, ["status", "--server", server.url]).stdout
    assert "small, other (--model NAME)" in told


@pytest.mark.parametrize("name", ["none", "small ", "x" * 10_000, "../small", "small,other"])
def test_a_model_that_is_not_there_is_refused_with_those_that_are(
    server: Server, name: str
) -> None:
    asked = {"prompt": "rain", "options": {"model": name}}
    answer = server.post("/v1/jobs", json=asked)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/options/model")
    assert error["detail"] == "This server has no such model; it has small, other."
    assert len(answer.content) < 1000
    rows = f"{json.dumps(asked)}\n"
    refused = server.post("/v1/batches", data=rows, headers={"Content-Type": "application/jsonl"})
    [fault] = refused.json()["errors"]
    assert (refused.status_code, fault["line"], fault["code"]) == (422, 1, "invalid-option")


def attempts_of(server: Server, job_id: str) -> int:
    return int(server.job(job_id)["attempt"])


def rows_of(server: Server, batch_id: str) -> list[dict[str, Any]]:
    text = server.get(f"/v1/batches/{batch_id}/results?format=jsonl").text
    return [json.loads(line) for line in text.splitlines()]


def test_a_hundred_rows_that_take_turns_are_written_model_by_model(server: Server) -> None:
    names = ["other" if number % 2 else "small" for number in range(100)]
    lines = [{"prompt": f"rain {n}", "options": {"model": m}} for n, m in enumerate(names)]
    body = "".join(f"{json.dumps(line)}\n" for line in lines)
    path = "/v1/batches?lines=4"
    batch = server.post(path, data=body, headers={"Content-Type": "application/jsonl"}).json()
    wait_until(lambda: server.get(f"/v1/batches/{batch['id']}").json()["done"], 120, poll_s=0.2)
    rows = rows_of(server, batch["id"])
    assert {row["status"] for row in rows} == {"succeeded"}
    told = [row["output"]["receipt"]["model"] for row in rows]
    assert told == ["Other" if name == "other" else "tiny" for name in names]
    jobs = [server.job(row["id"]) for row in rows]
    # Those of one pass share its load.
    assert len({job["metrics"]["model_load_s"] for job in jobs} - {0.0}) <= 2


def test_a_job_whose_model_is_taken_away_has_one_clear_end(models: str, tmp_path: Path) -> None:
    slow = {"lines": 64, "effort": "best"}
    with running_server(tmp_path, models) as before:
        before.submit("first", **slow, model="small")
        waiting = before.submit("second", model="other")["id"]
        default = before.submit("third", model="small")["id"]
    with running_server(tmp_path, models.partition(",")[0]) as after:
        job = after.wait_done(waiting)
        assert job["status"] == "failed"
        assert job["error"]["type"] == "/problems/model-not-served"
        detail = "The model other is not served here any more; this server has small."
        assert job["error"]["detail"] == detail
        assert [event["event"] for event in job["events"]].count("failed") == 1
        assert after.wait_done(default)["status"] == "succeeded"
        assert after.get("/v1/status").json()["models"] == []


def test_a_bundle_that_is_deleted_while_it_is_served_holds_up_only_its_own_jobs(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    other = renamed(tiny_bundle, tmp_path / "other", "Other")
    with running_server(tmp_path / "data", f"{tiny_bundle},other={other}") as server:
        assert song(server, model="other")["output"]["receipt"]["model"] == "Other"
        away = other.rename(tmp_path / "away")
        song(server, model="other")  # it is in memory
        song(server, model="tiny")
        held = server.submit("rain", lines=4, model="other")["id"]
        wait_until(lambda: server.job(held)["events"][-1]["event"] == "attempt_failed", 30)
        song(server, model="tiny")
        away.rename(other)
        assert server.wait_done(held)["status"] == "succeeded"


def test_a_worker_that_is_killed_between_two_models_loses_nothing(
    models: str, tmp_path: Path
) -> None:
    with running_server(tmp_path, models) as server:
        ids = []
        for names in (("small", "other"), ("other", "small"), ("small", "other")):
            pair = [server.submit("rain", lines=4, seed=7, model=name)["id"] for name in names]
            # The second is for the other model: it is loading, or has just been loaded.
            wait_until(partial(attempts_of, server, pair[1]), 60, poll_s=0.01)
            if pid := server.worker_pid():
                os.kill(pid, signal.SIGKILL)
            ids += pair
        jobs = [server.wait_done(job_id) for job_id in ids]
        assert {job["status"] for job in jobs} == {"succeeded"}
        made_by = {"small": "tiny", "other": "Other"}
        for job in jobs:
            assert job["output"]["receipt"]["model"] == made_by[job["options"]["model"]]
        assert max(job["attempt"] for job in jobs) > 1, "one was in hand"
