"""`python -m lyricist`: lines on stdout, one sentence and exit status 2 for what cannot be done."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lyricist.building.tflite_file import WeightBinder
from lyricist.native_notes import without_native_notes

LIMIT_S = 120


def lyricist(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lyricist", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)


def test_it_writes_the_asked_lines_around_the_given_ones_and_nothing_else(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    given = tmp_path / "given.txt"
    given.write_text("-\n  Rain on the door \n\n-\n-\n", encoding="utf-8")
    asked = ("generate", "rain", "--lines", "5", "--given", given, "--syllables", "8")
    done = lyricist(*asked, "--bundle", tiny_bundle, "--threads", "1")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 5
    assert done.stdout.splitlines()[1] == "Rain on the door"
    assert done.stderr == ""


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    done = lyricist("generate", "rain", "--bundle", tmp_path / "none")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "lyricist build" in done.stderr


def test_checking_a_model_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = lyricist("check", "--from", "nothing.gguf", "--out", tmp_path)
    assert done.returncode == 2, "make builds for 1, which would install all that building needs"
    assert done.stderr == "nothing.gguf cannot be read: No such file or directory.\n"


def test_checking_an_adapter_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = lyricist("check", "--adapter", "mine.safetensors", "--out", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "mine.safetensors cannot be read: No such file or directory.\n"


def test_building_what_is_there_says_so(tiny_bundle: Path) -> None:
    done = lyricist("build", "--preset", "tiny", "--out", tiny_bundle)
    assert done.returncode == 0
    assert "is up to date" in done.stdout
    assert done.stderr == "", "not even a bar"


def test_a_loaded_model_writes_nothing_of_its_own_on_the_terminal(tiny_bundle: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lyricist.writing.writer import Writer\n"
        f"Writer.open(Path({str(tiny_bundle)!r}))\n"
        "print('ours', file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.stderr == "ours\n"


def test_only_notes_are_kept_from_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with without_native_notes(notes_only=True):
        os.write(2, b"INFO: a delegate\nERROR: no memory\n")
    assert capfd.readouterr().err == "ERROR: no memory\n"
    with without_native_notes():
        os.write(2, b"ERROR: whatever\n")
    assert capfd.readouterr().err == ""


def test_a_place_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = lyricist("build", "--preset", "tiny", "--out", tmp_path / "file" / "model")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "file") in done.stderr.splitlines()[-1]


def test_something_else_in_the_models_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").touch()
    done = lyricist("build", "--preset", "tiny", "--out", tmp_path)
    assert done.returncode == 2
    assert "is no model bundle" in done.stderr.splitlines()[-1]


@pytest.mark.model
def test_a_full_disk_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from lyricist.__main__ import main

    def fail(_binder: WeightBinder, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(WeightBinder, "write", fail)
    with pytest.raises(SystemExit) as ended:
        main(["build", "--preset", "tiny", "--out", str(tmp_path / "tiny")])
    assert ended.value.code == 2
    assert "No space left on device" in capfd.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "tiny").exists()


def test_in_a_log_each_stage_of_a_build_is_a_line(tmp_path: Path) -> None:
    done = lyricist("build", "--preset", "tiny", "--out", tmp_path / "tiny")
    assert done.returncode == 0
    assert "\r" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len({*lines}) >= 2
