"""Models on the hub, by its own client against a stand-in of the hub."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.family_checkpoints import write_folder
from tests.support.hub import Hub, hub
from tests.support.paths import ROOT

#: The client reads its settings when it is imported, so each test is a process of its own.
FETCH = """
import sys
from lyricist.checkpoints.hub import cached, fetch
from lyricist.errors import BuildError
try:
    print(fetch(sys.argv[1], print))
except BuildError as error:
    print("refused:", error)
print("cached:", cached(sys.argv[1]))
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Hub]:
    with hub() as found:
        found.add_folder(write_folder(tmp_path / "tiny", "llama"))
        found.files |= {"pytorch_model.bin": b"pickled", "onnx/model.onnx": b"not for us"}
        yield found


def fetched(url: str, home: Path, name: str) -> list[str]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
    }
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", FETCH, name]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=ROOT, check=True, timeout=120
    )
    return done.stdout.splitlines()


def test_what_will_be_fetched_is_said_first_and_only_that_is_fetched(
    stand_in: Hub, tmp_path: Path
) -> None:
    told, folder, again = fetched(stand_in.url, tmp_path / "home", "hf:owner/tiny")
    assert told == f"Fetching owner/tiny from {stand_in.url}: 4 files, 0 MiB, licence mit."
    wanted = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in Path(folder).iterdir()) == wanted
    assert sorted(stand_in.sent) == wanted
    assert again == f"cached: {folder}"
    fetched(stand_in.url, tmp_path / "home", "hf:owner/tiny")
    assert sorted(stand_in.sent) == wanted, "what is in the cache is not fetched again"


def test_a_model_that_was_fetched_is_taken_where_the_hub_cannot_be_asked(
    stand_in: Hub, tmp_path: Path
) -> None:
    folder = fetched(stand_in.url, tmp_path / "home", "hf:owner/tiny")[1]
    nowhere = "http://127.0.0.1:9"
    told = fetched(nowhere, tmp_path / "home", "hf:owner/tiny")
    sentence = f"{nowhere} cannot be asked: owner/tiny is taken as it was last fetched."
    assert told[:2] == [sentence, folder]


def test_a_model_of_pickles_is_refused_before_anything_is_fetched(
    stand_in: Hub, tmp_path: Path
) -> None:
    del stand_in.files["model.safetensors"]
    told = fetched(stand_in.url, tmp_path / "home", "hf:owner/tiny")[0]
    assert told.startswith("refused: hf:owner/tiny has its weights in pickles only")
    assert not stand_in.sent


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "There is no owner/tiny on"),
        (403, "hf:owner/tiny asks its users to agree to a licence first"),
        (500, "hf:owner/tiny cannot be fetched from"),
    ],
)
def test_a_hub_that_refuses_is_told_of_in_a_sentence(
    stand_in: Hub, tmp_path: Path, status: int, sentence: str
) -> None:
    stand_in.status = status
    told = fetched(stand_in.url, tmp_path / "home", "hf:owner/tiny")
    assert told[0].startswith(f"refused: {sentence}")
    assert told[-1] == "cached: None"


def test_no_hub_and_no_such_name_are_told_of_in_a_sentence(tmp_path: Path) -> None:
    told = fetched("http://127.0.0.1:9", tmp_path, "hf:owner/tiny")
    assert told[0].startswith("refused: hf:owner/tiny cannot be fetched from http://127.0.0.1:9")
    told = fetched("http://127.0.0.1:9", tmp_path, "hf:owner/tiny/more")
    assert told[0] == "refused: 'hf:owner/tiny/more' is no name of a model: hf:owner/name is one."
