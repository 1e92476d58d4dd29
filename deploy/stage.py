"""Staging: the folder that is uploaded for each function, with what it needs and nothing else."""

import argparse
import ast
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.functions import FUNCTIONS, MODEL_FOLDER, FunctionSpec
from deploy.target import BUCKET
from versequeue.named_models import NamedModel, read_models

ROOT = Path(__file__).resolve().parent.parent
#: All that a function installs, with hashes: made of its requirements.txt by `make lock`.
LOCKED = "locked.txt"
#: Written by hand so that gcloud never falls back to some .gitignore, which leaves models out.
GCLOUDIGNORE = "__pycache__/\n"
#: Every other file of a package is data that a module may read.
CODE = (".py", ".pyc")


class StageError(Exception):
    """A function cannot be staged; the text names what is missing."""


@dataclass(frozen=True)
class Staged:
    """One staged function."""

    name: str
    folder: Path
    files: int
    size_bytes: int


def stage_all(
    build: Path,
    models: Sequence[NamedModel],
    say: Callable[[str], None],
    root: Path = ROOT,
    tensorflow: bool = False,
    functions: Sequence[FunctionSpec] = FUNCTIONS,
) -> tuple[Staged, ...]:
    """Stage the functions under `build`, with those models that are presets or bundles' folders.

    `tensorflow` is for a SavedModel that is not staged. Raises StageError. A folder is replaced
    only when its successor is complete.
    """
    bundles = {
        where.place: find_bundle(model.place, root)
        for model, where in zip(models, deployed_models(models), strict=True)
        if not model.place.startswith(BUCKET)
    }
    staged = tuple(stage(spec, build, bundles, root, tensorflow) for spec in functions)
    for one in staged:
        say(f"{one.folder}  {one.files} files, {one.size_bytes / 1e6:,.2f} MB")
    return staged


def deployed_models(models: Sequence[NamedModel]) -> tuple[NamedModel, ...]:
    """The same models where the deployed worker finds them: in a bucket, or in a folder of its."""
    several = len(models) > 1
    return tuple(
        model
        if model.place.startswith(BUCKET)
        else NamedModel(model.name, f"{MODEL_FOLDER}/{number}" if several else MODEL_FOLDER)
        for number, model in enumerate(models, start=1)
    )


def stage(
    spec: FunctionSpec,
    build: Path,
    bundles: Mapping[str, Path],
    root: Path = ROOT,
    tensorflow: bool = False,
) -> Staged:
    """Stage one function as `build/<name>_fn`; if it needs a model, each bundle goes with it, into
    the folder that is its key."""
    source, target = root / spec.folder, build / spec.folder
    for name in ("main.py", "requirements.txt", LOCKED):
        if not (source / name).is_file():
            raise StageError(f"{source / name} is missing.")
    fresh = build / f".{spec.folder}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for path in needed_files(spec, root):
        copied = fresh / path.relative_to(root)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)
    shutil.copy2(source / "main.py", fresh / "main.py")
    staged_bundles = bundles if spec.needs_model else {}
    needs_tensorflow = spec.needs_model and (
        tensorflow or any(map(_is_saved_model, staged_bundles.values()))
    )
    needed = requirements(source, needs_tensorflow, root)
    (fresh / "requirements.txt").write_text(needed, encoding="utf-8")
    (fresh / ".gcloudignore").write_text(GCLOUDIGNORE, encoding="utf-8")
    for place, bundle in staged_bundles.items():
        shutil.copytree(bundle, fresh / place)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    files = [path for path in target.rglob("*") if path.is_file()]
    return Staged(spec.name, target, len(files), sum(path.stat().st_size for path in files))


def find_bundle(model: str, root: Path = ROOT) -> Path:
    """The folder of a bundle, from a preset's name or a path. Raises StageError."""
    preset = root / ".versequeue" / "models" / model
    folder = preset if preset.is_dir() else Path(model)
    if not (folder / "bundle.json").is_file():
        raise StageError(
            f"There is no model bundle in {folder}. Build one first: python -m lyricist build"
        )
    return folder


def requirements(source: Path, tensorflow: bool, root: Path = ROOT) -> str:
    """All that a function installs, with hashes. Raises StageError if that is out of date.

    With the tensorflow that models are built with, where it is needed, and then without hashes.
    """
    text = (source / "requirements.txt").read_text(encoding="utf-8")
    if tensorflow:
        pins = (root / "requirements-build.txt").read_text(encoding="utf-8").splitlines()
        return text + "\n".join(pin for pin in pins if pin.startswith("tensorflow")) + "\n"
    locked = (source / LOCKED).read_text(encoding="utf-8")
    for pin in re.findall(r"^[\w.-]+==[\w.]+", text, re.MULTILINE):
        if not re.search(rf"^{re.escape(pin)}\b", locked, re.MULTILINE):
            raise StageError(f"{source / LOCKED} lacks {pin}. Make it anew: make lock")
    return locked


def needed_files(spec: FunctionSpec, root: Path = ROOT) -> Iterator[Path]:
    """Modules that `main.py` reaches by import, and the data files of their packages."""
    modules = reached_modules(root / spec.folder / "main.py", spec.packages, root)
    yield from sorted(modules)
    for name in set(spec.packages) - {spec.folder}:
        for path in sorted((root / name).rglob("*")):
            if path.is_file() and not str(path).endswith(CODE):
                yield path


def reached_modules(main: Path, packages: tuple[str, ...], root: Path = ROOT) -> set[Path]:
    """Files of `packages` that are imported, wherever in the code, from `main` on.

    Found by following imports, so that no table can fall behind the code.
    """
    found: set[Path] = set()
    waiting = [main]
    while waiting:
        for name in imported_names(waiting.pop()):
            if name.split(".")[0] not in packages:
                continue
            for path in _files_of(name, root):
                if path not in found:
                    found.add(path)
                    waiting.append(path)
    return found


def imported_names(path: Path) -> Iterator[str]:
    """Dotted names that may be modules, from every import statement of one file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(name: str, root: Path) -> Iterator[Path]:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        stem = root.joinpath(*parts[:length])
        for path in (stem / "__init__.py", stem.with_suffix(".py")):
            if path.is_file():
                yield path


def _is_saved_model(bundle: Path) -> bool:
    described = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    return bool(described["format"] == "saved_model")


def main() -> int:
    """`python -m deploy.stage`: exit status 2 if something is missing."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument(
        "--model", default="default", help="presets, bundles' folders by commas, or empty"
    )
    asked = parser.parse_args()
    try:
        stage_all(asked.build, read_models(asked.model) if asked.model else (), print)
    except (StageError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
