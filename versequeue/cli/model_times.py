"""The service times of a bundle: measured when they are first asked for, and kept beside it."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from versequeue.child_process import ChildProcess
from versequeue.cli.failures import Refused
from versequeue.config import PRESETS, Settings
from versequeue.planning.service_times import ModelTimes, ServiceTimes, load_service_times
from versequeue.records import CANNOT_READ, from_record

MANIFEST = "bundle.json"
#: What a manifest, or what was measured, has at most.
MOST_BYTES = 1 << 20

model_option = click.option(
    "--model",
    metavar="BUNDLE",
    help="Reckon with the times of this bundle: measured once on this machine, which takes a "
    "minute with a small model, and kept.",
)


def times_of(model: str | None) -> ServiceTimes:
    """The times of the bundle that `model` names, or those that come with VerseQueue.

    Raises Refused where there is no bundle, and SystemExit where it cannot be measured, of which
    the measuring process has said why.
    """
    usual = load_service_times()
    if model is None:
        return usual
    folder = Path(model)
    if model in PRESETS:
        folder = Settings.from_environ().data_dir / "models" / model
    digest = _digest_of(folder)
    whole = folder.resolve()
    kept = whole.with_name(f".{whole.name}.times.json")
    found = _read(kept)
    if found is None or found.digest != digest:
        _measure(folder, kept)
        found = _read(kept)
    if found is None:
        raise Refused(f"{kept} does not hold what was measured.")
    return usual.of_model(found)


def _digest_of(folder: Path) -> str:
    try:
        return str(_document(folder / MANIFEST)["digest"])
    except OSError as error:
        raise Refused(f"There is no model bundle in {folder}: {error.strerror}.") from error
    except CANNOT_READ as error:
        raise Refused(f"{folder / MANIFEST} is not that of a model that writes songs.") from error


def _read(kept: Path) -> ModelTimes | None:
    try:
        found = from_record(ModelTimes, _document(kept))
        is_whole = found.threads >= 1 and min(found.seconds_per_line.values()) > 0
        return found if is_whole and set(found.seconds_per_line) == {"1", "2", "4", "8"} else None
    except (OSError, *CANNOT_READ):
        return None


def _document(path: Path) -> Any:
    with path.open("rb") as file:
        return json.loads(file.read(MOST_BYTES))


def _measure(folder: Path, kept: Path) -> None:
    click.echo(f"Measuring {folder} on this machine, once: it writes a few songs.", err=True)
    command = [sys.executable, "-m", "lyricist", "measure", str(folder), "--out", str(kept)]
    with ChildProcess([*command, "--begun", repr(time.time())]) as child:
        if child.wait():
            sys.exit(2)  # it has said why
