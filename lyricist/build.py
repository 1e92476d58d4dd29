"""Builds model bundles: from a GGUF file, or the tiny one that tests use.

Owns the order of the work and that a bundle appears whole or not at all. The arithmetic is in
`weights`, `skeleton` and `tflite_file`.
"""

import contextlib
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lyricist import bundle as bundles
from lyricist.architecture import Architecture
from lyricist.bundle import Bundle, BundleFormat, EmbeddingPlace, read_bundle, record_file
from lyricist.engine import FloatArray
from lyricist.errors import BuildError, BundleError
from lyricist.gguf_file import GgufFile, VocabularyData, packaged_gguf
from lyricist.tflite_file import WeightBinder, quantize_rows
from lyricist.vocabulary import build_tokenizer, first_merges
from lyricist.weights import NamedWeight, embedding_from_gguf, seeded_weights, weights_from_gguf

#: 64 lines of some 11 tokens and the longest prompt fit.
CONTEXT_POSITIONS = 1024
TINY_MERGES = 8192
TINY_SEED = 20
#: What the tiny network likes to write: words, sometimes the end of a line, hardly anything else.
TINY_WORD, TINY_NEWLINE, TINY_OTHER = 1.0, 2.0, 0.0
TINY_LETTERS = 2
CODE_FILES = (
    "architecture", "build", "bundle", "gguf_file", "network", "skeleton", "tflite_file",
    "vocabulary", "weights",
)  # fmt: skip

#: Called with the stage and how far it is, 0 to 1.
OnProgress = Callable[[str, float], None]


def _no_progress(stage: str, share: float) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Plan:
    """What a bundle is made of, before anything slow has happened."""

    name: str
    licence: str
    architecture: Architecture
    vocabulary: VocabularyData
    chat_template: str
    weights: Callable[[], Iterable[NamedWeight]]
    #: The embedding where it is not the output matrix.
    embedding: Callable[[], FloatArray | None]


def default_plan(source: GgufFile, name: str | None) -> Plan:
    """Serve the model in `source` as it is."""
    architecture = source.architecture(CONTEXT_POSITIONS)
    return Plan(
        name=name or source.path.stem,
        licence=str(source.field("general.license", "unknown")),
        architecture=architecture,
        vocabulary=source.vocabulary(),
        chat_template=str(source.field("tokenizer.chat_template", "")),
        weights=lambda: weights_from_gguf(source, architecture),
        embedding=lambda: embedding_from_gguf(source),
    )


def tiny_plan(source: GgufFile, name: str | None) -> Plan:
    """A network of random weights over the commonest words of the vocabulary of `source`."""
    whole = default_plan(source, name or "tiny")
    vocabulary = first_merges(whole.vocabulary, TINY_MERGES)
    architecture = Architecture(
        vocabulary_size=len(vocabulary.tokens),
        context_length=CONTEXT_POSITIONS,
        layers=2,
        width=64,
        heads=4,
        key_value_heads=2,
        head_size=16,
        feed_forward=128,
        rope_base=10_000.0,
        norm_epsilon=1e-5,
    )
    likelihood = _tiny_likelihood(vocabulary)
    return replace(
        whole,
        architecture=architecture,
        vocabulary=vocabulary,
        weights=lambda: seeded_weights(architecture, likelihood, TINY_SEED),
        embedding=lambda: None,
    )


PRESETS: dict[str, Callable[[GgufFile, str | None], Plan]] = {
    "default": default_plan,
    "tiny": tiny_plan,
}


