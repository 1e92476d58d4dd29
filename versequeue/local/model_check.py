"""Whether there is a model to serve, before anything is served, and what to do if there is none."""

from pathlib import Path

from versequeue.config import PRESETS
from versequeue.errors import StartupError

MANIFEST = "bundle.json"


def check_model(folder: Path, model: str) -> None:
    """Raise StartupError, which says how to come by `model`, if no bundle lies in `folder`."""
    if not (folder / MANIFEST).is_file():
        raise StartupError(f"{_what_is_there(folder, model)}{_other_bundles(folder, model)}")


def _what_is_there(folder: Path, model: str) -> str:
    if model in PRESETS:
        return f"There is no model in {folder}. Build it and serve it with: make up MODEL={model}"
    if model.endswith(".gguf"):
        there = "is a GGUF file, which is to be built first" if folder.is_file() else "is not there"
        return f"{model} {there}. Build it and serve it with: make up MODEL={model}"
    if (folder / "saved_model.pb").is_file():
        return (
            f"{folder} is a SavedModel, which becomes a bundle with: .venv/bin/python -m lyricist "
            f"bundle {folder} --tokenizer TOKENIZER.json --name NAME (docs/your-model.md)"
        )
    if folder.is_dir():
        return f"{folder} holds no model bundle: {MANIFEST} is missing."
    if folder.is_file():
        return f"{model} is a file, and neither a GGUF file (.gguf) nor a bundle's folder."
    return f"There is no model in {folder}: no such folder."


def _other_bundles(folder: Path, model: str) -> str:
    # Somebody who gives a bundle's name means the folder where bundles are built.
    meant = Path(".versequeue") / "models" / model
    if folder != meant and (meant / MANIFEST).is_file():
        return f" Did you mean --model {meant}?"
    return ""
