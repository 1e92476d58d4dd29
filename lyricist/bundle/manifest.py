"""A model on disk: a folder of bundle.json, the network's files and tokenizer.json.

Owns what bundle.json says and whether the files are what it says. Knows no model runtime.
"""

import hashlib
import json
import mmap
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lyricist.arrays import FloatArray
from lyricist.bundle.architecture import Architecture
from lyricist.errors import BundleError

MANIFEST = "bundle.json"
MODEL = "model.tflite"
TOKENIZER = "tokenizer.json"
#: What follows from the tokenizer and the word lists, so that a start need not reckon it out.
WORDS = "words.npz"
#: The folder of a TensorFlow SavedModel, and the file without which it is none.
SAVED_MODEL = "saved_model"
SAVED_MODEL_GRAPH = f"{SAVED_MODEL}/saved_model.pb"
#: Raised when an older reader could no longer read a newer bundle.
FORMAT_VERSION = 2
#: How many drafts of each line are written side by side: more read better and take longer.
DRAFTS = 4
DEFAULT_FOLDER = Path(".versequeue/models")


class BundleFormat(StrEnum):
    """How the network is stored, and so which engine runs it."""

    LITERT = "litert"
    #: TensorFlow's own: any network from tokens to logits, see `lyricist.building.saved_model`
    SAVED_MODEL = "saved_model"


#: The file of the network itself.
NETWORK_FILES = {BundleFormat.LITERT: MODEL, BundleFormat.SAVED_MODEL: SAVED_MODEL_GRAPH}


@dataclass(frozen=True)
class FileRecord:
    """What a file of the bundle must be."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class EmbeddingPlace:
    """Where the embedding stands in the network's file: int8 rows, a float scale per row and a
    float divisor per column."""

    offset: int
    scales_offset: int
    divisor_offset: int


@dataclass(frozen=True)
class Bundle:
    """A bundle as its manifest describes it. `verify` says whether the files agree."""

    folder: Path
    format: BundleFormat
    name: str
    licence: str
    architecture: Architecture
    embedding: EmbeddingPlace
    #: How many drafts of each line the network is laid out for: rows that share a cache and pass
    #: together.
    drafts: int
    #: Tokens, as text, after which the model has nothing more to say.
    end_tokens: tuple[str, ...]
    #: The Jinja template of the model's makers, kept for the record.
    chat_template: str
    #: Digest of everything that the bundle was built from.
    built_from: str
    files: Mapping[str, FileRecord]

    @property
    def digest(self) -> str:
        """Names exactly these weights and this tokenizer: "sha256:" and 64 hex digits."""
        whole = hashlib.sha256()
        for name in sorted(self.files.keys() - {WORDS}):
            whole.update(f"{name} {self.files[name].sha256}\n".encode())
        return f"sha256:{whole.hexdigest()}"

    @property
    def model_path(self) -> Path:
        return self.folder / MODEL

    @property
    def saved_model_path(self) -> Path:
        return self.folder / SAVED_MODEL

    @property
    def tokenizer_path(self) -> Path:
        return self.folder / TOKENIZER

    @property
    def words_path(self) -> Path:
        return self.folder / WORDS

    def verify(self) -> None:
        """Reads every file; BundleError if one is not byte for byte what was built."""
        for name, record in self.files.items():
            try:
                found = record_file(self.folder / name)
            except OSError as error:
                raise _unreadable(self.folder, name, error) from error
            if found != record:
                raise _damaged(self.folder, name, "its SHA-256 digest is not the one recorded")

    def embedding_table(self) -> "EmbeddingTable":
        return EmbeddingTable(self)

    def write_manifest(self) -> None:
        """Writes bundle.json, last, since its presence says that the rest is whole."""
        fields = asdict(self)
        del fields["folder"]
        fields = {"format_version": FORMAT_VERSION, **fields, "digest": self.digest}
        text = json.dumps(fields, indent=2, ensure_ascii=False) + "\n"
        (self.folder / MANIFEST).write_text(text, encoding="utf-8")


class EmbeddingTable:
    """Token ids to hidden vectors, out of the network's file, which is mapped, not read."""

    def __init__(self, bundle: Bundle) -> None:
        rows, width = bundle.architecture.vocabulary_size, bundle.architecture.width
        place, path = bundle.embedding, bundle.model_path
        self._values: npt.NDArray[np.int8] = np.memmap(
            path, np.int8, "r", offset=place.offset, shape=(rows, width)
        )
        self._scales: FloatArray = np.memmap(
            path, np.float32, "r", offset=place.scales_offset, shape=(rows, 1)
        )
        self._divisor: FloatArray = np.memmap(
            path, np.float32, "r", offset=place.divisor_offset, shape=(width,)
        )

    def rows(self, tokens: npt.ArrayLike) -> FloatArray:
        """(tokens, width)."""
        chosen = np.asarray(tokens, np.intp)
        rows: FloatArray = self._values[chosen] * self._scales[chosen] / self._divisor
        return rows