def build_bundle(
    folder: Path,
    preset: str = "default",
    gguf_path: Path | None = None,
    name: str | None = None,
    force: bool = False,
    on_progress: OnProgress = _no_progress,
) -> bool:
    """Makes `folder` a bundle; False if it already was that very bundle.

    Raises BuildError where the model cannot be built, OSError where the disk is in the way; the
    folder is then as it was.
    """
    path = gguf_path or packaged_gguf()
    on_progress("Reading", 0.0)
    built_from = _fingerprint(path, preset, name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_builder(folder):
        if not force and _is_built(folder, built_from):
            return False
        plan = PRESETS[preset](GgufFile(path), name)
        with new_folder(folder) as draft:
            _fill(draft, plan, built_from, on_progress)
    on_progress("Done", 1.0)
    return True


def _fill(draft: Path, plan: Plan, built_from: str, on_progress: OnProgress) -> None:
    tokenizer = build_tokenizer(plan.vocabulary)
    tokenizer.save(str(draft / bundles.TOKENIZER), pretty=False)
    on_progress("Loading TensorFlow", 0.05)
    from lyricist.skeleton import convert_network  # takes seconds, so only when it is needed

    on_progress("Converting", 0.2)
    binder = WeightBinder(convert_network(plan.architecture))
    embedding = _bind_weights(binder, plan, on_progress)
    on_progress("Writing", 0.9)
    binder.write(draft / bundles.MODEL)
    files = {name: record_file(draft / name) for name in (bundles.MODEL, bundles.TOKENIZER)}
    Bundle(
        folder=draft,
        format=BundleFormat.LITERT,
        name=plan.name,
        licence=plan.licence,
        architecture=plan.architecture,
        embedding=embedding(),
        end_tokens=end_tokens_of(plan.vocabulary),
        chat_template=plan.chat_template,
        built_from=built_from,
        files=files,
    ).write_manifest()


def _bind_weights(
    binder: WeightBinder, plan: Plan, on_progress: OnProgress
) -> Callable[[], EmbeddingPlace]:
    """Quantizes and binds all weights; where the embedding stands is known once written."""
    total = len(plan.architecture.weight_shapes())
    for done, (name, weight) in enumerate(plan.weights()):
        if weight.ndim == 1:
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
    return lambda: EmbeddingPlace(stored.offset, scales.offset)


def end_tokens_of(vocabulary: VocabularyData) -> tuple[str, ...]:
    markup = [vocabulary.tokens[index] for index in vocabulary.special]
    known = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>")
    own = vocabulary.tokens[vocabulary.end_of_text]
    return tuple(dict.fromkeys([own, *(token for token in known if token in markup)]))


def _tiny_likelihood(vocabulary: VocabularyData) -> FloatArray:
    def liking(piece: str) -> float:
        if piece == "Ċ":  # how byte-level BPE spells a line's end
            return TINY_NEWLINE
        word = piece.removeprefix("Ġ")  # and a space
        is_word = word != piece and word.isascii() and word.isalpha() and len(word) > TINY_LETTERS
        return TINY_WORD if is_word and word.islower() else TINY_OTHER

    return np.array([liking(piece) for piece in vocabulary.tokens], np.float32)


def _fingerprint(gguf_path: Path, preset: str, name: str | None) -> str:
    """Digest of all that a bundle follows from: model, options and the code that builds it."""
    try:
        source = record_file(gguf_path).sha256
    except OSError as error:
        raise BuildError(f"{gguf_path} cannot be read: {error.strerror}.") from error
    digest = hashlib.sha256(f"{source} {preset} {name or ''}".encode())
    for module in CODE_FILES:
        digest.update((Path(__file__).parent / f"{module}.py").read_bytes())
    return digest.hexdigest()


def _is_built(folder: Path, built_from: str) -> bool:
    try:
        found = read_bundle(folder)
        if found.built_from == built_from:
            found.verify()
            return True
    except BundleError:
        return False
    return False


@contextlib.contextmanager
def _only_builder(folder: Path) -> Iterator[None]:
    """Holds a lock beside `folder`, so that of two builds the second finds the first one's."""
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A draft beside `folder` that takes its place when the block ends without an exception."""
    prefix = f".{folder.name}.draft-"
    for left_over in folder.parent.glob(f"{prefix}*"):  # of a build that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        yield draft
        draft.chmod(0o755)
        if folder.exists():
            folder.rename(draft / "replaced")
        try:
            draft.rename(folder)
        except OSError:
            if (draft / "replaced").exists():
                (draft / "replaced").rename(folder)
            raise
        shutil.rmtree(folder / "replaced", ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
