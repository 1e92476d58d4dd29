"""Builds a bundle by a recipe, for LiteRT: tokenizer, network, weights, word table, manifest."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lyricist.building.adapter import Adapter, read_adapter
from lyricist.building.folders import new_folder, only_builder
from lyricist.building.freshness import (
    has_its_words,
    source_digest,
    state_layers_of,
    whole_bundle,
)
from lyricist.building.recipes import RECIPES, Recipe
from lyricist.building.release import packaged_gguf
from lyricist.building.tflite_file import WeightBinder, quantize_rows
from lyricist.bundle.architecture import EMBEDDING_DIVISOR
from lyricist.bundle.embedding import EmbeddingPlace
from lyricist.bundle.manifest import (
    DRAFTS,
    MANIFEST,
    MODEL,
    PHRASES,
    TOKENIZER,
    WORD_TABLE,
    Bundle,
    BundleFormat,
    read_bundle,
    record_file,
)
from lyricist.bundle.phrases_file import write_phrases
from lyricist.bundle.sources import bundle_fingerprint
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.errors import BuildError
from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.vocabulary.word_table_file import write_word_table_of

#: Called with the stage and how far it is, 0 to 1.
OnProgress = Callable[[str, float], None]


def build_bundle(
    folder: Path,
    preset: str = "default",
    gguf_path: Path | None = None,
    name: str | None = None,
    force: bool = False,
    drafts: int = DRAFTS,
    on_progress: OnProgress = lambda _stage, _share: None,
    adapter_path: Path | None = None,
) -> bool:
    """Makes `folder` a bundle; False if it already was that very bundle.

    Raises BuildError where the model cannot be built, OSError where the disk is in the way; the
    folder is then as it was.
    """
    path = gguf_path or packaged_gguf()
    source = source_digest(path)
    adapter_sha256 = source_digest(adapter_path) if adapter_path else ""
    built_from = bundle_fingerprint(source, adapter_sha256, preset, name, drafts)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_builder(folder):
        _refuse_to_replace_anything_else(folder)
        found = (
            None if force else whole_bundle(folder, source, adapter_sha256, preset, name, drafts)
        )
        if found and has_its_words(found):
            return False
        if found:
            _renew_word_table(found)
            return True
        on_progress("Reading", 0.0)
        adapter = _adapter_of(adapter_path, source, preset, path)
        if adapter_path:
            name = name or adapter_path.stem
        recipe = RECIPES[preset](GgufFile(path), name, adapter)
        with new_folder(folder) as new:
            phrases = adapter.phrases if adapter else None
            _fill(new, recipe, drafts, state_layers_of(source, preset), phrases, on_progress)
            made = replace(read_bundle(new), built_from=built_from, source_sha256=source)
            if adapter_path:
                made = replace(made, adapter=adapter_path.name, adapter_sha256=adapter_sha256)
            made.write_manifest()
    on_progress("Done", 1.0)
    return True


def _fill(
    new: Path,
    recipe: Recipe,
    drafts: int,
    state_layers: tuple[int, ...],
    phrases: LearnedPhrases | None,
    on_progress: OnProgress,
) -> None:
    made = model_tokenizer(recipe.tokenizer, recipe.architecture.vocabulary_size)
    made.tokenizer.save(str(new / TOKENIZER), pretty=False)
    on_progress("Loading TensorFlow", 0.05)
    from lyricist.building.network_graph import convert_network  # imports TensorFlow: seconds

    on_progress("Converting", 0.2)
    binder = WeightBinder(convert_network(recipe.architecture, drafts, state_layers))
    embedding = _bind_weights(binder, recipe, on_progress)
    on_progress("Writing", 0.9)
    binder.write(new / MODEL)
    write_word_table_of(new, recipe.architecture.vocabulary_size)
    names = [MODEL, TOKENIZER, WORD_TABLE]
    if phrases is not None:
        write_phrases(new, phrases)
        names.append(PHRASES)
    files = {name: record_file(new / name) for name in names}
    Bundle(
        folder=new,
        format=BundleFormat.LITERT,
        name=recipe.name,
        licence=recipe.licence,
        architecture=recipe.architecture,
        embedding=embedding(),
        drafts=drafts,
        state_layers=state_layers,
        end_tokens=made.end_tokens,
        chat_template=recipe.tokenizer.chat_template,
        prompt=made.prompt,
        files=files,
    ).write_manifest()


def _adapter_of(path: Path | None, source: str, preset: str, model: Path) -> Adapter | None:
    """The adapter in `path`, which must be one of the model that is built."""
    if path is None:
        return None
    found = read_adapter(path)
    if (found.source_sha256, found.preset) != (source, preset):
        raise BuildError(f"{path} was tuned on another model than {model}.")
    return found


def _renew_word_table(found: Bundle) -> None:
    """Replaces the word table only, since the network takes long to build."""
    with new_folder(found.folder) as new:
        for name in found.files.keys() - {WORD_TABLE}:
            shutil.copy(found.folder / name, new / name)
        write_word_table_of(new, found.architecture.vocabulary_size)
        files = {**found.files, WORD_TABLE: record_file(new / WORD_TABLE)}
        replace(found, folder=new, files=files).write_manifest()


def _bind_weights(
    binder: WeightBinder, recipe: Recipe, on_progress: OnProgress
) -> Callable[[], EmbeddingPlace]:
    """Quantizes and binds all weights. What it returns knows, once the file is written, where the
    embedding stands in it."""
    total = len(recipe.architecture.weight_shapes())
    for done, (name, weight) in enumerate(recipe.weights()):
        if name == EMBEDDING_DIVISOR:
            divisor = binder.append(weight)
        elif weight.ndim == 1:
            binder.bind_vector(name, weight)
        else:
            matrix = quantize_rows(weight)
            stored = binder.bind_matrix(name, matrix)
        on_progress("Quantizing", 0.3 + 0.6 * done / total)
    own = recipe.embedding()
    if own is not None:
        matrix = quantize_rows(own)
        stored = binder.append(matrix.values)
    scales = binder.append(matrix.scales)
    return lambda: EmbeddingPlace(stored.offset, scales.offset, divisor.offset)


def _refuse_to_replace_anything_else(folder: Path) -> None:
    if folder.is_dir():
        own = {MANIFEST, MODEL, TOKENIZER, WORD_TABLE, PHRASES}
        if own.issuperset(path.name for path in folder.iterdir()):
            return
    if folder.exists():
        raise BuildError(f"{folder} exists and is no model bundle; it will not be replaced.")
