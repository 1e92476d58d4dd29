"""The command line: `python -m lyricist`. Exit status 2 where nothing could be done."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import click
from tqdm import tqdm

from lyricist.building.freshness import is_current
from lyricist.bundle.manifest import DEFAULT_FOLDER, DEFAULT_PRESET, DRAFTS, MOST_DRAFTS, PRESETS
from lyricist.errors import LyricistError, TuningError, is_panic
from lyricist.language.schemes import PATTERNS
from lyricist.native_notes import without_native_notes
from lyricist.prompts import frozen_prompts, read_prompts
from lyricist.songs import MOST_SONGS, Effort, Song, SongRequest
from lyricist.writing.styles import DEFAULT_STYLE, STYLES

UNUSABLE = 2

effort_option = click.option(
    "--effort",
    type=click.Choice([effort.value for effort in Effort]),
    default=Effort.QUICK.value,
    show_default=True,
    callback=lambda _context, _option, value: Effort(value),
    help="How many candidates for each line: the more, the slower.",
)


source_option = click.option(
    "--from", "source", help="A GGUF file, a Hugging Face folder, or hf:owner/name on the hub."
)


adapter_option = click.option(
    "--adapter",
    "adapters",
    type=click.Path(path_type=Path),
    multiple=True,
    help="What `tune` has written, or a folder that `peft` has, to be merged in. Repeatable.",
)


@click.group()
def main() -> None:
    """Build models that write lyrics, and let them write."""


@main.command()
@click.option("--preset", type=click.Choice(PRESETS), default=DEFAULT_PRESET, show_default=True)
@source_option
@click.option("--name", help="What the model is called in the receipts of its songs.")
@click.option("--out", type=click.Path(path_type=Path), help="The bundle's folder.")
@click.option("--force", is_flag=True, help="Build even if the bundle is there and whole.")
@click.option(
    "--drafts",
    type=click.IntRange(1, MOST_DRAFTS),
    default=DRAFTS,
    show_default=True,
    help="Rows that share a cache: candidates for each line at the least effort.",
)
@adapter_option
@click.option(
    "--plain",
    is_flag=True,
    help="Leave out its chat template: it is told the topic as a line, and goes on.",
)
def build(out: Path | None, force: bool, **chosen: Any) -> None:
    """Turn a model into a bundle: the default one, or one of yours."""
    # Needs packages that nothing else needs.
    from lyricist.building.pipeline import BuildOptions, build_bundle

    options = BuildOptions(**chosen)
    folder = out or DEFAULT_FOLDER / (options.preset if options.name is None else options.name)
    # Whoever is asked to end takes away what is half built.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with _clear_errors(), _progress() as show, without_native_notes():
        is_new = build_bundle(folder, options, force, show, say=_say)
    click.echo(f"{folder} is {'built' if is_new else 'up to date'}.")


@main.command()
@click.option("--preset", type=click.Choice(PRESETS), default="default")
@source_option
@click.option("--out", type=click.Path(path_type=Path), required=True)
@adapter_option
def check(preset: str, source: str | None, out: Path, adapters: tuple[Path, ...]) -> None:
    """Tell, by the exit status, whether `build` with these options would leave OUT as it is.

    0 if so, 1 if it would build, 2 and a sentence if it could not. Needs none of the packages that
    building needs.
    """
    with _clear_errors():
        is_there = is_current(out, preset, source, adapters)
    sys.exit(0 if is_there else 1)


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--tokenizer", type=click.Path(path_type=Path), required=True, help="Its tokenizer.json."
)
@click.option("--name", required=True, help="What it is called in the receipts of its songs.")
@click.option("--licence", default="unknown", show_default=True)
@click.option("--context", "context_length", type=click.IntRange(16), help="Most tokens of a song.")
@click.option("--end-token", "end_tokens", multiple=True, help="A token after which nothing comes.")
@click.option("--out", type=click.Path(path_type=Path), help="The bundle's folder.")
def bundle(model: Path, tokenizer: Path, name: str, out: Path | None, **options: Any) -> None:
    """Turn the TensorFlow SavedModel in the folder MODEL into a model bundle."""
    folder = out or DEFAULT_FOLDER / name
    with _clear_errors(), without_native_notes():
        from lyricist.building.saved_model import bundle_saved_model

        bundle_saved_model(model, tokenizer, folder, name, **options)
    click.echo(f"{folder} is built.")


@main.command()
@click.option("--preset", type=click.Choice(PRESETS), default=DEFAULT_PRESET, show_default=True)
@source_option
@click.option("--name", help="What the model is called in the receipts of its songs.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The bundle's folder.")
def export(preset: str, source: str | None, name: str | None, out: Path) -> None:
    """Write a model's network as a SavedModel, as TensorFlow Serving takes it."""
    with _clear_errors(), _progress() as show, without_native_notes():
        from lyricist.building.recipes import RECIPES
        from lyricist.building.saved_model import export_saved_model
        from lyricist.building.source import local_source, open_checkpoint

        recipe = RECIPES[preset](open_checkpoint(local_source(source, _say)), name, ())
        export_saved_model(recipe, out, show)
    click.echo(f"{out} is built.")


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--preset", type=click.Choice(PRESETS), default=DEFAULT_PRESET, show_default=True)
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
    with _clear_errors(), _progress() as show, without_native_notes():
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
        found = tune_model(files, out, options, show, _say)
    if found.went_on:
        click.echo("It went on where it had been interrupted.")
    click.echo(f"{out} {found}")


