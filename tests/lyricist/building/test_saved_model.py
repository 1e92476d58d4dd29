"""A SavedModel as a bundle: what is taken and refused, and that its engine keeps to the port."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tokenizers import ByteLevelBPETokenizer

from lyricist.bundle.manifest import Bundle, BundleFormat, read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.errors import BuildError, BundleError, ContextFull
from lyricist.songs import Effort, Song, SongRequest
from lyricist.writing.writer import Writer
from tests.support.server import running_server

if TYPE_CHECKING:
    from lyricist.engine.saved_model_engine import TensorFlowEngine

pytestmark = pytest.mark.model
VERSE = "the river waits\nthe window burns\nthe silver paper turns\nthe morning sings\n"
TOKENS = [int(token) for token in np.random.default_rng(1).integers(0, 250, 60)]


def _tf() -> Any:
    """TensorFlow, imported only when a test runs: it takes seconds and half a gigabyte."""
    import tensorflow as tf

    return tf


def bundle_saved_model(*arguments: Any, **options: Any) -> Bundle:
    from lyricist.building import saved_model

    return saved_model.bundle_saved_model(*arguments, **options)


def engine_of(bundle: Bundle, max_rows: int = 16) -> "TensorFlowEngine":
    from lyricist.engine.saved_model_engine import TensorFlowEngine

    return TensorFlowEngine(bundle, max_rows)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = ByteLevelBPETokenizer()
    made.train_from_iterator([VERSE] * 50, vocab_size=300, show_progress=False)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return path


@pytest.fixture(scope="module")
def vocabulary_size(tokenizer: Path) -> int:
    return len(json.loads(tokenizer.read_text())["model"]["vocab"])


@pytest.fixture(scope="module")
def keras_model(tmp_path_factory: pytest.TempPathFactory, vocabulary_size: int) -> Path:
    """A network of Keras layers with random weights, exported as Keras exports."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    tokens = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(vocabulary_size, 8)(tokens)
    hidden = keras.layers.GRU(8, return_sequences=True)(embedded)
    model = keras.Model(tokens, keras.layers.Dense(vocabulary_size)(hidden))
    folder = tmp_path_factory.mktemp("keras") / "model"
    model.export(str(folder), verbose=False)
    return folder


@pytest.fixture(scope="module")
def bundle_folder(
    tmp_path_factory: pytest.TempPathFactory, keras_model: Path, tokenizer: Path
) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "mine"
    bundle_saved_model(keras_model, tokenizer, folder, "mine", context_length=50)
    return folder


@pytest.fixture(scope="module")
def shared(bundle_folder: Path) -> "TensorFlowEngine":
    return engine_of(read_bundle(bundle_folder), max_rows=4)


@pytest.fixture
def engine(shared: "TensorFlowEngine") -> Iterator["TensorFlowEngine"]:
    yield shared
    for row in range(shared.max_rows):
        shared.rewind(row, 0)


def exported(folder: Path, call: Callable[..., Any], dtype: Any = None, length: Any = None) -> Path:
    """A SavedModel of a plain function of tokens."""
    module = _tf().Module()
    spec = _tf().TensorSpec((None, length), dtype or _tf().int32, "tokens")
    module.call = _tf().function(call, input_signature=[spec])
    _tf().saved_model.save(module, str(folder), module.call)
    return folder


def test_a_keras_model_writes_a_song(bundle_folder: Path) -> None:
    writer = Writer.open(bundle_folder)
    request = SongRequest(prompt="the river", lines=3, seed=5, rhyme_scheme="none")

    first, again = (writer.write([request], lambda index, lines: True)[0] for _ in range(2))

    assert isinstance(first, Song)
    assert first == again
    assert len(first.sections[0].lines) == 3
    assert writer.model_name == "mine"
    assert writer.model_digest.startswith("sha256:")


def test_a_model_that_cannot_rhyme_says_that_it_was_written_quickly(bundle_folder: Path) -> None:
    request = SongRequest("the river", lines=1, rhyme_scheme="none", effort=Effort.BEST)

    song = Writer.open(bundle_folder).write([request], lambda index, lines: True)[0]

    assert isinstance(song, Song)
    assert song.effort is Effort.QUICK