def read_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, its files present and of the right length; BundleError if not.

    The bytes are checked by `Bundle.verify`, which reads them all.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BundleError(
            f"There is no model in {folder}: {MANIFEST} is missing. {_how_to_rebuild(folder)}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(folder, MANIFEST, error) from error
    try:
        bundle = _parse(folder, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, MANIFEST, f"{type(error).__name__}: {error}") from error
    for name, record in bundle.files.items():
        try:
            found = (folder / name).stat().st_size
        except OSError as error:
            raise _unreadable(folder, name, error) from error
        if found != record.bytes:
            raise _damaged(folder, name, f"it has {found} bytes of {record.bytes}")
    return bundle


def record_file(path: Path) -> FileRecord:
    """A file's length and digest. OSError as usual."""
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        if not length:  # an empty file cannot be mapped
            return FileRecord(0, hashlib.sha256().hexdigest())
        # Digested in one call, which lets other threads run all the while: between two of many, it
        # would wait for the interpreter's lock, which loading a tokenizer holds from end to end.
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return FileRecord(length, hashlib.sha256(content).hexdigest())


def _parse(folder: Path, fields: Mapping[str, Any]) -> Bundle:
    version = fields["format_version"]
    if isinstance(version, int) and version < FORMAT_VERSION:
        raise BundleError(
            f"The model in {folder} was built by an older VerseQueue, in version {version} of the "
            f"format, which this version cannot read. {_how_to_rebuild(folder)}"
        )
    if version != FORMAT_VERSION or fields["format"] not in set(BundleFormat):
        raise BundleError(
            f"The model in {folder} is of format {fields['format']!r}, version {version}, "
            f"which this version cannot read. {_how_to_rebuild(folder)}"
        )
    bundle = Bundle(
        folder=folder,
        format=BundleFormat(fields["format"]),
        name=str(fields["name"]),
        licence=str(fields["licence"]),
        architecture=Architecture.from_json(fields["architecture"]),
        embedding=EmbeddingPlace(
            offset=int(fields["embedding"]["offset"]),
            scales_offset=int(fields["embedding"]["scales_offset"]),
            divisor_offset=int(fields["embedding"]["divisor_offset"]),
        ),
        drafts=int(fields["drafts"]),
        end_tokens=tuple(fields["end_tokens"]),
        chat_template=str(fields["chat_template"]),
        built_from=str(fields["built_from"]),
        files={
            name: FileRecord(int(record["bytes"]), str(record["sha256"]))
            for name, record in fields["files"].items()
        },
    )
    needed = {NETWORK_FILES[bundle.format], TOKENIZER}
    if fields["digest"] != bundle.digest or not needed <= bundle.files.keys():
        raise ValueError("its list of files was changed")
    return bundle


def _how_to_rebuild(folder: Path) -> str:
    preset = "--preset tiny " if folder.name == "tiny" else ""
    return f"Build it with: python -m lyricist build {preset}--out {folder} --force"


def _damaged(folder: Path, name: str, why: str) -> BundleError:
    return BundleError(
        f"The model file {folder / name} is damaged ({why}). {_how_to_rebuild(folder)}"
    )


def _unreadable(folder: Path, name: str, error: Exception) -> BundleError:
    why = error.strerror if isinstance(error, OSError) else str(error)
    return BundleError(
        f"The model file {folder / name} cannot be read ({why}). {_how_to_rebuild(folder)}"
    )
