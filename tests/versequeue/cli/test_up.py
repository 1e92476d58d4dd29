"""`versequeue up`: its options reach the server, and a start that fails says why."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from versequeue.cli.main import main
from versequeue.errors import StartupError
from versequeue.local.host import PAGE, WORKER, UpOptions, data_dir_lock
from versequeue.named_models import read_models


def test_up_hands_its_options_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[UpOptions] = []

    def run_up(options: UpOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr("versequeue.local.up.run_up", run_up)
    arguments = ["up", "--port", "0", "--data-dir", str(tmp_path), "--model", "tiny"]

    result = CliRunner().invoke(main, [*arguments, "--idle-timeout", "7"])

    assert result.exit_code == 0
    options = seen[0]
    assert (options.host, options.port, options.models) == ("127.0.0.1", 0, read_models("tiny"))
    assert (options.data_dir, options.idle_timeout_s) == (tmp_path, 7.0)
    environ = {"VERSEQUEUE_MODEL": "other", "VERSEQUEUE_DATA_DIR": "elsewhere"}
    CliRunner().invoke(main, ["up"], env=environ)
    assert (seen[1].models, seen[1].data_dir) == (read_models("other"), Path("elsewhere"))


def test_another_models_worker_and_page_are_served_on_sqlite_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[UpOptions] = []
    monkeypatch.setattr("versequeue.local.up.run_up", seen.append)
    monkeypatch.setattr("versequeue.emulated.up.run_up", seen.append)
    worker = tmp_path / "worker.py"
    worker.touch()
    own = ["--worker", str(worker), "--page", str(tmp_path)]

    CliRunner().invoke(main, ["up"])
    CliRunner().invoke(main, ["up", *own])
    refused = CliRunner().invoke(main, ["up", *own, "--backend", "emulators"])

    assert [(each.worker, each.page) for each in seen] == [(WORKER, PAGE), (worker, tmp_path)]
    assert refused.exit_code == 2
    assert "sqlite" in refused.output


def test_a_server_that_cannot_start_says_why_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> int:
        raise StartupError("Port 8080 is taken.")

    monkeypatch.setattr("versequeue.local.up.run_up", refuse)
    result = CliRunner().invoke(main, ["up"])
    assert result.exit_code == 2
    assert result.stderr == "Error: Port 8080 is taken.\n"


def test_a_taken_address_or_folder_is_told_without_anything_being_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VERSEQUEUE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("versequeue.local.up.run_up", lambda _: pytest.fail("was started"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = CliRunner().invoke(main, ["up", "--check", "--port", port])
    free = CliRunner().invoke(main, ["up", "--check", "--port", port])
    assert refused.exit_code == 2
    assert f"127.0.0.1:{port}" in refused.output
    assert (free.exit_code, free.output) == (0, "")
    with data_dir_lock(tmp_path):
        in_use = CliRunner().invoke(main, ["up", "--check", "--port", port])
    assert in_use.exit_code == 2
    assert "make up DATA_DIR=FOLDER PORT=N" in in_use.output
