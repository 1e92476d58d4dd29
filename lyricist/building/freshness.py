"""Whether a bundle is the very one that would be built now. Needs none of what building needs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lyricist.building.own_adapter import own_adapters
from lyricist.bundle.manifest import (
    DEFAULT_PRESET,
    DRAFTS,
    TOKENIZER,
    WORD_TABLE,
    Bundle,
    read_bundle,
)
from lyricist.bundle.sources import Making
from lyricist.checkpoints.files import digest_of, is_hub_name
from lyricist.errors import BuildError, BundleError
from lyricist.lines.judge import head_layers
from lyricist.vocabulary.word_table_file import read_word_table


def source_digest(model: Path) -> str:
    """SHA-256 of a file or folder that a bundle is built from. Raises BuildError."""
    try:
        return digest_of(model)
    except OSError as error:
        raise BuildError(f"{model} cannot be read: {error.strerror}.") from error


def adapters_digest(adapters: Sequence[Path]) -> str:
    """That of all adapters in their order; "" for none. Raises BuildError."""
    digests = [source_digest(each) for each in adapters]
    if len(digests) < 2:
        return "".join(digests)
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def whole_bundle(folder: Path, making: Making) -> Bundle | None:
    """The bundle in `folder` if it is whole and what would be built, its word table aside."""
    try:
        found = read_bundle(folder)
        if found.built_from != making.fingerprint:
            return None
        if found.state_layers != state_layers_of(making.source_sha256, making.preset):
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
    folder: Path,
    preset: str,
    source: str | None,
    adapters: Sequence[Path] = (),
    untuned: bool = False,
) -> bool:
    """Whether `folder` would stay as it is if it were built. Of a model on the hub, the hub is not
    asked for a newer one. Raises BuildError."""
    path = _cached(source) if source and is_hub_name(source) else source and Path(source)
    if source and not path:
        return False
    model = source_digest(path) if path else _source_of(folder)
    own = own_adapters(model, preset, adapters, untuned)
    making = Making(
        source_sha256=model,
        adapter_sha256=adapters_digest([*own, *adapters]),
        preset=preset,
        name=None,
        drafts=DRAFTS,
    )
    found = whole_bundle(folder, making)
    return found is not None and has_its_words(found)


def _source_of(folder: Path) -> str:
    """The model that the bundle in `folder` was built from; "" if there is none."""
    try:
        return read_bundle(folder).source_sha256
    except BundleError:
        return ""


def _cached(source: str) -> Path | None:
    from lyricist.checkpoints.hub import cached  # imports a client of HTTP

    return cached(source)
