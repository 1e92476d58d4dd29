"""Bundles of a TensorFlow SavedModel, anybody's or our own: TensorFlow Serving loads them, too."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from lyricist.arrays import FloatArray
from lyricist.building.folders import new_folder
from lyricist.building.network import forward, input_specs
from lyricist.building.pipeline import OnProgress
from lyricist.building.recipes import Recipe
from lyricist.bundle.architecture import (
    EMBEDDING_DIVISOR,
    LOCAL,
    MASKED,
    Architecture,
    rope_tables,
)
from lyricist.bundle.embedding import EmbeddingPlace
from lyricist.bundle.manifest import (
    SAVED_MODEL,
    TOKENIZER,
    Bundle,
    BundleFormat,
    read_bundle,
    record_file,
)
from lyricist.bundle.network_options import MOST_OF_ANYTHING
from lyricist.bundle.prompt_form import PromptForm, form_without_template
from lyricist.engine.served_model import SIGNATURE, ServedModel
from lyricist.errors import BuildError
from lyricist.tokenizing.model_tokenizer import ModelTokenizer, model_tokenizer
from lyricist.tokenizing.tokenizer_json import written
from lyricist.tokenizing.tokenizer_source import TokenizerJson, TokenizerSource
from lyricist.vocabulary.word_table_file import write_word_table_of

#: Positions of a song where the signature takes any number of them.
DEFAULT_CONTEXT_POSITIONS = 512
#: How far logits may move when only later tokens change: the noise of float32 sums.
CAUSAL_TOLERANCE = 1e-2
PROBE_POSITIONS = 8


def bundle_saved_model(
    model: Path,
    tokenizer: Path,
    folder: Path,
    name: str,
    licence: str = "unknown",
    context_length: int | None = None,
    end_tokens: Sequence[str] = (),
) -> Bundle:
    """Make `folder` a bundle of the SavedModel in `model`, which is loaded and tried first.

    Raises BundleError or BuildError; `folder` is then as it was.
    """
    served = ServedModel(model)
    made = _checked_tokenizer(tokenizer, model, served, end_tokens)
    vocabulary_size: int = made.tokenizer.get_vocab_size()
    _check_causal(served, model, vocabulary_size)
    length = context_length or served.length or DEFAULT_CONTEXT_POSITIONS
    if served.length and length > served.length:
        raise BuildError(f"{model} takes {served.length} positions, not {length}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(folder) as new:
        shutil.copytree(model, new / SAVED_MODEL)
        (new / TOKENIZER).write_text(written(made.tokenizer), encoding="utf-8")
        architecture = Architecture(vocabulary_size, length)
        prompt = form_without_template(made.tokenizer.token_to_id)
        _write_manifest(new, name, licence, architecture, made.end_tokens, prompt)
    return read_bundle(folder)


def _write_manifest(
    folder: Path,
    name: str,
    licence: str,
    architecture: Architecture,
    end_tokens: Sequence[str],
    prompt: PromptForm,
    chat_template: str = "",
) -> None:
    """Add the word table to `folder`, and record every file in its bundle.json."""
    write_word_table_of(folder, architecture.vocabulary_size)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): record_file(path) for path in paths}
    Bundle(
        folder=folder,
        format=BundleFormat.SAVED_MODEL,
        name=name,
        licence=licence,
        architecture=architecture,
        embedding=EmbeddingPlace(0, 0, 0),
        end_tokens=tuple(end_tokens),
        chat_template=chat_template,
        prompt=prompt,
        files=files,
    ).write_manifest()


def export_saved_model(recipe: Recipe, folder: Path, on_progress: OnProgress) -> Bundle:
    """Make `folder` a bundle of the network that `recipe` describes, as a SavedModel.

    Raises BuildError.
    """
    architecture = recipe.architecture
    if architecture.key_value_heads == 1:
        # oneDNN, which TensorFlow multiplies with, writes over its own memory there.
        raise BuildError(f"{recipe.name} has a single key head, which TensorFlow cannot run.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(folder) as new:
        made = model_tokenizer(recipe.tokenizer, architecture.vocabulary_size)
        (new / TOKENIZER).write_text(written(made.tokenizer), encoding="utf-8")
        weights: dict[str, FloatArray] = {}
        total = len(architecture.weight_shapes())
        for done, (name, matrix) in enumerate(recipe.weights()):
            weights[name] = matrix
            on_progress("Reading", 0.6 * done / total)
        own = recipe.embedding()
        network = ServedNetwork(architecture, weights, weights["output"] if own is None else own)
        on_progress("Writing", 0.6)
        tf.saved_model.save(network, str(new / SAVED_MODEL), {SIGNATURE: network.serve})
        template = recipe.tokenizer.chat_template
        told = (recipe.name, recipe.licence, architecture, made.end_tokens, made.prompt, template)
        _write_manifest(new, *told)
    on_progress("Built", 1.0)
    return read_bundle(folder)


class ServedNetwork(tf.Module):  # type: ignore[misc]
    """The network as a function of tokens alone, the signature that is served."""

    def __init__(
        self, architecture: Architecture, weights: dict[str, FloatArray], embedding: FloatArray
    ) -> None:
        super().__init__()
        self._architecture = architecture
        self._weights = {name: tf.Variable(value) for name, value in weights.items()}
        output = self._weights["output"]
        self._divisor = self._weights[EMBEDDING_DIVISOR]
        tied = embedding is weights["output"]
        self._embedding = output if tied else tf.Variable(embedding)
        self._turns = {"": rope_tables(architecture)}
        if "cosine" in architecture.local_inputs:
            self._turns[LOCAL] = rope_tables(architecture, local=True)
        spec = tf.TensorSpec((None, None), tf.int32, "tokens")
        self.serve = tf.function(self._serve, input_signature=[spec])

    def _serve(self, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        """(batch, length) -> "logits": (batch, length, vocabulary)."""
        vocabulary = self._architecture.vocabulary_size
        spec = tf.TensorSpec((None, vocabulary), tf.float32)
        return {"logits": tf.map_fn(self._sequence_logits, tokens, fn_output_signature=spec)}

    def _sequence_logits(self, tokens: tf.Tensor) -> tf.Tensor:
        """(length,) -> (length, vocabulary), as one chunk after nothing."""
        length = tf.shape(tokens)[0]
        inputs = {
            "hidden": tf.gather(self._embedding, tokens) / self._divisor,
            "chosen": tf.eye(length),
        }
        for kind, (cosines, sines) in self._turns.items():
            inputs["cosine" + kind] = tf.constant(cosines)[:length, tf.newaxis]
            inputs["sine" + kind] = tf.constant(sines)[:length, tf.newaxis]
        visible = tf.linalg.band_part(tf.ones((length, length)), -1, 0)
        at = tf.range(length)
        near = at[:, tf.newaxis] - at < self._architecture.options.window
        for kind, seen in {"": visible, LOCAL: visible * tf.cast(near, tf.float32)}.items():
            inputs["cached_mask" + kind] = tf.fill((length, 1, 1, 1), MASKED)
            inputs["new_mask" + kind] = ((1.0 - seen) * MASKED)[:, tf.newaxis, tf.newaxis]
        for name, spec in input_specs(self._architecture, branches=1).items():
            if name not in inputs:  # a cache: of one sequence, with one slot that nothing sees
                # TensorFlow dies of a product with an empty one where there is a single head.
                inputs[name] = tf.zeros([1, *(size or 1 for size in spec.shape[1:])])
        return forward(self._architecture, 1, self._weights, inputs)["logits"]


def _checked_tokenizer(
    path: Path, model: Path, served: ServedModel, end_tokens: Sequence[str]
) -> ModelTokenizer:
    try:
        content = TokenizerJson(path.read_bytes())
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}.") from error
    found = served.vocabulary_size or _probe(served, np.zeros(1, np.int64)).shape[-1]
    source = TokenizerSource(path, content, ends=tuple(end_tokens))
    made = model_tokenizer(source, MOST_OF_ANYTHING)
    size: int = made.tokenizer.get_vocab_size()
    if found != size:
        raise BuildError(f"{model} gives logits of {found} tokens, and {path} has {size}.")
    for end in end_tokens:
        if made.tokenizer.token_to_id(end) is None:
            raise BuildError(f"{path} has no token {end!r} that could end a text.")
    return made


def _check_causal(served: ServedModel, model: Path, vocabulary_size: int) -> None:
    """BuildError if a token's logits depend on tokens after it, which are not written yet then."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, vocabulary_size, PROBE_POSITIONS)
    other = first.copy()
    other[-1] = (first[-1] + 1) % vocabulary_size
    before, after = (_probe(served, tokens)[:-1] for tokens in (first, other))
    if not np.allclose(before, after, atol=CAUSAL_TOLERANCE):
        raise BuildError(
            f"{model} is not causal: its logits for a token change with the tokens after it, so "
            "it cannot write from left to right."
        )


def _probe(served: ServedModel, tokens: np.typing.NDArray[np.int64]) -> FloatArray:
    """Logits (len(tokens), vocabulary), later positions of a fixed length filled with zeros."""
    feed = np.zeros((1, served.length or len(tokens)), np.int64)
    feed[0, : len(tokens)] = tokens
    return served.logits(feed)[0, : len(tokens)]
