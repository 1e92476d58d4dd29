"""Whether there are models to serve, before anything is served, and what to do if there is none."""

import json
from collections.abc import Mapping
from os.path import isdir, isfile
from pathlib import Path
from typing import Any

from versequeue.config import Settings
from versequeue.errors import StartupError
from versequeue.functions import wiring
from versequeue.local.model_build import MANIFEST, build_if_missing
from versequeue.named_models import NamedModel
from versequeue.rules.outlook import About

#: A manifest that is larger says nothing of itself before it is loaded.
MOST_MANIFEST_BYTES = 1 << 20


def have_models(settings: Settings) -> Mapping[str, About]:
    """Build what is missing and can be built; what each model says of itself, by its name in jobs.

    Raises StartupError, which says how to come by a model that is not there, and as
    `build_if_missing`.
    """
    found = {}
    for model in settings.models:
        folder = wiring.model_folder(settings, model)
        if not model.place.startswith("gs://"):
            _check_source(model)
            build_if_missing(model, folder)
        check_model(folder, model.place)
        found[settings.told_model(model.name)] = _about(folder)
    return found


def check_model(folder: Path, place: str) -> None:
    """Raise StartupError, which says how to come by it, if no bundle lies in `folder`."""
    # Not Path.is_file, which raises for a name that is too long to be one.
    if not isfile(folder / MANIFEST):
        raise StartupError(f"{_what_is_there(folder)}{_other_bundles(folder, place)}")


def _check_source(model: NamedModel) -> None:
    if model.place.endswith(".gguf") and not isfile(model.place):
        raise StartupError(f"{model.place} is not there.")


def _what_is_there(folder: Path) -> str:
    if isfile(folder / "saved_model.pb"):
        return (
            f"{folder} is a SavedModel, which becomes a bundle with: .venv/bin/python -m lyricist "
            f"bundle {folder} --tokenizer TOKENIZER.json --name NAME (docs/your-model.md)"
        )
    if isdir(folder):
        return f"{folder} holds no model bundle: {MANIFEST} is missing."
    if isfile(folder):
        return f"{folder!s:.200} is a file, and neither a GGUF file (.gguf) nor a bundle's folder."
    return f"There is no model in {folder!s:.200}: no such folder."


def _other_bundles(folder: Path, place: str) -> str:
    # Somebody who gives a bundle's name means the folder where bundles are built.
    meant = Path(".versequeue") / "models" / place
    if folder != meant and isfile(meant / MANIFEST):
        return f" Did you mean --model {meant}?"
    return ""


def _about(folder: Path) -> About:
    """What a manifest says of its model, as far as it says it in the way of the lyricist's."""
    try:
        with (folder / MANIFEST).open("rb") as manifest:
            told: Any = json.loads(manifest.read(MOST_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return About()  # whoever loads it says what is wrong with it
    if not isinstance(told, dict):
        return About()
    name, licence = (
        text if isinstance(text, str) else "" for text in map(told.get, ("name", "licence"))
    )
    return About(name[:200], licence[:200])