def test_the_bundle_records_every_file_of_the_model(bundle_folder: Path) -> None:
    bundle = read_bundle(bundle_folder)

    assert bundle.format is BundleFormat.SAVED_MODEL
    assert "saved_model/saved_model.pb" in bundle.files
    assert "saved_model/variables/variables.data-00000-of-00001" in bundle.files
    bundle.verify()


def test_steps_and_a_prefill_agree(engine: "TensorFlowEngine") -> None:
    whole = engine.prefill(0, TOKENS[:40])
    engine.prefill(1, TOKENS[:39])
    stepped = engine.step({1: TOKENS[39]})[1]

    assert whole.shape == (engine.vocabulary_size,)
    assert np.array_equal(whole, stepped)


def test_a_row_gives_the_same_logits_alone_and_beside_others(engine: "TensorFlowEngine") -> None:
    engine.prefill(0, TOKENS[:20])
    alone = engine.step({0: 7})[0]
    engine.rewind(0, 20)
    engine.prefill(1, TOKENS[5:41])

    together = engine.step({1: 9, 0: 7})

    assert np.array_equal(alone, together[0])


def test_rewinding_and_copying_are_as_if_nothing_else_had_been(engine: "TensorFlowEngine") -> None:
    engine.prefill(0, TOKENS[:10])
    wanted = engine.step({0: 3})[0]
    engine.step({0: 4})

    engine.rewind(0, 10)
    engine.copy(0, 2)
    copied = engine.step({2: 3})[2]

    assert engine.length(0) == 10
    assert np.array_equal(copied, wanted)


def test_a_full_row_ends_cleanly(engine: "TensorFlowEngine") -> None:
    engine.prefill(0, TOKENS[:50])

    with pytest.raises(ContextFull):
        engine.step({0: 1, 1: 1})
    with pytest.raises(ContextFull):
        engine.prefill(1, TOKENS[:51])

    assert (engine.length(0), engine.length(1)) == (50, 0)


def test_a_model_of_one_fixed_length_is_fed_that_length(
    tmp_path: Path, tokenizer: Path, vocabulary_size: int
) -> None:
    model = exported(
        tmp_path / "model", lambda tokens: _tf().one_hot(tokens, vocabulary_size), _tf().int64, 12
    )
    bundle_saved_model(model, tokenizer, tmp_path / "bundle", "short")

    engine = engine_of(read_bundle(tmp_path / "bundle"))

    assert engine.context_length == 12
    assert engine.prefill(0, [5, 6, 7]).argmax() == 7


def test_a_model_that_looks_ahead_is_refused(
    tmp_path: Path, tokenizer: Path, vocabulary_size: int
) -> None:
    def summed(tokens: Any) -> Any:
        hot = _tf().one_hot(tokens, vocabulary_size)
        return hot + _tf().reduce_sum(hot, axis=1, keepdims=True)

    with pytest.raises(BuildError, match="is not causal"):
        bundle_saved_model(exported(tmp_path / "m", summed), tokenizer, tmp_path / "b", "x")

    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("call", "dtype", "sentence"),
    [
        (lambda tokens: _tf().reduce_sum(tokens, axis=1), None, r"its output is int32 \(None,\)"),
        (
            lambda tokens: _tf().one_hot(_tf().cast(tokens, _tf().int32), 9),
            "float32",
            "its input is float",
        ),
        (lambda tokens: {"a": tokens, "b": tokens}, None, "outputs \\['a', 'b'\\]"),
        (lambda tokens: _tf().one_hot(tokens, 9), None, "gives logits of 9 tokens"),
    ],
)
def test_another_signature_is_refused_with_the_one_that_is_needed(
    tmp_path: Path, tokenizer: Path, call: Callable[..., Any], dtype: str | None, sentence: str
) -> None:
    model = exported(tmp_path / "model", call, dtype and _tf().as_dtype(dtype))

    with pytest.raises((BundleError, BuildError), match=sentence):
        bundle_saved_model(model, tokenizer, tmp_path / "bundle", "x")


