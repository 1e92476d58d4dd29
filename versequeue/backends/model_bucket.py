"""Fetching a model bundle from Cloud Storage: gs://bucket/prefix in, a local folder out."""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from versequeue.errors import ModelUnavailable, ModelUnusable

log = logging.getLogger(__name__)
MANIFEST = "bundle.json"
STORAGE_URL = "https://storage.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
#: Large files come in ranges, several at a time: one stream fills only a part of the line.
RANGE_BYTES = 8 * 1024 * 1024
STREAMS = 8
TRIES = 4
TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 20
#: What a manifest may be and ask for: it is read before anything is known of it.
MOST_MANIFEST_BYTES = 1 << 20
MOST_FILES = 1000
MOST_BYTES = 32 << 30
MOST_NAME_BYTES = 200
_DIGEST = re.compile(r"[0-9a-f]{64}")
_REASONS = {
    401: "the credentials were refused",
    403: "this identity may not read the bucket",
    404: "there is no such object",
    416: "it is shorter than the manifest says",
}
#: What a request is given to prove who asks; empty for an emulator or a public bucket.
Token = Callable[[], str]


@dataclass(frozen=True)
class Remote:
    """One object of a bucket, as the manifest describes it."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Bucket:
    """Where a bundle lies: gs://`name`/`prefix`, behind `url`."""

    name: str
    prefix: str
    url: str = STORAGE_URL
    token: Token = str
    sleep: Callable[[float], None] = time.sleep

    def where(self, file: str) -> str:
        """The address of a file as its owner would write it."""
        return f"gs://{self.name}/{self._object(file)}"

    def read(self, file: str, most: int) -> bytes:
        """A whole file. Raises ModelUnavailable; ModelUnusable if it has more than `most` bytes."""
        content = self._get(file, {}, 0, most + 1)
        if len(content) > most:
            raise ModelUnusable(f"{self.where(file)} has more than {most:,} bytes.")
        return content

    def read_range(self, file: str, start: int, end: int) -> bytes:
        """A file's bytes from `start` up to before `end`. Raises ModelUnavailable."""
        return self._get(file, {"Range": f"bytes={start}-{end - 1}"}, start, end)

    def _get(self, file: str, asked: Mapping[str, str], start: int, end: int) -> bytes:
        headers = dict(asked)
        if token := self.token():
            headers["Authorization"] = f"Bearer {token}"
        path = f"/storage/v1/b/{quote(self.name, safe='')}/o/{quote(self._object(file), safe='')}"
        url = f"{self.url}{path}?alt=media"
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                self.sleep(0.2 * 4.0 ** (attempt - 1))
            try:
                with requests.get(url, headers=headers, timeout=TIMEOUT_S, stream=True) as response:
                    if response.status_code in (200, 206):
                        # A server may answer a range with the whole.
                        skipped = start if response.status_code == 200 else 0
                        return _part(response, skipped, end - start)
            except requests.RequestException as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            problem = _REASONS.get(
                response.status_code, f"the storage answered {response.status_code}"
            )
            if response.status_code not in (408, 429, 500, 502, 503, 504):
                break
        # A refusal or a missing object may be mended; what is too short is not what was built.
        kind = ModelUnusable if problem == _REASONS[416] else ModelUnavailable
        raise kind(f"{self.where(file)} cannot be read: {problem}")

    def _object(self, file: str) -> str:
        return f"{self.prefix}/{file}" if self.prefix else file


def _part(response: requests.Response, skipped: int, length: int) -> bytes:
    """At most `length` bytes behind the first `skipped`; what follows is not read."""
    kept = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        kept += chunk[skipped : skipped + length - len(kept)]
        skipped = max(0, skipped - len(chunk))
        if len(kept) == length:
            break
    return bytes(kept)


def open_bucket(uri: str, storage_url: str = "") -> Bucket:
    """The bucket of gs://bucket/prefix; an emulator at `storage_url` is asked without credentials.

    Raises ModelUnusable for another form.
    """
    name, _, prefix = uri.removeprefix("gs://").partition("/")
    if not uri.startswith("gs://") or not name:
        raise ModelUnusable(f"A model in a bucket is written gs://bucket/prefix, not {uri!r}.")
    if storage_url:
        url = storage_url if "://" in storage_url else f"http://{storage_url}"
        return Bucket(name, prefix.strip("/"), url.rstrip("/"))
    return Bucket(name, prefix.strip("/"), token=_default_token())


