"""What a hostile server sends to a terminal, and terminals and disks that are not there."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from tests.support.command_line import Run
from tests.support.fake_api import FakeApi, Step, job_document, problem
from versequeue.cli.failures import room_may_be_missing
from versequeue.cli.jobs import print_results
from versequeue.client.plain_text import plain, plain_pieces

CLEAR, NAME = "\x1b[2J", "\x9d0;mine\x07"
NEXT_LINE = "\x85"


def hostile(step: Step, **fields: Any) -> Response:
    """A job in which every text commands the terminal."""
    document = {**job_document(f"job_{CLEAR}", f"rain{NAME}", step), **fields}
    if document["output"]:
        document["output"] |= {"title": f"Gray{CLEAR}", "lyrics": f"one{NAME}\ntwo{CLEAR}"}
    return Response(json.dumps(document), content_type="application/json")


def is_plain(text: str) -> bool:
    return all(character in "\n\t" or character.isprintable() for character in text)


@pytest.mark.parametrize("command", ["submit", "get", "cancel"])
@pytest.mark.parametrize("status", ["succeeded", "failed", f"sunk{CLEAR}"])
def test_no_text_of_a_server_commands_the_terminal(
    run: Run, api: FakeApi, command: str, status: str
) -> None:
    error = {"type": f"/problems/{CLEAR}", "title": NAME, "detail": f"Lost{CLEAR}."}
    step = {"status": status, "done": True, "error": error}
    api.faults = [lambda: hostile(step), lambda: hostile(step)]
    result = run(command, "job_0")
    assert result.stdout + result.stderr
    assert is_plain(result.stdout)
    assert is_plain(result.stderr)


def test_a_refusal_of_a_servers_does_not_command_the_terminal(run: Run, api: FakeApi) -> None:
    api.faults = [problem(422, f"bad{CLEAR}", f"No{CLEAR}.")]
    refused = run("submit", "rain")
    assert refused.stderr == "Error: No[2J.\n"


def test_json_has_the_same_values_and_no_control_character(run: Run, api: FakeApi) -> None:
    api.faults = [lambda: hostile({"status": "succeeded"}, metadata={"a": NEXT_LINE})]
    printed = run("get", "job_0", "--json").stdout
    assert is_plain(printed)
    assert json.loads(printed)["metadata"] == {"a": NEXT_LINE}
    assert json.loads(printed)["prompt"] == f"rain{NAME}"


def test_what_is_left_of_a_text_is_what_people_read() -> None:
    assert plain("é 夏\u3000の夜\n\t👩\u200d🚀") == "é 夏\u3000の夜\n\t👩\u200d🚀"
    text = f"夏{NAME}の{CLEAR}夜".encode()
    pieces = [text[at : at + 1] for at in range(len(text))]
    assert "".join(plain_pieces(pieces)) == "夏0;mineの[2J夜"


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, "one[2J\n"), (False, "one\x1b[2J\n")])
def test_results_are_as_they_are_unless_a_terminal_shows_them(
    is_terminal: bool,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    print_results(iter([b"one\x1b", b"[2J\n"]))
    assert capfd.readouterr().out == shown


COMMAND = (sys.executable, "-m", "versequeue")


@pytest.mark.parametrize("arguments", [("status",), ("--help",), ("get", "job_0")])
def test_a_full_disk_behind_stdout_is_one_sentence(
    run: Run, api: FakeApi, arguments: tuple[str, ...]
) -> None:
    run("submit", "rain")
    environ = {**os.environ, "VERSEQUEUE_URL": api.url}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=environ
        )
    assert done.returncode == 2
    assert done.stderr == "Error: No room to write: No space left on device.\n"


def test_a_full_disk_is_told_by_the_file_that_finds_no_room(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    reason = os.strerror(errno.ENOSPC)
    with pytest.raises(SystemExit), room_may_be_missing():
        raise OSError(errno.ENOSPC, reason, "/data/up.lock")
    assert capfd.readouterr().err == f"Error: /data/up.lock cannot be written to: {reason}.\n"


def test_a_ctrl_c_while_it_still_starts_is_no_traceback(tmp_path: Path) -> None:
    # In the place of click stands a module that takes for ever to be imported.
    endless = "import signal\nprint('begun', flush=True)\nsignal.pause()\n"
    (tmp_path / "click.py").write_text(endless)
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr == "Stopped.\n"