# The model writes a single line too; `evaluate` asks for four and more, as there must be rhymes.
@main.command()
@click.argument("prompt")
@click.option("--lines", type=click.IntRange(1, 64), default=16, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 1.5), default=0.8, show_default=True)
@click.option("--style", default="rap", show_default=True)
@click.option("--mood", default="")
@click.option("--scheme", type=click.Choice(tuple(PATTERNS)), default="AABB", show_default=True)
@click.option(
    "--structure", default="verse", help="verse, song, or parts such as 'verse 4 ABAB, chorus 4'."
)
@click.option("--syllables", default="", help="Of each line, repeated over the lines: '8 6 8 6'.")
@click.option("--tune", type=click.File(encoding="utf-8"), help="A verse that the song follows.")
@click.option(
    "--given",
    type=click.File(encoding="utf-8"),
    help="Lines that stay as they are, as many as the song has; one that is empty or - is written.",
)
@click.option("--explicit", is_flag=True, help="Let profanity through, but no slurs.")
@click.option("--continue-prompt", is_flag=True, help="Begin the first line with PROMPT.")
@effort_option
@click.option("--preset", type=click.Choice(PRESETS), default=DEFAULT_PRESET, show_default=True)
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle's folder.")
@click.option("--threads", type=click.IntRange(1, 64), help="Default: as many as are idle.")
def generate(
    scheme: str,
    preset: str,
    bundle: Path | None,
    threads: int | None,
    tune: TextIO | None,
    given: TextIO | None,
    **options: Any,
) -> None:
    """Write lyrics about PROMPT, each line shown when it is written."""
    from lyricist.writing.writer import Writer  # loads the model runtime

    shown = 0

    def show(_index: int, so_far: Sequence[str]) -> bool:
        nonlocal shown
        for line in so_far[shown:]:
            click.echo(line)
        shown = len(so_far)
        return True

    with _clear_errors():
        with without_native_notes():
            writer = Writer.open(bundle or DEFAULT_FOLDER / preset, threads)
        request = SongRequest(
            rhyme_scheme=scheme,
            tune=tune.read() if tune else "",
            given=_given(given.read()) if given else (),
            **options,
        )
        [result] = writer.write([request], show)
        if not isinstance(result, Song):
            raise result


def _given(text: str) -> tuple[str | None, ...]:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return tuple(None if line in ("", "-") else line for line in lines)


@main.command()
@click.argument("bundle", type=click.Path(path_type=Path), default=DEFAULT_FOLDER / DEFAULT_PRESET)
@click.option("--prompt", default="a night bus", show_default=True)
@click.option("--measure/--no-measure", default=True, help="Write a few lines to see how fast.")
def show(bundle: Path, prompt: str, measure: bool) -> None:
    """Say what the model in the folder BUNDLE is, what it is told and how fast it writes here."""
    from lyricist.show import measured, shown  # loads the model runtime

    with _clear_errors(), without_native_notes():
        text = shown(bundle, prompt, measured(bundle, prompt) if measure else None)
    click.echo(text)


