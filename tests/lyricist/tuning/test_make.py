"""`make` teaches a model and serves what came of it, each with the other's names."""

import os
import shutil
import subprocess

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def printed(*arguments: str) -> str:
    """What `make` would run."""
    environ = {name: value for name, value in os.environ.items() if "VERSEQUEUE" not in name}
    done = subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


def test_make_tune_writes_the_adapter_that_make_up_merges_and_serves() -> None:
    tune = printed("tune", "LYRICS=songs.txt more.jsonl", "ADAPTER=my/own.safetensors")
    assert (
        'model_build tune songs.txt more.jsonl --preset default --out "my/own.safetensors"' in tune
    )
    up = printed("up", "ADAPTER=my/own.safetensors")
    recipe = '--preset default --adapter "my/own.safetensors" --out ".versequeue/models/tuned-own"'
    assert f"-m versequeue.local.model_build build {recipe}" in up
    assert '--model ".versequeue/models/tuned-own"' in up


def test_make_tunes_and_merges_into_another_model_too() -> None:
    given = ("MODEL=llama.gguf", "ADAPTER=mine.safetensors")
    tune = printed("tune", "LYRICS=songs.txt", *given)
    assert 'model_build tune songs.txt --from "llama.gguf" --out "mine.safetensors"' in tune
    assert '--from "llama.gguf" --adapter "mine.safetensors"' in printed("model", *given)


def test_make_serves_the_model_as_it_is_without_an_adapter() -> None:
    assert "--adapter" not in printed("up")
    assert '--model "default"' in printed("up")
    assert '--out ".versequeue/models/gguf-llama"' in printed("up", "MODEL=llama.gguf")
