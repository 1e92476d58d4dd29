"""Whether a bundle is the very one that would be built now. Needs none of what building needs."""

from pathlib import Path

from lyricist.bundle.manifest import (
    DEFAULT_PRESET,
    DRAFTS,
    TOKENIZER,
    WORD_TABLE,
    Bundle,
    read_bundle,
    record_file,
)
from lyricist.bundle.sources import bundle_fingerprint
from lyricist.errors import BuildError, BundleError
from lyricist.lines.judge import head_layers
from lyricist.vocabulary.word_table_file import read_word_table


def source_digest(model: Path) -> str:
    """SHA-256 of a file that a bundle is built from. Raises BuildError."""
    try:
        return record_file(model).sha256
    except OSError as error:
        raise BuildError(f"{model} cannot be read: {error.strerror}.") from error


def whole_bundle(
    folder: Path,
    source_sha256: str | None,
    adapter_sha256: str,
    preset: str,
    name: str | None,
    drafts: int,
) -> Bundle | None:
    """The bundle in `folder` if it is whole and what would be built, its word table aside.

    `source_sha256`: of the model file; None takes the one that the bundle was built from.
    `adapter_sha256`: "" for none.
    """
    try:
        found = read_bundle(folder)
        source = source_sha256 or found.source_sha256
        if found.built_from != bundle_fingerprint(source, adapter_sha256, preset, name, drafts):
            return None
        if found.state_layers != state_layers_of(source, preset):
            return None
        found.verify()
    except BundleError:
        return None
    return found


def state_layers_of(source_sha256: str, preset: str) -> tuple[int, ...]:
    """The layers whose states a bundle of that model and preset gives: those the judge reads."""
    return head_layers(source_sha256) if preset == DEFAULT_PRESET else ()


def has_its_words(bundle: Bundle) -> bool:
    """Whether the word table that lies in the bundle is the one that would be derived now."""
    return read_word_table(bundle.folder / WORD_TABLE, bundle.files[TOKENIZER].sha256) is not None


def is_current(
    folder: Path, preset: str, gguf_path: Path | None, adapter_path: Path | None = None
) -> bool:
    """Whether `folder` would stay as it is if it were built. Raises BuildError."""
    source = source_digest(gguf_path) if gguf_path else None
    adapter = source_digest(adapter_path) if adapter_path else ""
    found = whole_bundle(folder, source, adapter, preset, None, DRAFTS)
    return found is not None and has_its_words(found)