@main.command("evaluate")
@click.option("--prompts", type=click.File(encoding="utf-8"), help="A file, one prompt a line.")
@click.option("--baseline", type=click.Choice(["free", "none"]), default="free", show_default=True)
@click.option("--lines", type=click.IntRange(4, 64), multiple=True, default=(8, 16))
@click.option("--scheme", type=click.Choice(tuple(PATTERNS)), multiple=True, default=("AABB",))
@click.option(
    "--together", type=click.IntRange(1, MOST_SONGS), default=1, help="Songs written at once."
)
@effort_option
@click.option("--preset", type=click.Choice(PRESETS), default=DEFAULT_PRESET, show_default=True)
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle's folder.")
@click.option("--threads", type=click.IntRange(1, 64), help="Default: as many as are idle.")
@click.option("--out", type=click.Path(path_type=Path), help="Where a JSON file goes.")
def evaluate_lyrics(
    prompts: TextIO | None,
    baseline: str,
    scheme: tuple[str, ...],
    preset: str,
    bundle: Path | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Measure the lyrics: rhyme, variety, length, topic, time. Repeat --lines and --scheme."""
    from lyricist import evaluate as evaluation

    settings = evaluation.EvaluationSettings(
        prompts=read_prompts(prompts.read()) if prompts else frozen_prompts(),
        schemes=scheme,
        with_free=baseline == "free",
        **options,
    )
    with _clear_errors():
        folder = bundle or DEFAULT_FOLDER / preset
        columns = evaluation.evaluate(folder, settings, lambda text: click.echo(text, err=True))
        click.echo(evaluation.table(columns))
        if out is not None:
            out.write_text(evaluation.as_json(columns, settings), encoding="utf-8")


@main.command("measure")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--begun", type=float, help="When this process was started, in seconds since 1970.")
@click.option("--out", type=click.Path(path_type=Path), help="Where a JSON file goes.")
def measure(bundle: Path, threads: int, begun: float | None, out: Path | None) -> None:
    """Measure how long the songs of the model in BUNDLE take on this machine."""
    begun = begun or time.time()
    with _clear_errors(), _progress() as show, without_native_notes():
        from lyricist.speed import measure_speed  # loads the model runtime

        found = measure_speed(bundle, threads, begun, show).as_json()
        if out is not None:
            out.write_text(found, encoding="utf-8")
    if out is None:
        click.echo(found)


@main.command("fit-judge")
@click.option("--ratings", type=click.Path(path_type=Path), help="Default: the project's own.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Default: the default model's.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: where songs read it.")
def fit_judge_again(ratings: Path | None, bundle: Path | None, out: Path | None) -> None:
    """Fit the judge of lines to rated drafts again, and say how well it tells them apart."""
    from lyricist.fitting.judge_fit import fit_judge  # loads the model runtime
    from lyricist.fitting.ratings import RATINGS
    from lyricist.lines.judge import WEIGHTS

    out = out or WEIGHTS
    with _clear_errors(), _progress() as show, without_native_notes():
        folder = bundle or DEFAULT_FOLDER / DEFAULT_PRESET
        found = fit_judge(folder, ratings or RATINGS, out, show)
    click.echo(f"{out} is fitted to {found['drafts']} drafts. Pairs told apart, of other prompts:")
    for name, share in found["held_out"].items():
        click.echo(f"  {name:<20}{share:.3f}")


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except LyricistError as error:
        sentence = str(error)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sentence = f"{place}{error.strerror or error}."
    except BaseException as error:
        if not is_panic(error):
            raise
        sentence = f"The model's tokenizer is damaged: {error}."
    else:
        return
    click.echo(sentence, err=True)
    sys.exit(UNUSABLE)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A progress bar on what is stderr now, even if stderr is redirected afterwards.

    Where that is no terminal, each stage is a line.
    """
    with contextlib.ExitStack() as open_until_the_end:
        copy = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        terminal = open_until_the_end.enter_context(copy)
        bars: list[Any] = []
        told: list[str] = []

        def show(stage: str, share: float) -> None:
            if not terminal.isatty():
                if stage not in told:
                    told.append(stage)
                    print(stage, file=terminal, flush=True)
                return
            if not bars:  # what is done already shows no bar
                bar_format = "{desc:<20}{percentage:3.0f}%|{bar}|"
                new = tqdm(total=100, file=terminal, bar_format=bar_format)
                bars.append(open_until_the_end.enter_context(new))
            (bar,) = bars
            bar.set_description_str(stage, refresh=False)
            bar.n = round(100 * share)
            bar.refresh()

        yield show


if __name__ == "__main__":
    main(prog_name="python -m lyricist")
