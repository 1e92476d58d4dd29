"""The command `versequeue up`: its options. What it starts is in `local` and `emulated`."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from versequeue.cli.failures import Refused
from versequeue.cli.tables import SHOW_DEFAULTS
from versequeue.config import Settings
from versequeue.named_models import NamedModel, read_models


@click.command(context_settings=SHOW_DEFAULTS)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, help="0: a free one.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Jobs and models; else VERSEQUEUE_DATA_DIR, else .versequeue.",
)
@click.option(
    "--model",
    "models",
    metavar="default|tiny|PATH|gs://…",
    multiple=True,
    help="A model, or several as NAME=PATH, the first being the default one; by commas, or said "
    "again. Else VERSEQUEUE_MODEL, else default.",
)
@click.option(
    "--idle-timeout",
    "idle_timeout_s",
    type=click.FloatRange(min=0),
    default=300.0,
    metavar="SECONDS",
    help="Stop the worker when it has had nothing to do for so long.",
)
@click.option(
    "--backend",
    type=click.Choice(["sqlite", "emulators"]),
    default="sqlite",
    help="Where jobs and messages are kept.",
)
@click.option(
    "--worker",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="main.py of another model's worker function (docs/your-model.md).",
)
@click.option(
    "--page",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of another page.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Only say whether address and data folder are free; serve nothing.",
)
def up(
    host: str,
    port: int,
    data_dir: Path | None,
    models: tuple[str, ...],
    idle_timeout_s: float,
    backend: str,
    worker: Path | None,
    page: Path | None,
    check: bool,
) -> None:
    """Run the page, the API and a worker on this machine; Ctrl-C ends all of it."""
    if backend == "emulators" and (worker or page):
        raise click.UsageError("--worker and --page go with --backend sqlite.")
    try:
        from versequeue.local.host import PAGE, WORKER, UpOptions, data_dir_lock, listening

        if backend == "emulators":
            from versequeue.emulated.up import run_up
        else:
            from versequeue.local.up import run_up
    except ModuleNotFoundError as error:
        raise Refused(_what_brings(error.name or "")) from error

    settings = Settings.from_environ()
    data_dir = data_dir or settings.data_dir
    if check:
        # The folder first: who changed the port alone would be refused for the folder then.
        with data_dir_lock(data_dir), listening(host, port):
            return
    named = _read_models(models) if any(models) else settings.models
    own = (worker or WORKER, page or PAGE)
    sys.exit(run_up(UpOptions(host, port, data_dir, named, idle_timeout_s, *own)))


def _what_brings(missing: str) -> str:
    if missing.partition(".")[0] in ("google", "grpc"):
        return (
            "The emulators need Google's libraries, which are not installed: pip install "
            "'versequeue[gcp]', in a clone make up BACKEND=emulators brings them."
        )
    return (
        f"{missing} is missing: this is the client alone. To install the wheel without --no-deps "
        "brings what serves; in a clone, make up does."
    )


def _read_models(given: Sequence[str]) -> tuple[NamedModel, ...]:
    try:
        return read_models(",".join(given))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--model") from error
