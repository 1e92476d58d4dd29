"""`up` with a model that is missing builds it; whatever stops that is said in one sentence."""

import signal
import sys
from pathlib import Path

import pytest
import requests

from bench.server import up
from tests.support.gguf_files import write_gguf
from tests.support.paths import ROOT
from tests.support.waiting import wait_until
from versequeue.child_process import ChildProcess
from versequeue.errors import StartupError
from versequeue.local import model_build
from versequeue.local.host import READY
from versequeue.local.model_build import build_if_missing, recipe_of
from versequeue.named_models import NamedModel

pytestmark = pytest.mark.long

TINY = NamedModel("tiny", "tiny")


@pytest.mark.parametrize(
    ("place", "folder", "recipe"),
    [
        ("tiny", "models/tiny", ["--preset", "tiny", "--out", "models/tiny"]),
        ("my.gguf", "models/gguf-my", ["--from", "my.gguf", "--out", "models/gguf-my"]),
        ("hf:a/mine", "models/from-mine", ["--from", "hf:a/mine", "--out", "models/from-mine"]),
        ("mine", "models/from-mine", ["--from", "mine", "--out", "models/from-mine"]),
        ("bundle", "bundle", []),
    ],
)
def test_what_is_built_of_what_is_said_to_the_builder(
    place: str, folder: str, recipe: list[str]
) -> None:
    assert recipe_of(NamedModel("any", place), Path(folder)) == recipe


def builder(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A builder that does no more than `script`; its last argument is the bundle's folder."""
    program = folder / "builder"
    program.write_text(f'#!/bin/sh\nfor out; do :; done\necho "$@" >>{folder}/asked\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setattr(model_build, "_builder", lambda _data: str(program))


def test_a_preset_that_is_missing_is_built_and_one_that_is_there_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    builder(tmp_path, monkeypatch, 'mkdir "$out"; touch "$out/bundle.json"; echo built')
    for _ in range(2):
        build_if_missing(TINY, tmp_path / "bundle")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"-m lyricist build --preset tiny --out {tmp_path / 'bundle'}"]
    told = capfd.readouterr()
    assert told.err == "The model tiny is not built yet: that is done now, once.\nbuilt\n"
    assert told.out == "", "standard output is for the line with the address"


def test_what_the_builder_says_is_not_said_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    builder(tmp_path, monkeypatch, "echo 'No space left on device.' >&2; exit 2")
    with pytest.raises(SystemExit) as ended:
        build_if_missing(TINY, tmp_path / "bundle")
    assert ended.value.code == 2
    assert capfd.readouterr().err.endswith("once.\nNo space left on device.\n")


@pytest.mark.parametrize(
    ("number", "sentence"), [("KILL", "was killed, .* short of memory"), ("SEGV", "signal SIGSEGV")]
)
def test_a_builder_that_a_signal_ends_has_said_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, sentence: str
) -> None:
    builder(tmp_path, monkeypatch, f"kill -{number} $$")
    with pytest.raises(StartupError, match=f"^Building tiny .*{sentence}"):
        build_if_missing(TINY, tmp_path / "bundle")


def test_without_tensorflow_environment_py_is_asked_for_a_python_that_can_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model_build, "find_spec", lambda _name: None)
    script = tmp_path / "environment.py"
    monkeypatch.setattr(model_build, "ENVIRONMENT", script)
    script.write_text("import sys; print('installing', file=sys.stderr); print('/bin/false')")
    with pytest.raises(SystemExit):
        build_if_missing(TINY, tmp_path / "bundle")
    assert "installing" in capfd.readouterr().err
    script.write_text("import sys; sys.exit('Installing failed.')")
    with pytest.raises(SystemExit):
        build_if_missing(TINY, tmp_path / "bundle")
    assert capfd.readouterr().err.endswith("Installing failed.\n")


def test_an_installation_has_the_python_that_builds_made_in_its_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "environment.py"
    script.write_text("import sys; print(sys.argv[1:], file=sys.stderr); sys.exit(1)")
    monkeypatch.setattr(model_build, "find_spec", lambda _name: None)
    monkeypatch.setattr(model_build, "ENVIRONMENT", script)
    monkeypatch.setattr(model_build, "IS_CLONE", False)
    with pytest.raises(SystemExit):
        build_if_missing(TINY, tmp_path / "data" / "models" / "tiny")
    assert capfd.readouterr().err.endswith(f"['build', '{tmp_path}/data/builder']\n")


def test_make_builds_what_is_stale_and_tunes_by_the_same_builder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder(tmp_path, monkeypatch, "true")
    looks = iter([True, False])
    monkeypatch.setattr(model_build, "_is_stale", lambda _recipe: next(looks))
    for arguments in (["build", "--out", "x"], ["build", "--out", "x"], ["tune", "songs.txt"]):
        assert model_build.main(arguments) == 0
    assert (tmp_path / "asked").read_text().splitlines() == [
        "-m lyricist build --out x",
        "-m lyricist tune songs.txt",
    ]


@pytest.mark.processes
def test_a_server_whose_model_is_missing_builds_it_and_then_serves(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    del tiny_bundle  # what building needs is there
    with up(tmp_path, "tiny") as server:
        assert requests.get(f"{server.url}/v1/models", timeout=60).json()["data"][0]["licence"]
        printed = server.process.printed()
    assert printed.index("not built yet") < printed.index(READY)
    assert (tmp_path / "models" / "tiny" / "bundle.json").is_file()


@pytest.mark.processes
def test_a_file_that_is_brought_along_is_built_beside_the_model_that_is_there(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    brought = write_gguf(tmp_path / "another.gguf")
    with up(tmp_path / "data", f"{tiny_bundle},other={brought}") as server:
        asked = {"prompt": "rain", "options": {"model": "other", "lines": 4}}
        wait = {"Prefer": "wait=30"}
        job = requests.post(f"{server.url}/v1/jobs", json=asked, headers=wait, timeout=60).json()
        assert job["output"]["receipt"]["model"].lower() == "another"
        _, other = requests.get(f"{server.url}/v1/models", timeout=60).json()["data"]
        assert other["licence"] == "mit"
    assert (tmp_path / "data" / "models" / "gguf-another" / "bundle.json").is_file()


@pytest.mark.processes
def test_ctrl_c_while_a_model_is_built_leaves_nothing_half_built(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    del tiny_bundle
    data, log = tmp_path / "data", tmp_path / "log"
    command = [sys.executable, "-m", "versequeue", "up", "--port", "0", "--model", "tiny"]
    with ChildProcess([*command, "--data-dir", str(data)], cwd=ROOT, log=log) as server:
        wait_until(lambda: list((data / "models").glob(".tiny.draft-*")), 60, poll_s=0.02)
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130
    assert log.read_text().splitlines()[-1] == "Stopped."
    assert "Traceback" not in log.read_text()
    assert [path.name for path in (data / "models").iterdir()] == [".tiny.lock"]