def test_a_folder_without_a_model_and_a_file_that_is_no_tokenizer_are_refused(
    tmp_path: Path, keras_model: Path
) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(BundleError, match=f"TensorFlow cannot load {tmp_path}"):
        bundle_saved_model(tmp_path, tmp_path / "tokenizer.json", tmp_path / "bundle", "x")
    with pytest.raises(BuildError, match=r"tokenizer.json is no tokenizer"):
        bundle_saved_model(keras_model, tmp_path / "tokenizer.json", tmp_path / "bundle", "x")


def test_a_token_that_is_named_as_an_end_and_is_none_is_refused(
    tmp_path: Path, keras_model: Path, tokenizer: Path
) -> None:
    with pytest.raises(BuildError, match=r"tokenizer\.json has no token '<edn>' that could end"):
        bundle_saved_model(keras_model, tokenizer, tmp_path / "b", "x", end_tokens=["<edn>"])


def test_one_changed_byte_of_the_weights_is_found(
    tmp_path: Path, keras_model: Path, tokenizer: Path
) -> None:
    bundle_saved_model(keras_model, tokenizer, tmp_path / "bundle", "mine")
    weights = tmp_path / "bundle/saved_model/variables/variables.data-00000-of-00001"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)

    with pytest.raises(BundleError, match=r"variables.data-00000-of-00001 is damaged"):
        Writer.open(tmp_path / "bundle")


@pytest.fixture(scope="module")
def exported_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The tiny model's network, with all of its tokens, as a SavedModel."""
    from lyricist.building.recipes import tiny_recipe
    from lyricist.building.release import packaged_gguf
    from lyricist.building.saved_model import export_saved_model
    from lyricist.checkpoints.gguf_file import GgufFile

    recipe = tiny_recipe(GgufFile(packaged_gguf()), None)
    folder = tmp_path_factory.mktemp("exported") / "tiny"
    return export_saved_model(recipe, folder, lambda stage, share: None)


@pytest.mark.parametrize("effort", [Effort.QUICK, Effort.BEST])
def test_the_effort_that_is_asked_for_is_spent_and_told(
    exported_bundle: Bundle, effort: Effort
) -> None:
    request = SongRequest("the river", lines=1, seed=5, rhyme_scheme="none", effort=effort)

    song = Writer.open(exported_bundle.folder).write([request], lambda index, lines: True)[0]

    assert isinstance(song, Song)
    assert song.effort is effort


def test_our_own_network_exported_agrees_with_the_bundle_that_is_served(
    exported_bundle: Bundle, tiny_bundle: Path
) -> None:
    theirs, ours = engine_of(exported_bundle), LiteRtEngine(read_bundle(tiny_bundle))

    tokens = [int(token) for token in np.random.default_rng(2).integers(300, 8000, 40)]
    theirs.prefill(0, tokens[:8])
    ours.prefill(0, tokens[:8])
    agreed = []
    for token in tokens[8:]:
        left, right = theirs.step({0: token})[0], ours.step({0: token})[0]
        agreed.append(np.corrcoef(left, right)[0, 1])

    assert min(agreed) > 0.99  # LiteRT's weights are rounded to 8 bits, these are not


def test_the_documented_keras_model_becomes_a_bundle_that_is_served(tmp_path: Path) -> None:
    page = Path("docs/your-model.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0].replace("epochs=30", "epochs=1")
    (tmp_path / "own.py").write_text(code, encoding="utf-8")
    (tmp_path / "songs.txt").write_text(VERSE * 60, encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith(".venv/bin/python -m lyricist")]
    bundle, generate = (shlex.split(line)[1:] for line in lines[:2])

    for arguments in (["own.py"], bundle, generate):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr

    assert len(done.stdout.splitlines()) == 4
    bundled = tmp_path / ".versequeue/models/mine"
    with running_server(tmp_path / "data", bundled) as server:
        job = server.wait_done(server.submit("the river waits", lines=4)["id"], 120)
    assert job["status"] == "succeeded", job
    assert job["output"]["receipt"]["model"] == "mine"
