"""Builds model bundles: from a GGUF file, or the tiny one that tests use.

Owns the order of the work and that a bundle appears whole or not at all. The arithmetic is in
`weights`, `skeleton` and `tflite_file`.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lyricist.building.gguf_file import GgufFile, VocabularyData, packaged_gguf
from lyricist.building.presets import PRESETS, Plan
from lyricist.building.tflite_file import WeightBinder, quantize_rows
from lyricist.building.tokenizer import build_tokenizer
from lyricist.bundle.architecture import EMBEDDING_DIVISOR
from lyricist.bundle.folders import new_folder, only_builder
from lyricist.bundle.manifest import (
    DRAFTS,
    MANIFEST,
    MODEL,
    TOKENIZER,
    WORDS,
    Bundle,
    BundleFormat,
    EmbeddingPlace,
    read_bundle,
    record_file,
)
from lyricist.bundle.sources import sources_digest
from lyricist.errors import BuildError, BundleError
from lyricist.vocabulary.word_file import read_words, write_words_of

#: What a bundle's bytes follow from, beside the model.
_SOURCES = ("bundle/*.py", "building/*.py")
END_TOKENS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>")

#: Called with the stage and how far it is, 0 to 1.
OnProgress = Callable[[str, float], None]


def _no_progress(stage: str, share: float) -> None:
    """Nobody watches."""


def build_bundle(
    folder: Path,
    preset: str = "default",
    gguf_path: Path | None = None,
    name: str | None = None,
    force: bool = False,
    drafts: int = DRAFTS,
    on_progress: OnProgress = _no_progress,
) -> bool:
    """Makes `folder` a bundle; False if it already was that very bundle.

    Raises BuildError where the model cannot be built, OSError where the disk is in the way; the
    folder is then as it was.
    """
    path = gguf_path or packaged_gguf()
    on_progress("Reading", 0.0)
    built_from = _fingerprint(path, preset, name, drafts)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_builder(folder):
        _refuse_to_replace_anything_else(folder)
        found = None if force else _whole_bundle(folder, built_from)
        if found and read_words(found.words_path, found.files[TOKENIZER].sha256):
            return False
        if found:
            _renew_words(found)
            return True
        plan = PRESETS[preset](GgufFile(path), name)
        with new_folder(folder) as draft:
            _fill(draft, plan, drafts, built_from, on_progress)
    on_progress("Done", 1.0)
    return True


def _fill(draft: Path, plan: Plan, drafts: int, built_from: str, on_progress: OnProgress) -> None:
    tokenizer = build_tokenizer(plan.vocabulary)
    tokenizer.save(str(draft / TOKENIZER), pretty=False)
    on_progress("Loading TensorFlow", 0.05)
    from lyricist.building.skeleton import (
        convert_network,  # takes seconds, so only when it is needed
    )

    on_progress("Converting", 0.2)
    binder = WeightBinder(convert_network(plan.architecture, drafts))
    embedding = _bind_weights(binder, plan, on_progress)
    on_progress("Writing", 0.9)
    binder.write(draft / MODEL)
    write_words_of(draft)
    files = {name: record_file(draft / name) for name in (MODEL, TOKENIZER, WORDS)}
    Bundle(
        folder=draft,
        format=BundleFormat.LITERT,
        name=plan.name,
        licence=plan.licence,
        architecture=plan.architecture,
        embedding=embedding(),
        drafts=drafts,
        end_tokens=end_tokens_of(plan.vocabulary),
        chat_template=plan.chat_template,
        built_from=built_from,
        files=files,
    ).write_manifest()


def _renew_words(found: Bundle) -> None:
    """The same network, which takes long to build, with the word table of today."""
    with new_folder(found.folder) as draft:
        for name in (MODEL, TOKENIZER):
            shutil.copy(found.folder / name, draft / name)
        write_words_of(draft)
        files = {**found.files, WORDS: record_file(draft / WORDS)}
        replace(found, folder=draft, files=files).write_manifest()


def _bind_weights(
    binder: WeightBinder, plan: Plan, on_progress: OnProgress
) -> Callable[[], EmbeddingPlace]:
    """Quantizes and binds all weights; where the embedding stands is known once written."""
    total = len(plan.architecture.weight_shapes())
    for done, (name, weight) in enumerate(plan.weights()):
        if name == EMBEDDING_DIVISOR:
            divisor = binder.append(weight)
        elif weight.ndim == 1:
            binder.bind_vector(name, weight)
        else:
            matrix = quantize_rows(weight)
            stored = binder.bind_matrix(name, matrix)
        on_progress("Quantizing", 0.3 + 0.6 * done / total)
    own = plan.embedding()
    if own is not None:
        matrix = quantize_rows(own)
        stored = binder.append(matrix.values)
    scales = binder.append(matrix.scales)
    return lambda: EmbeddingPlace(stored.offset, scales.offset, divisor.offset)


def end_tokens_of(vocabulary: VocabularyData) -> tuple[str, ...]:
    markup = [vocabulary.tokens[index] for index in vocabulary.special]
    own = vocabulary.tokens[vocabulary.end_of_text]
    return tuple(dict.fromkeys([own, *(token for token in END_TOKENS if token in markup)]))


def _fingerprint(gguf_path: Path, preset: str, name: str | None, drafts: int) -> str:
    """Digest of all that a bundle follows from: model, options and the code that builds it."""
    try:
        source = record_file(gguf_path).sha256
    except OSError as error:
        raise BuildError(f"{gguf_path} cannot be read: {error.strerror}.") from error
    made_by = f"{source} {preset} {name or ''} {drafts} {sources_digest(*_SOURCES)}"
    return hashlib.sha256(made_by.encode()).hexdigest()


def _refuse_to_replace_anything_else(folder: Path) -> None:
    if folder.is_dir():
        strange = {path.name for path in folder.iterdir()} - {MANIFEST, MODEL, TOKENIZER, WORDS}
        if not strange:
            return
    if folder.exists():
        raise BuildError(f"{folder} exists and is no model bundle; it will not be replaced.")


def _whole_bundle(folder: Path, built_from: str) -> Bundle | None:
    try:
        found = read_bundle(folder)
        if found.built_from == built_from:
            found.verify()
            return found
    except BundleError:
        return None
    return None
