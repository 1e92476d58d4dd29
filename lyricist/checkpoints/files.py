"""Which files make a model: what a digest is taken of, and what is fetched of a repository."""

import hashlib
import stat
from pathlib import Path

from lyricist.errors import BuildError

#: Begins the name of a model on the Hugging Face hub: hf:owner/name.
HUB = "hf:"
CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
README = "README.md"
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
#: Everything of a model or an adapter that is ever read. Patterns, as of `Path.glob`.
PATTERNS = ("*.json", "*.safetensors", "*.model", "*.jinja", "merges.txt", README)
#: Weights that are never read.
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def files_of(folder: Path) -> list[Path]:
    """All files in `folder` that a bundle may follow from, in order. OSError as usual; BuildError
    if there is something else by such a name, but for a folder."""
    found = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.exists()}
    return sorted(path for path in found if _is_plain(path))


def is_hub_name(source: str) -> bool:
    return source.startswith(HUB)


def digest_of(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and digests of its files.

    OSError as usual; BuildError if it is neither, or one of those is not."""
    if _is_plain(path):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for each in files_of(path):
        whole.update(f"{each.name} {digest_of(each)}\n".encode())
    return whole.hexdigest()


def _is_plain(path: Path) -> bool:
    """True for a file, False for a folder. BuildError for a pipe or a device, which reading would
    wait for or never come to the end of."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise BuildError(f"{path} is neither a file nor a folder: a model is read from files.")
    return stat.S_ISREG(mode)
