"""A bundle is read whole or refused with a sentence that says which file and what to do."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lyricist.building.recipes import tiny_recipe
from lyricist.building.release import packaged_gguf
from lyricist.building.tflite_file import quantize_rows
from lyricist.bundle.embedding import EmbeddingTable
from lyricist.bundle.manifest import MANIFEST, MODEL, TOKENIZER, Bundle, read_bundle, record_file
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.errors import BundleError
from lyricist.vocabulary.tokens import Vocabulary


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that a test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


def test_a_bundle_says_what_it_is(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    bundle.verify()
    assert bundle.name == "tiny"
    assert bundle.licence == "apache-2.0"
    assert "<|im_end|>" in bundle.end_tokens
    assert bundle.digest.startswith("sha256:")


def test_the_digest_names_the_files_and_nothing_else(copy: Path, tiny_bundle: Path) -> None:
    fields = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**fields, "name": "other", "new_field": 1}))
    assert read_bundle(copy).digest == read_bundle(tiny_bundle).digest


def test_a_missing_bundle_names_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no model in .*lyricist build --out .*default"):
        read_bundle(tmp_path / "default")


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_file_that_is_gone_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} cannot be read .*lyricist build"):
        read_bundle(copy)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_half_written_file_is_refused_without_reading_it(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError, match=f"{name} is damaged .*bytes of"):
        read_bundle(copy)


@pytest.mark.parametrize("content", [b"", b"model", b"model" * 1_000_000])
def test_a_file_of_any_length_is_digested_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MODEL).write_bytes(content)
    found = record_file(tmp_path / MODEL)
    assert (found.bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_one_flipped_bit_is_found(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    bundle = read_bundle(copy)
    with pytest.raises(BundleError, match=f"{name} is damaged .*SHA-256.*--preset tiny"):
        bundle.verify()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"format": "litert"}', '{"format_version": 3, "format": "litert"}'],
)
def test_a_manifest_that_is_none_is_refused(copy: Path, text: str) -> None:
    (copy / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=r"bundle\.json is damaged"):
        read_bundle(copy)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("drafts", 10**9, "not one from 1 to 8"),
        ("drafts", 1e400, "not one from 1 to 8"),
        ("drafts", True, "not one from 1 to 8"),
        ("state_layers", [-1], "not one from 0 to 1000"),
        ("state_layers", 15, "none of at most 1000"),
        ("state_layers", [0] * 1001, "none of at most 1000"),
        ("end_tokens", [[]], "an end token is not text"),
        ("end_tokens", {}, "none of at most 100"),
        ("end_tokens", ["x"] * 101, "none of at most 100"),
        ("architecture/layers", 10**30, "layers"),
        ("architecture/context_length", "1024", "context_length"),
        ("architecture/vocabulary_size", 0, "vocabulary_size"),
        ("architecture/rope_base", float("nan"), "rope_base"),
        ("embedding/offset", -1, "not one from 0 to"),
        (f"files/{MODEL}/bytes", 1e400, "not one from 0 to"),
        (f"files/{MODEL}/bytes", 10**400, "not one from 0 to"),
        ("files/..", {"bytes": 0, "sha256": ""}, "outside of its folder"),
        ("files", {f"f{n}": {"bytes": 0, "sha256": ""} for n in range(1001)}, "lists 1001 files"),
        ("files", [], "AttributeError"),
        ("prompt", 5, "TypeError"),
        ("prompt", {"before": ""}, "KeyError"),
        ("prompt/between", None, "what stands around a prompt is not text"),
        ("prompt/after", "x" * 20_001, "longer than 20000"),
        ("architecture/options", {"window": -1}, "window"),
        ("architecture/options", {"activation": "tanh"}, "is not a valid Activation"),
        ("architecture/options", {"local_layers": [0]}, "window is not a number of positions"),
        ("architecture/options", {"rope_factors": [2.0]}, "rope_factors are not those of a head"),
    ],
)
def test_a_manifest_that_asks_for_too_much_is_refused_before_anything_is_made_of_it(
    copy: Path, path: str, value: object, why: str
) -> None:
    fields = json.loads((copy / MANIFEST).read_text())
    *parents, last = path.split("/")
    at = fields
    for parent in parents:
        at = at[parent]
    at[last] = value
    (copy / MANIFEST).write_text(json.dumps(fields))
    with pytest.raises(BundleError, match=rf"bundle\.json is damaged .*{why}"):
        read_bundle(copy)


@pytest.mark.parametrize(
    ("text", "why"),
    [("[" * 100_000, "nested too deeply"), (" " * (1 << 20) + "{}", "more than 1048576 bytes")],
    ids=["deep", "long"],
)
def test_a_manifest_without_end_is_refused(copy: Path, text: str, why: str) -> None:
    (copy / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=rf"bundle\.json is damaged .*{why}"):
        read_bundle(copy)


def test_a_manifest_that_is_no_text_is_refused(copy: Path) -> None:
    (copy / MANIFEST).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match=r"bundle\.json cannot be read"):
        read_bundle(copy)


@pytest.mark.parametrize(("field", "value"), [("format_version", 5), ("format", "onnx")])
def test_a_bundle_from_another_time_is_refused(copy: Path, field: str, value: object) -> None:
    fields = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**fields, field: value}))
    with pytest.raises(BundleError, match="which this version cannot read"):
        read_bundle(copy)


def test_an_older_bundle_says_how_to_build_it_anew(copy: Path) -> None:
    fields = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**fields, "format_version": 1}))
    with pytest.raises(BundleError, match=r"older VerseQueue.*lyricist build --preset tiny.*force"):
        read_bundle(copy)


def test_a_list_of_files_that_was_changed_is_refused(copy: Path) -> None:
    fields = json.loads((copy / MANIFEST).read_text())
    fields["files"][MODEL]["sha256"] = "0" * 64
    (copy / MANIFEST).write_text(json.dumps(fields))
    with pytest.raises(BundleError, match="list of files was changed"):
        read_bundle(copy)


def test_a_tokenizer_that_is_none_is_refused(copy: Path) -> None:
    (copy / TOKENIZER).write_text("{}")
    with pytest.raises(BundleError, match="is no tokenizer"):
        Vocabulary(_unchecked(copy))


def _unchecked(folder: Path) -> Bundle:
    fields = json.loads((folder / MANIFEST).read_text())
    fields["files"][TOKENIZER]["bytes"] = (folder / TOKENIZER).stat().st_size
    (folder / MANIFEST).write_text(json.dumps(fields))
    return read_bundle(folder)


def test_the_embedding_is_read_out_of_the_networks_file(tiny_bundle: Path) -> None:
    weights = dict(tiny_recipe(GgufFile(packaged_gguf()), None).weights())
    wanted = quantize_rows(weights["output"])
    tokens = [0, 5, 8000, 5]
    bundle = read_bundle(tiny_bundle)
    table = EmbeddingTable(tiny_bundle / MODEL, bundle.embedding, bundle.architecture)
    rows = table.rows(tokens)
    np.testing.assert_array_equal(rows, wanted.values[tokens] * wanted.scales[tokens, np.newaxis])
