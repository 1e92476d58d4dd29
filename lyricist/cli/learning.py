"""The commands that learn: a model from lyrics, the judge of lines from ratings."""

from pathlib import Path

import click

from lyricist.bundle.manifest import DEFAULT_FOLDER, DEFAULT_PRESET
from lyricist.cli.options import preset_option, source_option
from lyricist.cli.terminal import clear_errors, progress, say
from lyricist.errors import TuningError
from lyricist.native_notes import without_native_notes
from lyricist.writing.styles import DEFAULT_STYLE, STYLES


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@preset_option
@source_option
@click.option("--style", type=click.Choice(tuple(STYLES)), default=DEFAULT_STYLE, show_default=True)
@click.option("--passes", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True), default=4e-4, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The adapter's file.")
def tune(
    files: tuple[Path, ...],
    preset: str,
    source: str | None,
    style: str,
    passes: int,
    rate: float,
    seed: int,
    out: Path,
) -> None:
    """Teach a model from the lyrics in FILES: JSON lines, or text with empty lines between songs.

    Goes on where it was if it is interrupted. `build --adapter OUT` makes a bundle of it.
    """
    with clear_errors(), progress() as show, without_native_notes():
        try:
            from lyricist.tuning.training import TrainingSettings  # imports TensorFlow
            from lyricist.tuning.tune import TuningOptions, tune_model
        except ImportError as error:
            raise TuningError(
                "Tuning needs TensorFlow, which is not installed here: "
                f"`make tune LYRICS={files[0]}` installs it and tunes."
            ) from error
        training = TrainingSettings(passes, rate, seed)
        options = TuningOptions(preset, source, style, training)
        found = tune_model(files, out, options, show, say)
    if found.went_on:
        click.echo("It went on where it had been interrupted.")
    click.echo(f"{out} {found}")


@click.command("fit-judge")
@click.option("--ratings", type=click.Path(path_type=Path), help="Default: the project's own.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Default: the default model's.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: where songs read it.")
def fit_judge_again(ratings: Path | None, bundle: Path | None, out: Path | None) -> None:
    """Fit the judge of lines to rated drafts again, and say how well it tells them apart."""
    from lyricist.fitting.judge_fit import fit_judge  # loads the model runtime
    from lyricist.fitting.ratings import RATINGS
    from lyricist.lines.judge import WEIGHTS

    out = out or WEIGHTS
    with clear_errors(), progress() as show, without_native_notes():
        folder = bundle or DEFAULT_FOLDER / DEFAULT_PRESET
        found = fit_judge(folder, ratings or RATINGS, out, show)
    click.echo(f"{out} is fitted to {found['drafts']} drafts. Pairs told apart, of other prompts:")
    for name, share in found["held_out"].items():
        click.echo(f"  {name:<20}{share:.3f}")
