"""Models from anywhere: GGUF files and the manifests of bundles, damaged on their way."""

import contextlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from lyricist.building.recipes import default_recipe
from lyricist.bundle.manifest import MANIFEST, read_bundle
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.errors import BuildError, BundleError
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from tests.fuzz.cases import fuzz
from tests.fuzz.made_up import damaged, values
from tests.support.gguf_files import write_gguf
from versequeue.backends.model_bucket import MOST_BYTES, MOST_FILES, Bucket, listed
from versequeue.errors import ModelUnavailable

BUCKET = Bucket("songs", "v1")
BUNDLE = json.dumps(
    {
        "format_version": 2,
        "format": "litert",
        "name": "n",
        "files": {
            "model.tflite": {"bytes": 5, "sha256": "0" * 64},
            "saved_model/a": {"bytes": 0, "sha256": "f" * 64},
        },
    }
).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def whole(folder: Path) -> bytes:
    return write_gguf(folder / "whole.gguf", tied=True).read_bytes()


@fuzz(data=st.data())
def test_a_damaged_gguf_file(folder: Path, whole: bytes, data: Any) -> None:
    # Nearly all that is read stands in the head, before the weights.
    head = whole.index(b"blk.1.ffn_down.weight") + 100
    changed = data.draw(damaged(whole[:head])) + whole[head:]
    path = folder / "damaged.gguf"
    path.write_bytes(changed)
    with contextlib.suppress(BuildError), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of weights that are far too large
        recipe = default_recipe(GgufFile(path), None)
        model_tokenizer(recipe.tokenizer, recipe.architecture.vocabulary_size)
        for _name, weight in recipe.weights():
            assert weight.size <= 100 * len(changed)


@fuzz(text=damaged(BUNDLE), value=values)
def test_a_damaged_manifest_of_a_bucket(text: bytes, value: Any) -> None:
    file = {"files": {"a": {"bytes": value, "sha256": "0" * 64}}}
    for manifest in (text, json.dumps(value).encode(), json.dumps(file).encode()):
        with contextlib.suppress(ModelUnavailable):
            files = listed(manifest, BUCKET)
            assert len(files) <= MOST_FILES
            assert sum(file.bytes for file in files) <= MOST_BYTES


@fuzz(value=values, data=st.data())
def test_a_damaged_manifest_of_a_bundle(
    folder: Path, tiny_bundle: Path, value: Any, data: Any
) -> None:
    whole = (tiny_bundle / MANIFEST).read_bytes()
    fields = json.loads(whole)
    name = data.draw(st.sampled_from(sorted(fields)))
    for text in (data.draw(damaged(whole)), json.dumps({**fields, name: value}).encode()):
        (folder / MANIFEST).write_bytes(text)
        with contextlib.suppress(BundleError):
            read_bundle(folder)