def fetch_bundle(bucket: Bucket, target: Path) -> Path:
    """Make `target` the bundle of `bucket`, keeping files that are right.

    Raises ModelUnavailable; ModelUnusable if what lies in the bucket is damaged or no bundle.
    The manifest is written last, so that a half fetched folder is no bundle.
    """
    manifest = bucket.read(MANIFEST, MOST_MANIFEST_BYTES)
    files = listed(manifest, bucket)
    started = time.monotonic()
    wanted = [file for file in files if not _is_right(target / file.name, file)]
    try:
        target.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(STREAMS, "model-fetch") as pool:
            for file in wanted:
                _fetch(bucket, file, target, pool)
        (target / MANIFEST).write_bytes(manifest)
    except OSError as error:
        raise ModelUnavailable(f"The model cannot be stored in {target}: {error}") from error
    taken_s = round(time.monotonic() - started, 3)
    size = sum(file.bytes for file in wanted)
    log.info("fetched %s bytes of model", size, extra={"duration_s": taken_s})
    return target


def _fetch(bucket: Bucket, file: Remote, target: Path, pool: ThreadPoolExecutor) -> None:
    part = target / f"{file.name}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    where = bucket.where(file.name)

    with part.open("wb") as output:
        descriptor = output.fileno()
        os.truncate(descriptor, file.bytes)

        def copy(start: int) -> None:
            end = min(start + RANGE_BYTES, file.bytes)
            content = bucket.read_range(file.name, start, end)
            if len(content) != end - start:
                raise ModelUnusable(f"{where} is shorter than {MANIFEST} says.")
            os.pwrite(descriptor, content, start)

        for _ in pool.map(copy, range(0, file.bytes, RANGE_BYTES)):
            pass  # an exception of any range is raised here
    if not _is_right(part, file):
        part.unlink()
        raise ModelUnusable(
            f"{where} is damaged: its SHA-256 digest is not the one that "
            f"{MANIFEST} records. Upload the whole bundle again."
        )
    part.replace(target / file.name)


def listed(manifest: bytes, bucket: Bucket) -> list[Remote]:
    """The files that a manifest names. Raises ModelUnusable for more than a bundle has."""
    where = bucket.where(MANIFEST)
    try:
        listed: Mapping[str, Any] = json.loads(manifest)["files"]
        files = [Remote(name, record["bytes"], record["sha256"]) for name, record in listed.items()]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelUnusable(f"{where} is not a bundle's manifest.") from error
    for file in files:
        _check(file, where)
    if len(files) > MOST_FILES or sum(file.bytes for file in files) > MOST_BYTES:
        raise ModelUnusable(
            f"{where} lists {len(files)} files with more than {MOST_FILES} of them or "
            f"{MOST_BYTES:,} bytes in all; no model that can be served is as large."
        )
    return files


def _check(file: Remote, where: str) -> None:
    """Raises ModelUnusable for a name, a length or a digest that no file of a bundle has."""
    parts = file.name.split("/")
    if (
        any(part in ("", ".", "..") for part in parts)
        or not file.name.isprintable()
        or len(file.name.encode()) > MOST_NAME_BYTES
        or file.name == MANIFEST
        or file.name.endswith(".part")
    ):
        raise ModelUnusable(f"{where} names a file outside of its folder, or by an odd name.")
    size, digest = file.bytes, file.sha256
    if type(size) is not int or size < 0 or not _DIGEST.fullmatch(str(digest)):
        raise ModelUnusable(f"{where} does not say how long {file.name} is and what its digest.")


def _is_right(path: Path, file: Remote) -> bool:
    try:
        if path.stat().st_size != file.bytes:
            return False
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _default_token() -> Token:
    try:
        import google.auth
        import google.auth.transport.requests
        from google.auth.exceptions import GoogleAuthError
    except ModuleNotFoundError as error:
        raise ModelUnavailable(
            "A model in a bucket needs Google's libraries, which are not installed: pip install "
            "'versequeue[gcp]', in a clone make up MODEL=gs://… brings them."
        ) from error

    try:
        credentials: Any = google.auth.default(scopes=[SCOPE])[0]
        credentials.refresh(google.auth.transport.requests.Request())
    except GoogleAuthError as error:
        raise ModelUnavailable(f"No credentials for Cloud Storage: {error}") from error
    return lambda: str(credentials.token or "")
