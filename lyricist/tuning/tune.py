"""Tunes a model on files of lyrics, from reading them to the adapter's file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyricist.building.adapter import ADAPTED, Adapter, Factors
from lyricist.building.freshness import source_digest
from lyricist.building.recipes import RECIPES
from lyricist.building.source import local_source, open_checkpoint
from lyricist.bundle.architecture import Architecture
from lyricist.bundle.network_options import NetworkOptions
from lyricist.bundle.sources import BUILDING, sources_digest
from lyricist.errors import TuningError
from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.tokenizing.model_tokenizer import model_tokenizer
from lyricist.tuning.adapted_network import AdaptedNetwork
from lyricist.tuning.checkpoint import Checkpoint
from lyricist.tuning.lyrics_files import read_lyrics
from lyricist.tuning.processor import has_bfloat16
from lyricist.tuning.texts import texts_of
from lyricist.tuning.training import Progress, Training, TrainingSettings
from lyricist.tuning.training_song import TrainingSong
from lyricist.vocabulary.tokens import Encoder

#: Columns of the thinner one of an adapter's matrices.
RANK = 8
#: One song of so many is kept unseen, but at most so many, to say what has been learned.
_UNSEEN_SHARE, _MOST_UNSEEN = 10, 60
#: A song's tokens are read in pieces of no more; a longer song starts over in its context, too.
_MOST_TOKENS = 320

OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class TuningOptions:
    """What is tuned, and how."""

    preset: str
    #: Whose model, as in `BuildOptions`; None takes the default one.
    source: str | None
    #: Of songs that name no style.
    style: str
    training: TrainingSettings
    #: An interruption costs no more than this.
    save_every_s: float = 30.0


@dataclass(frozen=True)
class Tuned:
    """What has become of it."""

    songs: int
    unseen: int
    progress: Progress
    went_on: bool
    tokens_a_second: float

    def __str__(self) -> str:
        progress = self.progress
        return (
            f"learned from {self.songs} songs, {self.tokens_a_second:.0f} tokens a second. "
            f"Loss of {self.unseen} unseen songs: {progress.first_loss:.3f} before, "
            f"{progress.best_loss:.3f} after {progress.best_step} steps of {progress.step}."
        )


def tune_model(
    files: Sequence[Path],
    out: Path,
    options: TuningOptions,
    on_progress: OnProgress,
    say: Callable[[str], None] = lambda _sentence: None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Writes to `out` an adapter of a model, tuned on the lyrics in `files`.

    Goes on where an interrupted run with the same files and options has ended. Raises TuningError
    where the lyrics are no use, BuildError where the model is none, OSError as usual.
    """
    songs = read_lyrics(files, options.style)
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
    encoder = Encoder(made.tokenizer, made.prompt)
    rng = np.random.default_rng(options.training.seed)
    unseen, seen = _parted(songs, rng)
    bfloat16 = has_bfloat16()
    network = AdaptedNetwork(
        recipe.architecture,
        recipe.plain_weights(),
        recipe.embedding(),
        _first_factors(recipe.architecture, rng),
        bfloat16=bfloat16,
    )
    most = min(_MOST_TOKENS, options.training.length, recipe.architecture.context_length)
    texts, unseen_texts = (texts_of(each, encoder, most) for each in (seen, unseen))
    training = Training(network, texts, unseen_texts, options.training)
    code = sources_digest("tuning/*.py", *BUILDING)
    made_by = f"{source} {options.preset} {options.training} {songs} {bfloat16} {code}"
    unfinished = out.with_name(f"{out.name}.unfinished")
    checkpoint = Checkpoint(unfinished, made_by, options.save_every_s, clock)
    went_on = checkpoint.restore(training)
    pace = _Pace(training, on_progress, clock)

    def after_step(tokens: int) -> None:
        checkpoint.save(training)
        pace.show(tokens)

    training.run(after_step)
    phrases = LearnedPhrases.of_lines(line for song in songs for line in song.lines)
    Adapter(source, options.preset, training.best_factors(), phrases).write(out)
    checkpoint.remove()
    on_progress("Tuned", 1.0)
    return Tuned(len(seen), len(unseen), training.progress, went_on, pace.tokens_a_second)


def _parted(
    songs: Sequence[TrainingSong], rng: np.random.Generator
) -> tuple[list[TrainingSong], list[TrainingSong]]:
    """Songs that are kept unseen, drawn by lot, and the others."""
    count = min(max(2, len(songs) // _UNSEEN_SHARE), _MOST_UNSEEN)
    drawn = set(rng.permutation(len(songs))[:count].tolist())
    unseen = [song for at, song in enumerate(songs) if at in drawn]
    return unseen, [song for at, song in enumerate(songs) if at not in drawn]


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
            f"{self.tokens_a_second:.0f} tokens/s, {_minutes(left_s)} left, unseen songs "
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
