"""Tunes a model on songs or on rated drafts, as far as the adapter's file."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lyricist.building.adapter import ADAPTED, Adapter, Factors, read_adapter, with_adapters
from lyricist.building.freshness import adapters_digest, source_digest
from lyricist.building.own_adapter import own_adapters
from lyricist.building.recipes import RECIPES
from lyricist.building.source import local_source, open_checkpoint
from lyricist.bundle.architecture import Architecture
from lyricist.bundle.network_options import NetworkOptions
from lyricist.bundle.sources import BUILDING, sources_digest
from lyricist.errors import TuningError
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.tuning.adapted_network import AdaptedNetwork
from lyricist.tuning.checkpoint import Checkpoint
from lyricist.tuning.material import Material
from lyricist.tuning.processor import has_bfloat16
from lyricist.tuning.training import Progress, Training, TrainingSettings
from lyricist.vocabulary.tokens import Encoder

#: Columns of the thinner one of an adapter's matrices.
RANK = 16

OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class TuningOptions:
    """What is tuned, and how."""

    preset: str
    #: Whose model, as in `BuildOptions`; None takes the default one.
    source: str | None
    training: TrainingSettings
    #: The default model as its makers left it, without the project's own adapter.
    untuned: bool = False
    #: What `tune` has written before, to go on from; None begins anew.
    adapter: Path | None = None
    #: An interruption costs no more than this.
    save_every_s: float = 30.0


@dataclass(frozen=True)
class Tuned:
    """What has become of it."""

    #: What it learned from, and what that is called; some of them were kept unseen.
    pieces: int
    noun: str
    progress: Progress
    went_on: bool
    tokens_a_second: float

    def __str__(self) -> str:
        progress = self.progress
        return (
            f"learned from {self.pieces} {self.noun}, {self.tokens_a_second:.0f} tokens a second. "
            f"Loss of those that were kept unseen: {progress.first_loss:.3f} before, "
            f"{progress.best_loss:.3f} after {progress.best_step} steps of {progress.step}."
        )


def tune_model(
    material: Material,
    out: Path,
    options: TuningOptions,
    on_progress: OnProgress,
    say: Callable[[str], None] = lambda _sentence: None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Writes to `out` an adapter of a model, tuned on `material`.

    Goes on where an interrupted run with the same material and options has ended. Raises
    TuningError where the material is no use, BuildError where the model is none, OSError as usual.
    """
    path = local_source(options.source, say)
    source = source_digest(path)
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    on_progress("Reading", 0.0)
    recipe = RECIPES[options.preset](open_checkpoint(path), None, ())
    if recipe.architecture.options != NetworkOptions(
        rope_factors=recipe.architecture.options.rope_factors
    ):
        raise TuningError(f"{path} is a {recipe.family} model; only those like Llama can be tuned.")
    made = model_tokenizer(recipe.tokenizer, recipe.architecture.vocabulary_size)
    own = own_adapters(source, options.preset, (), options.untuned)
    below = adapters_digest(own)
    before = None
    if options.adapter:
        before = read_adapter(options.adapter)
        before.check_model(options.adapter, path, source, options.preset, below)
    is_taught = material.teaches_given or (before is not None and before.tells_given)
    tells_given = made.prompt.is_chat and is_taught
    encoder = Encoder(made.tokenizer, replace(made.prompt, tells_given=tells_given))
    rng = np.random.default_rng(options.training.seed)
    bfloat16 = has_bfloat16()
    network = AdaptedNetwork(
        recipe.architecture,
        with_adapters(iter(recipe.plain_weights()), [read_adapter(each) for each in own]),
        recipe.embedding(),
        before.factors if before else _first_factors(recipe.architecture, rng),
        bfloat16=bfloat16,
    )
    most = min(options.training.length, recipe.architecture.context_length)
    lessons = material.lessons(network, encoder, options.training, most)
    if not (lessons.seen and lessons.unseen):
        raise TuningError("There is nothing in it that a model could learn.")
    training = Training(network, lessons.seen, lessons.unseen, options.training)
    code = sources_digest("tuning/*.py", *BUILDING)
    under = f"{below} {source_digest(options.adapter) if options.adapter else ''}"
    made_by = f"{source} {under} {options.preset} {options.training} {material} {bfloat16} {code}"
    unfinished = out.with_name(f"{out.name}.unfinished")
    checkpoint = Checkpoint(unfinished, made_by, options.save_every_s, clock)
    went_on = checkpoint.restore(training)
    pace = _Pace(training, on_progress, clock)

    def after_step(tokens: int) -> None:
        checkpoint.save(training)
        pace.show(tokens)

    training.run(after_step)
    phrases = material.phrases().and_those_of([before.phrases] if before else [])
    Adapter(source, options.preset, training.best_factors(), phrases, below, tells_given).write(out)
    checkpoint.remove()
    on_progress("Tuned", 1.0)
    rate = pace.tokens_a_second
    return Tuned(len(material), material.noun, training.progress, went_on, rate)


def _first_factors(architecture: Architecture, rng: np.random.Generator) -> dict[str, Factors]:
    """An adapter that changes nothing yet: the second of each pair of factors is zero."""
    factors = {}
    for name, shape in architecture.weight_shapes().items():
        if name.rpartition("_")[0] in ADAPTED:
            rows, columns = shape
            first = rng.standard_normal((RANK, columns), np.float32) / np.float32(np.sqrt(columns))
            factors[name] = first, np.zeros((rows, RANK), np.float32)
    return factors


class _Pace:
    """Says how training goes."""

    def __init__(
        self, training: Training, on_progress: OnProgress, clock: Callable[[], float]
    ) -> None:
        self._training, self._on_progress, self._clock = training, on_progress, clock
        self._tokens, self._steps, self._began = 0, 0, clock()

    def show(self, tokens: int) -> None:
        """One more step is done."""
        self._tokens, self._steps = self._tokens + tokens, self._steps + 1
        done, progress = self._training.progress.step, self._training.progress
        left_s = (self._training.steps - done) * self._seconds / self._steps
        self._on_progress(
            f"{self.tokens_a_second:.0f} tokens/s, {_minutes(left_s)} left, unseen "
            f"{progress.first_loss:.2f} -> {progress.last_loss:.2f}",
            done / self._training.steps,
        )

    @property
    def tokens_a_second(self) -> float:
        """Tokens read in training since this run began, looks at unseen songs counted as time."""
        return self._tokens / self._seconds

    @property
    def _seconds(self) -> float:
        return max(self._clock() - self._began, 1e-3)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
