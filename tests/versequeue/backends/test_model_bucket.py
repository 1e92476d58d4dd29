"""A bundle out of a bucket: whole, checked, in ranges, and with clear words when it cannot be."""

import hashlib
import json
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.bucket import FakeStorage, storage
from versequeue.backends.model_bucket import (
    RANGE_BYTES,
    STORAGE_URL,
    Bucket,
    fetch_bundle,
    open_bucket,
)
from versequeue.child_process import ChildProcess, free_port
from versequeue.config import Settings
from versequeue.errors import ModelUnavailable, ModelUnusable
from versequeue.functions.wiring import model_folder

LARGE = random.Random(7).randbytes(2 * RANGE_BYTES + 12_345)
FILES = {"model.tflite": LARGE, "variables/part one": b"weights", "tokenizer.json": b"{}", "e": b""}


def manifest(files: dict[str, bytes]) -> bytes:
    listed = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    return json.dumps({"name": "test", "files": listed}).encode()


def sized(size: str) -> bytes:
    """A manifest whose only file has this size."""
    return f'{{"files": {{"a": {{"bytes": {size}, "sha256": "{"0" * 64}"}}}}}}'.encode()


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[str]:
    """The address of a Cloud Storage emulator of other people's making, with a bucket `songs`."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("gcp-storage-emulator")), "start", "--in-memory"]
    command += ["--host=127.0.0.1", f"--port={port}", "--default-bucket=songs"]
    with ChildProcess(command, log=tmp_path / "log") as process:
        process.wait_until_ready(lambda: "services started" in process.printed(), 30, "It")
        yield f"http://127.0.0.1:{port}"


def upload(url: str, name: str, content: bytes) -> None:
    asked = {"uploadType": "media", "name": name}
    answer = requests.post(f"{url}/upload/storage/v1/b/songs/o", content, params=asked, timeout=30)
    answer.raise_for_status()


@pytest.mark.processes
def test_a_bundle_comes_whole_out_of_a_storage_emulator_and_a_damaged_one_is_refused(
    emulator: str, tmp_path: Path
) -> None:
    for name, content in FILES.items():
        if content:
            upload(emulator, f"models/v1/{name}", content)
    filled = {name: content for name, content in FILES.items() if content}
    upload(emulator, "models/v1/bundle.json", manifest(filled))

    folder = fetch_bundle(open_bucket("gs://songs/models/v1", emulator), tmp_path / "model")
    assert {name: (folder / name).read_bytes() for name in filled} == filled

    upload(emulator, "models/v1/model.tflite", LARGE[:-1] + b"x")
    with pytest.raises(ModelUnusable, match=r"model.tflite is damaged: its SHA-256 digest"):
        fetch_bundle(open_bucket("gs://songs/models/v1", emulator), tmp_path / "again")
    with pytest.raises(ModelUnavailable, match="there is no such object"):
        fetch_bundle(open_bucket("gs://songs/elsewhere", emulator), tmp_path / "nowhere")


@pytest.fixture
def bucket() -> Iterator[FakeStorage]:
    with storage() as fake:
        fake.objects = {f"songs/models/v1/{name}": content for name, content in FILES.items()}
        fake.objects["songs/models/v1/bundle.json"] = manifest(FILES)
        yield fake


def opened(fake: FakeStorage, uri: str = "gs://songs/models/v1") -> Bucket:
    return Bucket(**{**vars(open_bucket(uri, fake.url)), "sleep": lambda seconds: None})


def test_every_file_arrives_as_it_was(bucket: FakeStorage, tmp_path: Path) -> None:
    folder = fetch_bundle(opened(bucket), tmp_path / "model")

    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert not list(folder.rglob("*.part"))


def test_a_large_file_comes_in_ranges_and_several_at_a_time(
    bucket: FakeStorage, tmp_path: Path
) -> None:
    model = {"model.tflite": LARGE}
    bucket.objects["songs/models/v1/bundle.json"] = manifest(model)
    bucket.meeting = threading.Barrier(3, timeout=20)

    fetch_bundle(opened(bucket), tmp_path)

    assert f"bytes={RANGE_BYTES}-{2 * RANGE_BYTES - 1}" in bucket.ranges
    assert f"bytes={2 * RANGE_BYTES}-{len(LARGE) - 1}" in bucket.ranges
    assert len(bucket.ranges) == 4


def test_a_storage_that_ignores_ranges_is_understood(bucket: FakeStorage, tmp_path: Path) -> None:
    bucket.ignore_ranges = True

    folder = fetch_bundle(opened(bucket), tmp_path)

    assert (folder / "model.tflite").read_bytes() == LARGE


def test_what_is_there_already_is_not_fetched_again(bucket: FakeStorage, tmp_path: Path) -> None:
    fetch_bundle(opened(bucket), tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"[]")
    bucket.paths.clear()

    fetch_bundle(opened(bucket), tmp_path)

    assert [path.split("%2F")[-1] for path in bucket.paths] == [
        "bundle.json?alt=media",
        "tokenizer.json?alt=media",
    ]
    assert (tmp_path / "tokenizer.json").read_bytes() == b"{}"


def test_passing_trouble_is_tried_again(bucket: FakeStorage, tmp_path: Path) -> None:
    bucket.failures = [503, 429, 500]

    fetch_bundle(opened(bucket), tmp_path)

    assert (tmp_path / "model.tflite").read_bytes() == LARGE


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tokenizer.json": b"[]"}, r"gs://songs/models/v1/tokenizer.json is damaged"),
        ({"tokenizer.json": b""}, r"tokenizer.json cannot be read: it is shorter"),
        ({"model.tflite": LARGE[:-1]}, r"model.tflite is shorter than bundle.json says"),
        ({"tokenizer.json": None}, r"tokenizer.json cannot be read: there is no such object"),
        ({"bundle.json": None}, r"gs://songs/models/v1/bundle.json cannot be read"),
        ({"bundle.json": b"<html>"}, r"bundle.json is not a bundle's manifest"),
        ({"bundle.json": b"[]"}, r"bundle.json is not a bundle's manifest"),
        ({"bundle.json": manifest({"../x": b""})}, r"names a file outside of its folder"),
        *(
            ({"bundle.json": manifest({name: b""})}, r"names a file outside of its folder")
            for name in (
                "/x",
                "a//b",
                "./a",
                "a/",
                "",
                "bundle.json",
                "a.part",
                "\n",
                "\ud800",
                "é" * 101,
            )
        ),
        ({"bundle.json": manifest({f"f{n}": b"" for n in range(1001)})}, r"lists 1001 files"),
        ({"bundle.json": b" " * (1 << 20) + b"{}"}, r"bundle.json has more than 1,048,576 bytes"),
        ({"bundle.json": b'{"files":' + b"[" * 100_000}, r"is not a bundle's manifest"),
        *(
            ({"bundle.json": sized(size)}, r"does not say how long a is")
            for size in ("-1", "1e400", "true", "1.5", '"1"', "null")
        ),
        ({"bundle.json": sized("9" * 400)}, r"lists 1 files with more than"),
        ({"bundle.json": sized(str(1 << 43))}, r"lists 1 files with more than"),
    ],
)
def test_a_wrong_bundle_is_refused_in_words_and_is_no_bundle_afterwards(
    bucket: FakeStorage, tmp_path: Path, change: dict[str, bytes | None], sentence: str
) -> None:
    for name, content in change.items():
        del bucket.objects[f"songs/models/v1/{name}"]
        if content is not None:
            bucket.objects[f"songs/models/v1/{name}"] = content

    with pytest.raises(ModelUnavailable, match=sentence) as refused:
        fetch_bundle(opened(bucket), tmp_path)
    # What is not there may still be on its way.
    assert isinstance(refused.value, ModelUnusable) is ("no such object" not in str(refused.value))

    assert not (tmp_path / "bundle.json").exists()
    assert not (tmp_path.parent / "x").exists()


def test_a_refusal_is_not_tried_again(bucket: FakeStorage, tmp_path: Path) -> None:
    bucket.failures = [403] * 10

    with pytest.raises(ModelUnavailable, match="this identity may not read the bucket") as refused:
        fetch_bundle(opened(bucket), tmp_path)
    assert not isinstance(refused.value, ModelUnusable), "the owner may give it the right"

    assert len(bucket.paths) == 1


def test_a_storage_that_nobody_runs_is_named(tmp_path: Path) -> None:
    nobody = Bucket("songs", "v1", "http://127.0.0.1:9", sleep=lambda seconds: None)

    with pytest.raises(ModelUnavailable, match=r"gs://songs/v1/bundle.json cannot be read"):
        fetch_bundle(nobody, tmp_path)


def test_a_token_goes_with_every_request(bucket: FakeStorage, tmp_path: Path) -> None:
    known = Bucket("songs", "models/v1", bucket.url, token=lambda: "secret")

    fetch_bundle(known, tmp_path)

    assert bucket.tokens == {"Bearer secret"}


def test_an_emulator_is_asked_without_credentials_in_either_spelling() -> None:
    assert open_bucket("gs://songs/v1/", "localhost:9023").url == "http://localhost:9023"
    assert open_bucket("gs://songs/v1/", "http://localhost:9023/").url == "http://localhost:9023"
    assert open_bucket("gs://songs", "x").where("a") == "gs://songs/a"
    assert Bucket("songs", "").url == STORAGE_URL


@pytest.mark.parametrize("uri", ["gs://", "gs:///x", "s3://songs/v1", "songs"])
def test_another_address_is_refused(uri: str) -> None:
    with pytest.raises(ModelUnusable, match="gs://bucket/prefix"):
        open_bucket(uri, "localhost:1")


def test_the_model_setting_may_name_a_bucket(bucket: FakeStorage, tmp_path: Path) -> None:
    settings = Settings.from_environ(
        {
            "VERSEQUEUE_MODEL": "gs://songs/models/v1",
            "VERSEQUEUE_DATA_DIR": str(tmp_path),
            "STORAGE_EMULATOR_HOST": bucket.url,
        }
    )

    folder = model_folder(settings, settings.models[0])

    assert folder.is_relative_to(tmp_path)
    assert (folder / "model.tflite").read_bytes() == LARGE
