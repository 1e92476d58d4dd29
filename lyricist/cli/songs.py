"""The commands that have a bundle write: a song, or many to be measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from lyricist.bundle.manifest import DEFAULT_FOLDER
from lyricist.cli.options import effort_option, preset_option
from lyricist.cli.terminal import clear_errors
from lyricist.language.schemes import PATTERNS
from lyricist.native_notes import without_native_notes
from lyricist.prompts import frozen_prompts, read_prompts
from lyricist.songs import MOST_SONGS, Song, SongRequest


# The model writes a single line too; `evaluate` asks for four and more, as there must be rhymes.
@click.command()
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
@click.option("--title", default="", help="What the song is called.")
@click.option(
    "--given",
    type=click.File(encoding="utf-8"),
    help="Lines that stay as they are, as many as the song has; one that is empty or - is written.",
)
@click.option("--explicit", is_flag=True, help="Let profanity through, but no slurs.")
@click.option("--continue-prompt", is_flag=True, help="Begin the first line with PROMPT.")
@effort_option
@preset_option
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

    with clear_errors():
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


@click.command("evaluate")
@click.option("--prompts", type=click.File(encoding="utf-8"), help="A file, one prompt a line.")
@click.option("--baseline", type=click.Choice(["free", "none"]), default="free", show_default=True)
@click.option("--lines", type=click.IntRange(4, 64), multiple=True, default=(8, 16))
@click.option("--scheme", type=click.Choice(tuple(PATTERNS)), multiple=True, default=("AABB",))
@click.option(
    "--together", type=click.IntRange(1, MOST_SONGS), default=1, help="Songs written at once."
)
@effort_option
@preset_option
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
    with clear_errors():
        folder = bundle or DEFAULT_FOLDER / preset
        columns = evaluation.evaluate(folder, settings, lambda text: click.echo(text, err=True))
        click.echo(evaluation.table(columns))
        if out is not None:
            out.write_text(evaluation.as_json(columns, settings), encoding="utf-8")
