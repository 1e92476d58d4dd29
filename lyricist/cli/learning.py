"""The commands that learn: a model from lyrics, the judge of lines from ratings."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lyricist.bundle.manifest import DEFAULT_FOLDER, DEFAULT_PRESET
from lyricist.cli.options import preset_option, source_option, untuned_option
from lyricist.cli.terminal import clear_errors, progress, say
from lyricist.errors import TuningError
from lyricist.native_notes import without_native_notes
from lyricist.writing.styles import DEFAULT_STYLE, STYLES

if TYPE_CHECKING:
    from lyricist.tuning.material import Material

Command = TypeVar("Command", bound=Callable[..., Any])


def _options_of_tuning(passes: int, rate: float) -> Callable[[Command], Command]:
    """The options of a command that tunes, with these defaults."""
    options = (
        preset_option,
        source_option,
        untuned_option,
        click.option(
            "--adapter", type=click.Path(path_type=Path), help="Go on from what `tune` wrote."
        ),
        click.option("--passes", type=click.IntRange(1, 20), default=passes, show_default=True),
        click.option(
            "--rate", type=click.FloatRange(0, 1, min_open=True), default=rate, show_default=True
        ),
        click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True),
        click.option(
            "--out", type=click.Path(path_type=Path), required=True, help="The adapter's file."
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--style", type=click.Choice(tuple(STYLES)), default=DEFAULT_STYLE, show_default=True)
@_options_of_tuning(passes=3, rate=4e-4)
def tune(files: tuple[Path, ...], style: str, **options: Any) -> None:
    """Teach a model from the lyrics in FILES: JSON lines, or text with empty lines between songs.

    Goes on where it was if it is interrupted. `build --adapter OUT` makes a bundle of it.
    """

    def songs() -> "Material":
        from lyricist.tuning.lyrics_files import read_lyrics
        from lyricist.tuning.material import Songs  # imports TensorFlow

        return Songs(read_lyrics(files, style))

    _tune(songs, f"`make tune LYRICS={files[0]}` installs it and tunes", (512, 2), **options)


@click.command()
@click.argument("ratings", type=click.Path(path_type=Path))
@_options_of_tuning(passes=1, rate=2.5e-4)
def prefer(ratings: Path, **options: Any) -> None:
    """Teach a model which drafts of lines a rater preferred, from the file RATINGS.

    The file is of the form of `fit-judge`, best of drafts that this very model has written.
    """

    def drafts() -> "Material":
        from lyricist.fitting.ratings import read_ratings
        from lyricist.tuning.material import RatedDrafts  # imports TensorFlow

        return RatedDrafts(read_ratings(ratings))

    _tune(drafts, "`make tune LYRICS=FILE` makes .venv-build, which has it", (384, 3), **options)


def _tune(
    material: "Callable[[], Material]",
    instead: str,
    shape: tuple[int, int],
    *,
    preset: str,
    source: str | None,
    untuned: bool,
    adapter: Path | None,
    passes: int,
    rate: float,
    seed: int,
    out: Path,
) -> None:
    with clear_errors(), progress() as show, without_native_notes():
        try:
            from lyricist.tuning.training import TrainingSettings  # imports TensorFlow
            from lyricist.tuning.tune import TuningOptions, tune_model

            found_material = material()
        except ImportError as error:
            raise TuningError(
                f"Tuning needs TensorFlow, which is not installed here: {instead}."
            ) from error
        training = TrainingSettings(passes, rate, seed, *shape)
        options = TuningOptions(preset, source, training, untuned, adapter)
        found = tune_model(found_material, out, options, show, say)
    if found.went_on:
        click.echo("It went on where it had been interrupted.")
    click.echo(f"{out} {found}")


@click.command("fit-judge")
@click.option("--ratings", type=click.Path(path_type=Path), help="Default: the project's own.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Default: the default model's.")
@click.option("--any", "of_any_model", is_flag=True, help="Fit what judges all other models.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: where songs read it.")
def fit_judge_again(
    ratings: Path | None, bundle: Path | None, of_any_model: bool, out: Path | None
) -> None:
    """Fit the judge of lines to rated drafts again, and say how well it tells them apart."""
    from lyricist.fitting.judge_fit import fit_judge  # loads the model runtime
    from lyricist.fitting.ratings import HEAD_RATINGS, RATINGS
    from lyricist.lines.judge import WEIGHTS

    out = out or WEIGHTS
    with clear_errors(), progress() as show, without_native_notes():
        folder = bundle or DEFAULT_FOLDER / DEFAULT_PRESET
        ratings = ratings or (RATINGS if of_any_model else HEAD_RATINGS)
        found = fit_judge(folder, ratings, out, show, of_any_model)
    click.echo(f"{out} is fitted to {found['drafts']} drafts. Pairs told apart, of other prompts:")
    for name, share in found["held_out"].items():
        click.echo(f"  {name:<20}{share:.3f}")
