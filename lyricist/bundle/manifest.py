"""A bundle as bundle.json describes it: which model, and which files with which digests."""

import dataclasses
import hashlib
import json
import mmap
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lyricist.bundle.architecture import Architecture
from lyricist.bundle.embedding import EmbeddingPlace
from lyricist.bundle.network_options import NetworkOptions
from lyricist.bundle.prompt_form import PromptForm
from lyricist.errors import BundleAway, BundleError

MANIFEST = "bundle.json"
MODEL = "model.tflite"
TOKENIZER = "tokenizer.json"
#: The word table, which follows from the tokenizer: stored, so that a start need not derive it.
WORD_TABLE = "words.npz"
#: Hashes of phrases that a tuned model must not write; only its bundle has them.
PHRASES = "phrases.npy"
#: The folder of a TensorFlow SavedModel, and the file that every one of them has.
SAVED_MODEL = "saved_model"
SAVED_MODEL_GRAPH = f"{SAVED_MODEL}/saved_model.pb"
#: To be raised with a change that makes older code unable to read a new bundle. A bundle says the
#: least version that can read it: the first of these, unless its network has options.
PLAIN_VERSION, FORMAT_VERSION = 3, 4
#: How many rows share one cache; `lyricist/lines/effort.py` says how many drafts a line gets.
DRAFTS, MOST_DRAFTS = 4, 8
DEFAULT_FOLDER = Path(".versequeue/models")
#: Models that `lyricist.building.recipes` can build by name, each in the folder of that name.
DEFAULT_PRESET, TINY_PRESET = PRESETS = ("default", "tiny")
#: What a manifest may be and list: it is read before anything is known of it.
MOST_MANIFEST_BYTES = 1 << 20
MOST_FILES = 1000
MOST_END_TOKENS = 100
MOST_LAYERS = 1000
MOST_BYTES = 32 << 30


class BundleFormat(StrEnum):
    """How the network is stored, and so which engine runs it."""

    LITERT = "litert"
    #: TensorFlow's own: any network from tokens to logits, see `lyricist.building.saved_model`.
    SAVED_MODEL = "saved_model"


#: The file of the network itself, by format.
_NETWORK_FILES = {BundleFormat.LITERT: MODEL, BundleFormat.SAVED_MODEL: SAVED_MODEL_GRAPH}


