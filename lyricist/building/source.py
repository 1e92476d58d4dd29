"""Which model is meant: the default one, a file, a folder, or one on the Hugging Face hub."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lyricist.building.release import packaged_gguf
from lyricist.checkpoints.checkpoint import Checkpoint
from lyricist.checkpoints.files import is_hub_name


def local_source(source: str | None, say: Callable[[str], None]) -> Path:
    """The file or folder of a model, fetched if it is on the hub; None: the default model.

    `say` is told what will be fetched. Raises BuildError.
    """
    if source is None:
        return packaged_gguf()
    if is_hub_name(source):
        from lyricist.checkpoints.hub import fetch  # imports a client of HTTP

        return fetch(source, say)
    return Path(source)


def name_of(source: str | Path) -> str:
    """What a model is called, or an adapter, that nobody has named."""
    path = Path(source).absolute()  # "." has no name
    return path.stem if path.is_file() else path.name


def open_checkpoint(path: Path, adapters: Sequence[Path] = ()) -> Checkpoint:
    """The checkpoint in `path`, adapters of `peft` added. Raises BuildError."""
    found = _opened(path)
    if not adapters:
        return found
    from lyricist.checkpoints.lora import LoraCheckpoint, LoraFolder

    return LoraCheckpoint(found, [LoraFolder(each) for each in adapters])


def _opened(path: Path) -> Checkpoint:
    if path.is_dir():
        from lyricist.checkpoints.hf_folder import HfFolder

        return HfFolder(path)
    from lyricist.checkpoints.gguf_file import GgufFile

    return GgufFile(path)
