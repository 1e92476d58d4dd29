"""Builds a bundle by a recipe, for LiteRT: tokenizer, network, weights, word table, manifest."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lyricist.building.adapter import Adapter, read_adapter
from lyricist.building.folders import new_folder, only_builder
from lyricist.building.freshness import (
    adapters_digest,
    has_its_words,
    source_digest,
    state_layers_of,
    whole_bundle,
)
from lyricist.building.own_adapter import own_adapters
from lyricist.building.recipes import RECIPES, Recipe
from lyricist.building.source import local_source, name_of, open_checkpoint
from lyricist.building.tflite_file import WeightBinder, quantize_rows
from lyricist.bundle.architecture import EMBEDDING_DIVISOR
from lyricist.bundle.embedding import EmbeddingPlace
from lyricist.bundle.manifest import (
    DEFAULT_PRESET,
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
from lyricist.bundle.sources import Making
from lyricist.checkpoints.files import is_hub_name
from lyricist.errors import BuildError
from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.tokenizing.tokenizer_json import written
from lyricist.vocabulary.word_table_file import write_word_table_of

#: Called with the stage and how far it is, 0 to 1.
OnProgress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a bundle is to be made of, and how."""

    preset: str = DEFAULT_PRESET
    #: A file, a folder, or hf:owner/name; None: the default model.
    source: str | None = None
    name: str | None = None
    drafts: int = DRAFTS
    #: Folders of `peft`, files of `python -m lyricist tune`.
    adapters: tuple[Path, ...] = ()
    #: Without its chat template: told the topic as a line, as a model that is no assistant.
    plain: bool = False
    #: The default model as its makers left it, without the project's own adapter.
    untuned: bool = False


def build_bundle(
    folder: Path,
    options: BuildOptions,
    force: bool = False,
    on_progress: OnProgress = lambda _stage, _share: None,
    say: Callable[[str], None] = lambda _sentence: None,
) -> bool:
    """Makes `folder` a bundle; False if it already was that very bundle.

    `say` is told of what is fetched. Raises BuildError where the model cannot be built, OSError
    where the disk is in the way; the folder is then as it was.
    """
    path = local_source(options.source, say)
    source = source_digest(path)
    own = own_adapters(source, options.preset, options.adapters, options.untuned)
    making = Making(
        source_sha256=source,
        adapter_sha256=adapters_digest([*own, *options.adapters]),
        preset=options.preset,
        name=options.name,
        drafts=options.drafts,
        plain=options.plain,
    )
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_builder(folder):
        _refuse_to_replace_anything_else(folder)
        found = None if force else whole_bundle(folder, making)
        if found and has_its_words(found):
            return False
        if found:
            _renew_word_table(found)
            return True
        on_progress("Reading", 0.0)
        tuned = _tuned(options, own, making.source_sha256, path)
        recipe = _recipe(options, path, tuned)
        state_layers = state_layers_of(making.source_sha256, options.preset)
        with new_folder(folder) as new:
            _fill(new, recipe, options.drafts, state_layers, tuned, on_progress)
            made = replace(
                read_bundle(new),
                built_from=making.fingerprint,
                source_sha256=making.source_sha256,
                adapter=", ".join(each.name for each in options.adapters),
                adapter_sha256=making.adapter_sha256,
            )
            made.write_manifest()
    on_progress("Built", 1.0)
    return True


def _recipe(options: BuildOptions, path: Path, tuned: Sequence[Adapter]) -> Recipe:
    name = options.name
    if options.adapters:
        name = name or name_of(options.adapters[-1])
    elif options.source and is_hub_name(options.source):
        name = name or name_of(options.source)
    folders = [each for each in options.adapters if each.is_dir()]
    recipe = RECIPES[options.preset](open_checkpoint(path, folders), name, tuned)
    if options.plain:
        return replace(recipe, tokenizer=replace(recipe.tokenizer, chat_template=""))
    return recipe


def _fill(
    new: Path,
    recipe: Recipe,
    drafts: int,
    state_layers: tuple[int, ...],
    tuned: Sequence[Adapter],
    on_progress: OnProgress,
) -> None:
    made = model_tokenizer(recipe.tokenizer, recipe.architecture.vocabulary_size)
    (new / TOKENIZER).write_text(written(made.tokenizer), encoding="utf-8")
    on_progress("Loading TensorFlow", 0.05)
    from lyricist.building.network_graph import convert_network  # imports TensorFlow: seconds

    on_progress("Converting", 0.2)
    graph = convert_network(recipe.architecture, drafts, state_layers)
    with tempfile.TemporaryFile(dir=new) as waiting:
        binder = WeightBinder(graph, waiting)
        embedding = _bind_weights(binder, recipe, on_progress)
        on_progress("Writing", 0.9)
        binder.write(new / MODEL)
    write_word_table_of(new, recipe.architecture.vocabulary_size)
    names = [MODEL, TOKENIZER, WORD_TABLE]
    if tuned:
        write_phrases(new, LearnedPhrases().and_those_of(each.phrases for each in tuned))
        names.append(PHRASES)
    files = {name: record_file(new / name) for name in names}
    Bundle(
        folder=new,
        format=BundleFormat.LITERT,
        name=recipe.name,
        licence=recipe.licence,
        family=recipe.family,
        architecture=recipe.architecture,
        embedding=embedding(),
        drafts=drafts,
        state_layers=state_layers,
        end_tokens=made.end_tokens,
        chat_template=recipe.tokenizer.chat_template,
        prompt=replace(made.prompt, tells_given=any(each.tells_given for each in tuned)),
        files=files,
    ).write_manifest()


def _tuned(options: BuildOptions, own: Sequence[Path], source: str, model: Path) -> list[Adapter]:
    """The adapters of ours, which must be some of the model that is built."""
    found = [read_adapter(path) for path in own]
    below = adapters_digest(own)
    for path in options.adapters:
        if path.is_dir():
            continue  # of `peft`, which the checkpoint adds
        adapter = read_adapter(path)
        adapter.check_model(path, model, source, options.preset, below)
        found.append(adapter)
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
        del weight  # before the next one is read: it may be most of the memory
        on_progress("Quantizing", 0.3 + 0.6 * done / total)
    own = recipe.embedding()
    if own is not None:
        matrix = quantize_rows(own)
        del own
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