@dataclass(frozen=True)
class FileRecord:
    """What a file of the bundle must be."""

    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle as its manifest describes it. `verify` says whether the files agree."""

    folder: Path
    format: BundleFormat
    name: str
    licence: str
    #: The family of networks, as people call it; "" where nothing is known of it.
    family: str = ""
    architecture: Architecture
    embedding: EmbeddingPlace
    #: So many of the engine's rows make a family, which shares one cache and always passes through
    #: the network together.
    drafts: int = DRAFTS
    #: The layers, counted from 0, whose hidden states the network gives beside its logits.
    state_layers: tuple[int, ...] = ()
    #: Vocabulary, as text, after which the model has nothing more to say.
    end_tokens: tuple[str, ...]
    #: The Jinja template of the model's makers, kept for the record.
    chat_template: str
    #: What stands around the texts that the model is told, by that template; None in a bundle that
    #: was built before this was kept.
    prompt: PromptForm | None = None
    #: Digest of everything that the bundle was built from.
    built_from: str = ""
    files: Mapping[str, FileRecord]
    #: SHA-256 of the model file that it was built from, where that was one file.
    source_sha256: str = ""
    #: The adapter that was merged into it, if one was: its file's name and SHA-256.
    adapter: str = ""
    adapter_sha256: str = ""

    @property
    def digest(self) -> str:
        """Names exactly these weights and this tokenizer: "sha256:" and 64 hex digits."""
        whole = hashlib.sha256()
        for name in sorted(self.files.keys() - {WORD_TABLE}):
            whole.update(f"{name} {self.files[name].sha256}\n".encode())
        return f"sha256:{whole.hexdigest()}"

    def verify(self) -> None:
        """Reads every file; BundleError if one is not byte for byte what was built.

        Also BundleAway, as `read_bundle`.
        """
        for name, record in self.files.items():
            try:
                found = record_file(self.folder / name)
            except OSError as error:
                raise _away(self.folder, name, error) from error
            if found != record:
                raise _damaged(self.folder, name, "its SHA-256 digest is not the one recorded")

    def write_manifest(self) -> None:
        """Writes bundle.json. To be called last: its presence says that the rest is whole."""
        is_plain = self.architecture.options == NetworkOptions()
        version = PLAIN_VERSION if is_plain else FORMAT_VERSION
        fields = {"format_version": version, **asdict(self), "digest": self.digest}
        del fields["folder"]
        text = json.dumps(fields, indent=2, ensure_ascii=False) + "\n"
        (self.folder / MANIFEST).write_text(text, encoding="utf-8")


def read_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, its files present and of the right length; BundleError if not.

    BundleAway where a file is not there or cannot be read: the storage may come back with it.
    The bytes are checked by `Bundle.verify`, which reads them all.
    """
    try:
        text = _read_bounded(folder / MANIFEST)
    except FileNotFoundError as error:
        raise BundleAway(
            f"There is no model in {folder}: {MANIFEST} is missing. {_how_to_rebuild(folder)}"
        ) from error
    except OSError as error:
        raise _away(folder, MANIFEST, error) from error
    except UnicodeDecodeError as error:
        raise _damaged(folder, MANIFEST, str(error), "cannot be read") from error
    try:
        bundle = _parse(folder, json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise _damaged(folder, MANIFEST, f"{type(error).__name__}: {error}") from error
    except RecursionError as error:
        raise _damaged(folder, MANIFEST, "it is nested too deeply") from error
    for name, record in bundle.files.items():
        try:
            found = (folder / name).stat().st_size
        except OSError as error:
            raise _away(folder, name, error) from error
        if found != record.bytes:
            raise _damaged(folder, name, f"it has {found} bytes of {record.bytes}")
    return bundle


def _read_bounded(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MOST_MANIFEST_BYTES + 1)
    if len(content) > MOST_MANIFEST_BYTES:
        raise _damaged(path.parent, path.name, f"it has more than {MOST_MANIFEST_BYTES} bytes")
    return content.decode()


def record_file(path: Path) -> FileRecord:
    """A file's length and digest. OSError as usual."""
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        if not length:  # an empty file cannot be mapped
            return FileRecord(0, hashlib.sha256().hexdigest())
        # One call digests the whole file without the interpreter's lock. Many small calls would
        # wait for it again and again, since loading a tokenizer, in another thread, holds it.
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return FileRecord(length, hashlib.sha256(content).hexdigest())


def _parse(folder: Path, fields: Mapping[str, Any]) -> Bundle:
    _refuse_other_versions(folder, fields)
    bundle = Bundle(
        folder=folder,
        format=BundleFormat(fields["format"]),
        name=str(fields["name"]),
        licence=str(fields["licence"]),
        family=str(fields.get("family", "")),
        architecture=Architecture.from_json(fields["architecture"]),
        embedding=EmbeddingPlace(
            *(
                _whole(fields["embedding"][field.name], MOST_BYTES, least=0)
                for field in dataclasses.fields(EmbeddingPlace)
            )
        ),
        drafts=_whole(fields["drafts"], MOST_DRAFTS),
        state_layers=tuple(
            _whole(layer, MOST_LAYERS, least=0)
            for layer in _list(fields["state_layers"], MOST_LAYERS)
        ),
        end_tokens=tuple(map(_end_token, _list(fields["end_tokens"], MOST_END_TOKENS))),
        chat_template=str(fields["chat_template"]),
        prompt=PromptForm.from_json(fields["prompt"]) if fields.get("prompt") else None,
        built_from=str(fields["built_from"]),
        files={
            _inside(name): FileRecord(
                _whole(record["bytes"], MOST_BYTES, least=0), str(record["sha256"])
            )
            for name, record in fields["files"].items()
        },
        source_sha256=str(fields.get("source_sha256", "")),
        adapter=str(fields.get("adapter", "")),
        adapter_sha256=str(fields.get("adapter_sha256", "")),
    )
    if len(bundle.files) > MOST_FILES:
        raise ValueError(f"it lists {len(bundle.files)} files")
    needed = {_NETWORK_FILES[bundle.format], TOKENIZER}
    if fields["digest"] != bundle.digest or not needed <= bundle.files.keys():
        raise ValueError("its list of files was changed")
    return bundle


def _whole(value: Any, most: int, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"a number in it is not one from {least} to {most}")
    return value


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"a list in it is none of at most {most}")
    return value


def _end_token(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("an end token is not text")
    return value


def _inside(name: str) -> str:
    """`name`, if it is one of a file in the bundle's folder."""
    if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError("it names a file outside of its folder")
    return name


def _refuse_other_versions(folder: Path, fields: Mapping[str, Any]) -> None:
    version = fields["format_version"]
    if isinstance(version, int) and version < PLAIN_VERSION:
        which = f"was built by an older VerseQueue, in version {version} of the format"
    elif version not in (PLAIN_VERSION, FORMAT_VERSION) or fields["format"] not in set(
        BundleFormat
    ):
        which = f"is of format {fields['format']!r}, version {version}"
    else:
        return
    raise BundleError(
        f"The model in {folder} {which}, which this version cannot read. {_how_to_rebuild(folder)}"
    )


def _how_to_rebuild(folder: Path) -> str:
    preset = f"--preset {TINY_PRESET} " if folder.name == TINY_PRESET else ""
    return f"Build it with: python -m lyricist build {preset}--out {folder} --force"


def _damaged(folder: Path, name: str, why: str, what: str = "is damaged") -> BundleError:
    return BundleError(f"The model file {folder / name} {what} ({why}). {_how_to_rebuild(folder)}")


def _away(folder: Path, name: str, error: OSError) -> BundleAway:
    why = f"The model file {folder / name} cannot be read ({error.strerror})."
    return BundleAway(f"{why} {_how_to_rebuild(folder)}")
