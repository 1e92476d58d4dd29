"""Tuning the tiny model: it learns, repeats itself to the byte, and goes on after any end."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from lyricist.building.adapter import Adapter, read_adapter
from lyricist.building.freshness import is_current
from lyricist.building.pipeline import BuildOptions, build_bundle
from lyricist.building.recipes import tiny_recipe
from lyricist.building.release import packaged_gguf
from lyricist.bundle.manifest import read_bundle
from lyricist.bundle.phrases_file import phrases_of
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.cli.main import main
from lyricist.errors import BuildError
from lyricist.language.words import split_words
from lyricist.tuning.lyrics_files import read_lyrics
from lyricist.tuning.material import Songs
from lyricist.tuning.training import TrainingSettings
from lyricist.tuning.tune import Tuned, TuningOptions, tune_model
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

CORPUS = ROOT / "corpus" / "verses.jsonl"
LIMIT_S = 250


@pytest.fixture(scope="module")
def verses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lyrics") / "verses.jsonl"
    path.write_text("".join(CORPUS.read_text().splitlines(keepends=True)[:24]))
    return path


def tune(verses: Path, out: Path) -> Tuned:
    training = TrainingSettings(passes=2, rate=0.01, seed=0, length=256)
    options = TuningOptions("tiny", None, training, save_every_s=0)
    return tune_model(Songs(read_lyrics([verses])), out, options, lambda _stage, _share: None)


@pytest.fixture(scope="module")
def adapter(verses: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapter") / "mine.safetensors"
    told = tune(verses, path)
    assert (told.pieces, told.noun) == (24, "songs")
    assert not told.went_on
    assert told.progress.best_loss < told.progress.first_loss - 0.5
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    return path


@pytest.fixture(scope="module")
def bundle(adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "mine"
    assert build_bundle(folder, BuildOptions(preset="tiny", adapters=(adapter,))) is True
    return folder


@pytest.mark.model
def test_a_tuning_that_was_killed_ends_as_if_it_had_not_been(
    adapter: Path, verses: Path, tmp_path: Path
) -> None:
    out, unfinished = tmp_path / "mine", tmp_path / "mine.unfinished"
    code = (
        "import sys; from pathlib import Path; from tests.lyricist.tuning.test_tune import tune\n"
        "tune(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(verses), str(out)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until(unfinished.exists, LIMIT_S, what="a first save")
    finally:
        process.kill()
        process.wait()
    assert not out.exists()
    assert tune(verses, out).went_on
    assert out.read_bytes() == adapter.read_bytes(), "the same songs and seed, the same adapter"
    assert not unfinished.exists()


@pytest.mark.model
def test_a_bundle_names_its_adapter_and_is_stale_once_that_changes(
    adapter: Path, bundle: Path, tmp_path: Path
) -> None:
    made = read_bundle(bundle)
    assert made.adapter == adapter.name
    assert is_current(bundle, "tiny", None, [adapter])
    assert build_bundle(bundle, BuildOptions(preset="tiny", adapters=(adapter,))) is False
    newer, found = tmp_path / "newer", read_adapter(adapter)
    more = {name: (first, second * 2) for name, (first, second) in found.factors.items()}
    Adapter(found.source_sha256, "tiny", more, found.phrases).write(newer)
    assert not is_current(bundle, "tiny", None, [newer])
    assert not is_current(bundle, "tiny", None), "the model without any adapter is another one"


@pytest.mark.model
def test_a_tuned_bundle_knows_the_phrases_that_it_learned_from(bundle: Path, verses: Path) -> None:
    phrases = phrases_of(read_bundle(bundle))
    lines = [line for row in verses.read_text().splitlines() for line in json.loads(row)["lines"]]
    known = [
        phrases.is_begun_by(words[at : at + 3])
        and phrases.is_ended_by(words[at : at + 3], words[at + 3])
        for words in map(split_words, lines)
        for at in range(len(words) - 3)
    ]
    assert len(known) > 300
    assert 0.6 < np.mean(known) < 1, "all but common ones"


@pytest.mark.model
def test_an_adapter_of_another_model_is_not_merged(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="was tuned on another model"):
        build_bundle(tmp_path / "default", BuildOptions(adapters=(adapter,)))


def test_merging_adds_the_product_and_nothing_else(adapter: Path) -> None:
    found = read_adapter(adapter)
    plain = dict(tiny_recipe(GgufFile(packaged_gguf()), None).weights())
    merged = dict(tiny_recipe(GgufFile(packaged_gguf()), None, [found]).weights())
    assert plain.keys() == merged.keys()
    for name, weight in plain.items():
        if name in found.factors:
            first, second = found.factors[name]
            np.testing.assert_allclose(merged[name] - weight, second @ first, atol=1e-6)
        else:
            np.testing.assert_array_equal(merged[name], weight)
    assert load_file(adapter)["down_1.first"].dtype == np.float16


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda content: b"nonsense", "is no adapter"),
        (lambda content: content[:-7], "is no adapter"),
        (
            lambda content: content.replace(b"adapter-1", b"adapter-9"),
            "that `python -m lyricist tune`",
        ),
        (lambda content: content.replace(b"down_1.first", b"down_1.furst"), "is no whole adapter"),
    ],
)
def test_a_file_that_is_no_adapter_is_refused(
    adapter: Path, tmp_path: Path, damage: Callable[[bytes], bytes], told: str
) -> None:
    path = tmp_path / "bad"
    path.write_bytes(damage(adapter.read_bytes()))
    with pytest.raises(BuildError, match=told):
        read_adapter(path)
    with pytest.raises(BuildError, match="cannot be read: No such file"):
        read_adapter(tmp_path / "none")


@pytest.mark.model
def test_the_command_tunes_and_says_what_came_of_it(
    verses: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "mine")
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(verses), "--preset", "tiny", "--passes", "1", "--out", out])
    assert ended.value.code == 0
    assert re.fullmatch(
        re.escape(out)
        + r" learned from 24 songs, \d+ tokens a second\. Loss of those that were kept "
        r"unseen: \d+\.\d+ before, \d+\.\d+ after \d+ steps of \d+\.\n",
        capfd.readouterr().out,
    )


def test_bad_lyrics_are_one_sentence_on_the_command_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(empty), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1] == f"{empty} is empty."


def test_tuning_without_tensorflow_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from lyricist.cli.main import main\n"
        "main(['tune', 'songs.txt', '--out', 'mine'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Tuning needs TensorFlow, which is not installed here: "
        "`make tune LYRICS=songs.txt` installs it and tunes."
    ]
