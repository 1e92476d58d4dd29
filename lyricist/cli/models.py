"""The commands that make a model a bundle, and those that look at one."""

import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from lyricist.building.freshness import is_current
from lyricist.bundle.manifest import DEFAULT_FOLDER, DEFAULT_PRESET, DRAFTS, MOST_DRAFTS, PRESETS
from lyricist.cli.options import (
    adapter_option,
    preset_option,
    source_option,
    untuned_option,
)
from lyricist.cli.terminal import clear_errors, progress, say
from lyricist.native_notes import without_native_notes

#: The exit status of `check` for a bundle that is to be built: Python ends with 1 for a mistake.
TO_BE_BUILT = 3


@click.command()
@preset_option
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
@untuned_option
def build(out: Path | None, force: bool, **chosen: Any) -> None:
    """Turn a model into a bundle: the default one, or one of yours."""
    # Needs packages that nothing else needs.
    from lyricist.building.pipeline import BuildOptions, build_bundle

    options = BuildOptions(**chosen)
    folder = out or DEFAULT_FOLDER / (options.preset if options.name is None else options.name)
    # Whoever is asked to end takes away what is half built.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with clear_errors(), progress() as show, without_native_notes():
        is_new = build_bundle(folder, options, force, show, say=say)
    click.echo(f"{folder} is {'built' if is_new else 'up to date'}.")


@click.command()
@click.option("--preset", type=click.Choice(PRESETS), default="default")
@source_option
@click.option("--out", type=click.Path(path_type=Path), required=True)
@adapter_option
@untuned_option
def check(
    preset: str, source: str | None, out: Path, adapters: tuple[Path, ...], untuned: bool
) -> None:
    """Tell, by the exit status, whether `build` with these options would leave OUT as it is.

    0 if so, 3 if it would build, 2 and a sentence if it could not. Needs none of the packages that
    building needs.
    """
    with clear_errors():
        is_there = is_current(out, preset, source, adapters, untuned)
    sys.exit(0 if is_there else TO_BE_BUILT)


@click.command()
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
    with clear_errors(), without_native_notes():
        from lyricist.building.saved_model import bundle_saved_model

        bundle_saved_model(model, tokenizer, folder, name, **options)
    click.echo(f"{folder} is built.")


@click.command()
@preset_option
@source_option
@click.option("--name", help="What the model is called in the receipts of its songs.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The bundle's folder.")
def export(preset: str, source: str | None, name: str | None, out: Path) -> None:
    """Write a model's network as a SavedModel, as TensorFlow Serving takes it."""
    with clear_errors(), progress() as show, without_native_notes():
        from lyricist.building.recipes import RECIPES
        from lyricist.building.saved_model import export_saved_model
        from lyricist.building.source import local_source, open_checkpoint

        recipe = RECIPES[preset](open_checkpoint(local_source(source, say)), name, ())
        export_saved_model(recipe, out, show)
    click.echo(f"{out} is built.")


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path), default=DEFAULT_FOLDER / DEFAULT_PRESET)
@click.option("--prompt", default="a night bus", show_default=True)
@click.option("--measure/--no-measure", default=True, help="Write a few lines to see how fast.")
def show(bundle: Path, prompt: str, measure: bool) -> None:
    """Say what the model in the folder BUNDLE is, what it is told and how fast it writes here."""
    from lyricist.show import shown  # loads the model runtime
    from lyricist.speed import pace_of

    with clear_errors(), without_native_notes():
        text = shown(bundle, prompt, pace_of(bundle) if measure else None)
    click.echo(text)


@click.command("measure")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--begun", type=float, help="When this process was started, in seconds since 1970.")
@click.option("--out", type=click.Path(path_type=Path), help="Where a JSON file goes.")
def measure(bundle: Path, threads: int, begun: float | None, out: Path | None) -> None:
    """Measure how long the songs of the model in BUNDLE take on this machine."""
    begun = begun or time.time()
    with clear_errors(), progress() as show, without_native_notes():
        from lyricist.speed import measure_speed  # loads the model runtime

        found = measure_speed(bundle, threads, begun, show).as_json()
        if out is not None:
            out.write_text(found, encoding="utf-8")
    if out is None:
        click.echo(found)
