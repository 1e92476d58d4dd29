"""The model bundles that tests read, built once and kept; fixtures give their folders."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MODELS = ROOT / ".versequeue" / "models"
BUILD_LIMIT_S = 280


def built(preset: str) -> Path:
    """The folder of the preset's bundle, which is built here if it is missing or out of date.

    In a process of its own, because TensorFlow takes memory for good; one at a time, because
    tests run side by side.
    """
    folder = MODELS / preset
    command = [sys.executable, "-m", "lyricist", "build", "--preset", preset, "--out", str(folder)]
    MODELS.mkdir(parents=True, exist_ok=True)
    with (MODELS.parent / f"{preset}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_LIMIT_S)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def tiny_bundle() -> Path:
    return built("tiny")


@pytest.fixture(scope="session")
def default_bundle() -> Path:
    return built("default")
